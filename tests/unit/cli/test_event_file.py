"""Event files: what is read, and what is said of one that is wrong."""

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.event_file import EventFile, Line, read_events, rewindable
from monitor.errors import InputError

CREATED = b'{"type":"ticket-created","ticket_id":"a","created_at":"2026-01-01T00:00:00Z"}'
REPLIED = b'{"type":"agent-replied","ticket_id":"a","replied_at":"2026-01-01T00:01:00Z"}'
LINES = [Line(1, "ticket-created", CREATED), Line(2, "agent-replied", REPLIED)]


@pytest.fixture
def write(tmp_path: Path):
    def written(content: bytes, name: str = "events.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return written


def reason(path: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        list(read_events(path))
    assert caught.value.exit_code == 4
    return str(caught.value)


class Stdin:
    def __init__(self, content: bytes):
        self.buffer = io.BufferedReader(io.BytesIO(content))


def test_each_line_comes_with_its_number_its_kind_and_its_bytes(write):
    assert list(read_events(write(CREATED + b"\n" + REPLIED + b"\n"))) == LINES


def test_the_last_line_needs_no_line_end(write):
    assert list(read_events(write(CREATED + b"\n" + REPLIED))) == LINES


def test_gzip_is_read_whatever_the_file_is_called(write):
    packed = gzip.compress(CREATED + b"\n" + REPLIED)
    assert list(read_events(write(packed, "events.gz"))) == LINES
    assert list(read_events(write(packed, "events.jsonl"))) == LINES


def test_gzip_files_that_were_joined_are_read_to_the_end(write):
    packed = gzip.compress(CREATED + b"\n") + gzip.compress(REPLIED + b"\n")
    assert list(read_events(write(packed))) == LINES


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(write):
    assert (
        list(read_events(write(b"\xef\xbb\xbf" + CREATED + b"\r\n" + REPLIED + b"\r\n"))) == LINES
    )


def test_blank_lines_are_skipped_and_counted(write):
    found = list(read_events(write(b"\n" + CREATED + b"\n  \n" + REPLIED + b"\n\n")))
    assert [line.number for line in found] == [2, 4]


def test_an_empty_file_has_no_events(write):
    assert list(read_events(write(b""))) == []
    assert list(read_events(write(gzip.compress(b"")))) == []


def test_lines_longer_than_a_chunk_are_read_whole(write):
    long = CREATED[:-1] + b',"note":"' + b"x" * 1_000_000 + b'"}'
    assert [line.raw for line in read_events(write(long + b"\n" + REPLIED))] == [long, REPLIED]


def test_a_minus_reads_standard_input_gzip_too(monkeypatch: pytest.MonkeyPatch):
    for content in (CREATED + b"\n" + REPLIED, gzip.compress(CREATED + b"\n" + REPLIED)):
        monkeypatch.setattr(sys, "stdin", Stdin(content))
        assert list(read_events("-")) == LINES


def test_standard_input_can_be_read_twice_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", Stdin(gzip.compress(CREATED + b"\n" + REPLIED)))
    with rewindable("-") as file:
        assert list(file) == list(file) == LINES


def test_a_file_can_be_read_twice_and_tells_how_far_it_was_read(write):
    path = write(gzip.compress(CREATED))
    with rewindable(path) as file:
        assert list(file) == list(file)
        assert file.position == file.size == path.stat().st_size


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    assert reason(tmp_path / "nope.jsonl").endswith(
        "nope.jsonl; check its name, or write - for standard input"
    )


def test_a_directory_is_no_event_file(tmp_path: Path):
    assert "is a directory; name an event file in it" in reason(tmp_path)


def test_a_file_with_gz_for_its_name_must_be_gzip(write):
    assert "is not compressed with gzip" in reason(write(CREATED, "events.gz"))


def test_a_gzip_file_cut_short_says_how_far_it_went(write):
    events = b"".join(CREATED.replace(b'"a"', b'"%d"' % n) + b"\n" for n in range(50_000))
    packed = gzip.compress(events)
    said = reason(write(packed[: len(packed) - 20]))
    assert "ends in the middle of its compressed data, after line" in said
    assert said.endswith("copy or download it again")


def test_a_damaged_gzip_file_is_called_damaged(write):
    packed = bytearray(gzip.compress(CREATED * 100))
    packed[20:30] = b"0123456789"
    assert "is damaged" in reason(write(bytes(packed)))


def test_a_file_without_line_ends_is_given_up_before_it_fills_the_memory():
    assert "so this is no event file" in reason("/dev/zero")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b"\x00\x01\x02\xff", "this is not text"),
        (b"hello", "this is not JSON: hello"),
        (b'{"type":"ticket-created"', "this is not JSON"),
        (b"[1]", "this is not a JSON object: [1]"),
        (b'{"ticket_id":"a"}', 'the event has no "type"; the types are ticket-created'),
        (b'{"type":"ticket"}', 'the event has the unknown type "ticket"; the types are'),
        (b'{"type":null}', "the event has the unknown type null"),
        (b"\x1b[31m" + b"x" * 100, "this is not text"),
    ],
)
def test_a_line_that_is_no_event_is_told_with_its_number(write, wrong, said):
    path = write(CREATED + b"\n" + wrong + b"\n")
    assert reason(path).startswith(f"{path}:2: {said}")


def test_utf_16_is_called_by_its_name(write):
    assert "is UTF-16 text; save it as UTF-8" in reason(write(CREATED.decode().encode("utf-16")))


def test_what_stands_before_the_wrong_line_is_given(write):
    events = read_events(write(CREATED + b"\nwrong\n"))
    assert next(events).kind == "ticket-created"
    with pytest.raises(InputError):
        next(events)


def test_reading_an_event_file_imports_no_kafka():
    program = "import sys, monitor.cli.event_file as m; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"aiokafka", "faust", "rich"} & set(done.stdout.split())


def test_a_name_for_errors_is_given_to_standard_input():
    assert EventFile("-").name == "standard input"
