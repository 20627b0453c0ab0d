"""Event files: one JSON object a line, plain or gzip, from a file or standard input.

Only the type is decoded here; what an event holds is for those who use it. A file is read in
constant memory, and whatever is wrong with it is told with its line.
"""

import gzip
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple, cast

import msgspec

from monitor.errors import InputError
from monitor.streaming.settings import KINDS

STDIN: Final = "-"

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_CHUNK: Final = 256 * 1024
_LONGEST_LINE: Final = 4 * 1024 * 1024
_SHOWN: Final = 40
_KNOWN: Final = f"the types are {', '.join(KINDS)}"
_EXAMPLE: Final = 'write one JSON object a line, as {"type":"ticket-created","ticket_id":...}'


class Line(NamedTuple):
    """One event as it stands in the file."""

    number: int
    kind: str
    raw: bytes


class _Typed(msgspec.Struct, gc=False):
    type: Literal[
        "ticket-created",
        "agent-replied",
        "ticket-closed",
        "customer-replied",
        "survey-answered",
        "customer-changed",
    ]


_read_type = msgspec.json.Decoder(_Typed).decode


class EventFile:
    """An event file, read from its beginning each time it is iterated over.

    A pipe or standard input can be read once, unless there is a file for a copy: the first time,
    to be gone through to the end, fills it. Reading raises `InputError`.
    """

    def __init__(self, path: str | Path, copy: IO[bytes] | None = None) -> None:
        self._path = str(path)
        self._copy = copy
        self._copied = False
        self.name = "standard input" if self._path == STDIN else self._path
        """How errors call it."""
        self.position = 0
        """How many bytes were read, as they lie in the file; counted where `size` is known."""

    @property
    def size(self) -> int | None:
        """How many bytes it has in all, unless it is a pipe."""
        try:
            status = os.stat(0) if self._path == STDIN else Path(self._path).stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def __iter__(self) -> Iterator[Line]:
        with self._opened() as file:
            number, rest, last = 0, b"", False
            stream = self._unpacked(file)
            while not last:
                chunk = self._read(stream, number)
                last = not chunk
                *lines, rest = (rest + chunk).split(b"\n")
                if last:
                    lines, rest = [rest], b""
                for line in lines:
                    number += 1
                    text = line.strip()
                    if number == 1:
                        text = text.removeprefix(_BOM)
                    if text:
                        try:
                            kind = _read_type(text).type
                        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                            raise self._wrong(number, _reason(text)) from None
                        yield Line(number, kind, text)
                if len(rest) > _LONGEST_LINE:
                    raise self._wrong(
                        number + 1,
                        f"the line is longer than {_LONGEST_LINE:,} bytes, so this is no event "
                        f"file; {_EXAMPLE}",
                    )
                if self._regular:
                    self.position = file.tell()

    @contextmanager
    def _opened(self) -> Iterator[BufferedReader]:
        self._regular = self.size is not None
        if self._copied and self._copy:
            self._copy.seek(0)
            yield cast("BufferedReader", self._copy)
            return
        with ExitStack() as stack:
            if self._path != STDIN:
                file = stack.enter_context(_open(self._path))
            elif sys.stdin is None:
                raise InputError("standard input is closed; name a file, or pipe events in")
            else:
                file = cast("BufferedReader", sys.stdin.buffer)
            if self._copy:
                file = BufferedReader(_Copying(file, self._copy), _CHUNK)
                self._copied = True
            yield file

    def _unpacked(self, file: BufferedReader) -> BufferedReader | gzip.GzipFile:
        try:
            magic = file.peek(len(_GZIP))[: len(_GZIP)]
        except OSError as error:
            raise self._unreadable(error) from error
        if magic == _GZIP:
            return gzip.GzipFile(fileobj=file)
        if self._path.endswith(".gz"):
            raise InputError(
                f"{self.name} is not compressed with gzip, whatever its name says; "
                "rename it if it is plain text, or copy it again"
            )
        if magic in _UTF16:
            raise InputError(f"{self.name} is UTF-16 text; save it as UTF-8")
        return file

    def _read(self, stream: BufferedReader | gzip.GzipFile, number: int) -> bytes:
        try:
            return stream.read(_CHUNK)
        except EOFError:
            reason = "ends in the middle of its compressed data"
        except (gzip.BadGzipFile, zlib.error):
            reason = "is damaged: its compressed data cannot be read"
        except OSError as error:
            raise self._unreadable(error) from error
        raise InputError(f"{self.name} {reason}, after line {number}; copy or download it again")

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"cannot read {self.name}: {(error.strerror or str(error)).lower()}")

    def _wrong(self, number: int, reason: str) -> InputError:
        return InputError(f"{self.name}:{number}: {reason}")


def read_events(path: str | Path) -> Iterator[Line]:
    """Read the events of a file one by one; raises `InputError` with the line and what to do."""
    return iter(EventFile(path))


@contextmanager
def rewindable(path: str | Path) -> Iterator[EventFile]:
    """Give a file that can be read more than once, with a temporary copy of what is no file."""
    file = EventFile(path)
    if file.size is not None and str(path) != STDIN:
        yield file
        return
    with tempfile.TemporaryFile(prefix="sla-monitor-") as copy:
        yield EventFile(path, copy)


class _Copying(RawIOBase):
    """Keeps a copy of whatever is read."""

    def __init__(self, source: BufferedReader, copy: IO[bytes]) -> None:
        self._source = source
        self._to = copy
        self._count = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there."""
        view = memoryview(buffer)
        count = self._source.readinto1(view)
        self._to.write(view[:count])
        self._count += count
        return count

    def tell(self) -> int:
        """Return how much was read."""
        return self._count


def _open(path: str) -> BufferedReader:
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise InputError(
            f"there is no file {path}; check its name, or write - for standard input"
        ) from None
    except IsADirectoryError:
        raise InputError(f"{path} is a directory; name an event file in it") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"cannot read {path}: {reason}") from error


def _reason(line: bytes) -> str:
    """Say why a line is no event; only wrong lines are looked at this closely."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if any(byte < ord(" ") and byte != ord("\t") for byte in line):
            return f"this is not text, so this is no event file; {_EXAMPLE}"
        return f"this is not JSON: {_shown(line)}; {_EXAMPLE}"
    if not isinstance(value, dict):
        return f"this is not a JSON object: {_shown(line)}; {_EXAMPLE}"
    if "type" not in value:
        return f'the event has no "type"; {_KNOWN}'
    kind = value["type"]
    return f"the event has the unknown type {_shown(msgspec.json.encode(kind))}; {_KNOWN}"


def _shown(line: bytes) -> str:
    text = "".join(c if c.isprintable() else "?" for c in line.decode(errors="replace"))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
