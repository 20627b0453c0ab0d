"""The log: a line an event, whose shape programs can read, and no word of a ticket."""

import json
import logging
import sys
from datetime import datetime

import pytest

from monitor.cli.logs import Logs, set_up_logging

SECRET = "T-4711 <script> of Mrs Doe"


@pytest.fixture
def logged(capsys):
    """Sets logging up and returns what reads the lines that were written."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook

    def set_up(**options):
        worker = options.pop("worker", None)
        set_up_logging(Logs(**options), worker=worker)
        return lambda: capsys.readouterr().err.splitlines()  # noqa: PLW0108 - read when called

    yield set_up
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)
    for name in ("monitor", "asyncio", "aiohttp", "monitor.streaming.transport"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def fail():
    try:
        {}[SECRET]
    except KeyError as error:
        raise ValueError(f"cannot use {SECRET}") from error


def log_a_failure():
    try:
        fail()
    except ValueError:
        extra = {"partition": 3}
        logging.getLogger("monitor.x").exception("partition %d failed", 3, extra=extra)


def test_a_json_line_has_time_level_logger_and_message(logged):
    lines = logged(as_json=True)
    logging.getLogger("monitor.x").warning("two\nlines \x1b[31m and \u202e")
    (line,) = lines()
    shown = json.loads(line)
    assert datetime.fromisoformat(shown.pop("time")).utcoffset().total_seconds() == 0
    assert shown == {
        "level": "warning",
        "logger": "monitor.x",
        "message": "two\nlines \x1b[31m and \u202e",
    }
    assert line.isascii()
    assert line.isprintable()


def test_worker_and_partition_are_fields(logged):
    lines = logged(as_json=True, worker=2)
    logging.getLogger("monitor.x").info("read", extra={"partition": 0})
    shown = json.loads(lines()[0])
    assert (shown["worker"], shown["partition"]) == (2, 0)


def test_an_exception_is_inside_the_object_and_quotes_nothing(logged):
    lines = logged(as_json=True)
    log_a_failure()
    (line,) = lines()
    assert "4711" not in line
    error = json.loads(line)["exception"]
    assert error["type"] == "ValueError"
    assert error["traceback"].index("KeyError") < error["traceback"].index("ValueError")
    assert "in fail" in error["traceback"]


def test_an_exception_in_text_names_types_and_places_and_quotes_nothing(logged):
    lines = logged()
    log_a_failure()
    text = "\n".join(lines())
    assert "ERROR partition 3 failed" in text
    assert "in fail" in text
    assert "KeyError" in text
    assert "--verbose" in text
    assert "4711" not in text


@pytest.mark.parametrize("as_json", [True, False])
def test_verbose_tells_all(logged, as_json):
    lines = logged(as_json=as_json, verbose=True)
    log_a_failure()
    assert "cannot use T-4711" in "\n".join(lines())


def test_what_ends_the_program_is_logged_like_the_rest(logged):
    lines = logged(as_json=True)
    try:
        fail()
    except ValueError:
        sys.excepthook(*sys.exc_info())
    (line,) = lines()
    shown = json.loads(line)
    assert (shown["level"], shown["exception"]["type"]) == ("critical", "ValueError")
    assert "4711" not in line


def test_libraries_are_silent_unless_verbose(logged):
    lines = logged()
    logging.getLogger("asyncio").error("%s was never retrieved", SECRET)
    assert lines() == []


def test_what_is_said_at_the_start_is_a_line_of_its_own(logged):
    lines = logged()
    Logs().say("the wall is here")
    assert lines() == ["the wall is here"]


def test_what_is_said_at_the_start_is_an_object_too(logged):
    lines = logged(as_json=True)
    Logs(as_json=True).say("the wall is here")
    assert json.loads(lines()[0])["message"] == "the wall is here"
