"""`report`: the same figures as a page, as CSV, as JSON and as Parquet."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from monitor.cli.report import command
from tests.support.histories import DATA, history
from tests.support.program import run_command

EVENTS = """\
{"type":"customer-changed","customer_id":"c1","change":"joined","at":"2026-01-01T00:00:00Z"}
{"type":"customer-changed","customer_id":"c2","change":"joined","at":"2026-01-01T00:00:00Z"}
{"type":"ticket-created","ticket_id":"a","channel":"chat","created_at":"2026-02-01T21:59:00Z",\
"customer_id":"c1"}
{"type":"agent-replied","ticket_id":"a","replied_at":"2026-02-01T22:00:00Z"}
{"type":"survey-answered","survey_id":"s","ticket_id":"a","kind":"nps","score":9,\
"answered_at":"2026-02-02T08:00:00Z"}
{"type":"ticket-closed","ticket_id":"a","closed_at":"2026-02-02T09:59:00Z"}
{"type":"ticket-created","ticket_id":"<b>","channel":"email","created_at":"2026-02-02T10:00:00Z",\
"customer_id":"c1"}
{"type":"customer-changed","customer_id":"c2","change":"left","at":"2026-02-02T10:00:00Z"}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "<events>.jsonl"
    path.write_text(EVENTS)
    return path


def run(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)))


def rows(file, *options):
    options = options or ("--timezone", "Europe/Bucharest")
    result = run(file, "--format", "csv", "--per", "day", *options)
    assert result.exit_code == 0, result.output
    found = csv.DictReader(io.StringIO(result.stdout))
    return {(row["period"], row["channel"]): row for row in found}


def test_a_row_a_period_and_channel_and_one_of_all(file):
    found = rows(file)
    days = ("2026-02-01", "2026-02-02")
    assert list(found) == [(day, channel) for day in days for channel in ("chat", "email", "all")]
    chat, email, every = (found[days[1], channel] for channel in ("chat", "email", "all"))
    first = found[days[0], "chat"]
    assert (first["created"], first["answered"]) == ("1", "0")
    assert (chat["created"], chat["answered"], chat["answered_within_limit"]) == ("0", "1", "1")
    assert chat["first_response_mean_seconds"] == "60.0"
    assert chat["resolution_mean_seconds"] == "43200.0"
    assert chat["service_level_answered_only_ratio"] == "1.0"
    assert (chat["nps_answers"], chat["net_promoter_score"]) == ("1", "100.0")
    assert (email["unresolved"], email["service_level_abandon_ignored_ratio"]) == ("1", "")
    assert (first["unresolved_longer_than_1h"], chat["unresolved"]) == ("0", "0")
    assert (every["customers"], every["omnichannel_customers"]) == ("1", "0")
    assert (every["customers_at_start"], every["customers_left"]) == ("2", "1")
    assert (every["customer_retention_ratio"], every["customer_churn_ratio"]) == ("0.5", "0.5")
    assert email["customers_at_start"] == ""


def test_days_are_those_of_the_time_zone(file):
    assert {period for period, _ in rows(file, "--timezone", "America/New_York")} == {
        "2026-02-01",
        "2026-02-02",
    }
    shifted = rows(file)
    assert shifted["2026-02-01", "chat"]["answered"] == "0"
    assert shifted["2026-02-02", "chat"]["answered"] == "1"
    assert rows(file, "--timezone", "UTC")["2026-02-01", "chat"]["answered"] == "1"


def test_csv_json_and_parquet_say_the_same(file, tmp_path):
    outs = [tmp_path / f"report.{form}" for form in ("csv", "json", "parquet", "html")]
    result = run(file, "--per", "day", *(part for out in outs for part in ("--out", out)))
    assert result.exit_code == 0, result.output
    from_json = json.loads(outs[1].read_text())["periods"]
    from_parquet = pq.read_table(outs[2]).to_pylist()
    from_csv = list(csv.DictReader(io.StringIO(outs[0].read_text())))
    assert from_parquet == from_json
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in from_json
    ] == from_csv
    assert [line.split()[1] for line in result.stderr.splitlines() if "wrote" in line] == [
        str(out) for out in outs
    ]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "rect", "circle", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in ("line", "rect", "circle", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_needs_nothing_from_elsewhere_and_is_well_formed(file):
    text = run(file, "--per", "day").stdout
    page = Page(text)
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe")]
    assert not re.search(r"https?:|url\(|@import|\bsrc=", text)
    assert "<events>.jsonl" in " ".join(page.words)
    assert "<events>" not in text
    said = " ".join(page.words)
    for words in ("chat", "email", "All", "2026-02-02", "100.0\u202f%", "1 min", "retention"):
        assert words in said


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """The largest history, as JSON and as a page."""
    outs = [tmp_path_factory.mktemp("bank") / f"report.{form}" for form in ("json", "html")]
    result = run(history("phone-bank-1999-02"), "--per", "day", "--out", outs[0], "--out", outs[1])
    assert result.exit_code == 0, result.output
    return [out.read_text() for out in outs]


def test_a_kept_and_a_broken_promise_are_told_apart_without_colour(bank):
    assert "96.6\u202f% ✓" in bank[1]
    text = run(history("social-twitter-2018"), "--per", "month").stdout
    assert "42.5\u202f% ✗" in text


def test_the_whole_of_a_real_history_is_its_tally(bank):
    (total, _) = json.loads(bank[0])["total"]
    tally = json.loads((DATA / "phone-bank-1999-02.tally.json").read_text())["channels"]["phone"]
    for name in ("created", "answered", "abandoned", "answered_within_limit", "breached"):
        assert total[name] == tally[name]
    assert total["service_level_abandon_ignored_ratio"] == tally["service_level_ratio"]
    assert total["service_level_short_excluded_ratio"] == 0.811767


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "name an event file, or --broker"),
        (("--broker", "localhost:1", "FILE"), 2, "not both"),
        (("FILE", "--timezone", "Mars"), 2, "no time zone"),
        (("FILE", "--timezone", "/etc/passwd"), 2, "no time zone"),
        (("FILE", "--out", "report.xlsx"), 2, "end its name in .html"),
        (("FILE", "--out", "/nowhere/report.csv"), 1, "cannot write"),
        (("nothing.jsonl",), 4, "there is no file"),
        (("--broker", "127.0.0.1:1", "--connect-timeout", "0"), 3, "no Kafka broker answers"),
    ],
)
async def test_what_cannot_work_is_told_in_a_sentence(file, arguments, code, words):
    arguments = [str(file) if each == "FILE" else each for each in arguments]
    found, out, err = await run_command("report", *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_an_empty_file_is_a_page_that_says_so(tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "There are no tickets in it." in run(empty).stdout
    assert run(empty, "--format", "csv").stdout == ""
