"""What is logged, and how: a line an event, for people or as JSON, and never a word of a ticket.

The text of an unexpected exception may quote what was being worked on, so only its type and its
place are told; `--verbose` tells all.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import click
import msgspec

log: Final = logging.getLogger(__name__)

LIBRARIES: Final = ("aiokafka", "faust", "mode", "asyncio", "aiohttp")
WITHHELD: Final = "(its text may quote a ticket; --verbose shows it)"


class Logs(msgspec.Struct, frozen=True):
    """What a command was told about its log."""

    as_json: bool = False
    verbose: bool = False
    level: int = logging.INFO

    def say(self, text: str) -> None:
        """Tell whoever started the command, on stderr."""
        if self.as_json:
            log.info("%s", text)
        else:
            click.echo(text, err=True)


def set_up_logging(logs: Logs, *, worker: int | None = None) -> None:
    """Log one line an event to stderr; libraries only speak up with `--verbose`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JsonLines if logs.as_json else TextLines)(logs.verbose, worker))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("monitor").setLevel(logs.level)
    libraries = logging.INFO if logs.verbose else logging.CRITICAL
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(libraries)
    # Faust's services log under our own module names too.
    logging.getLogger("monitor.streaming.transport").setLevel(
        logging.INFO if logs.verbose else logging.WARNING
    )
    sys.excepthook = _log_the_end


class TextLines(logging.Formatter):
    """Lines for people."""

    def __init__(self, verbose: bool, worker: int | None) -> None:
        who = "" if worker is None else f"worker {worker}: "
        super().__init__(f"%(asctime)s %(levelname)s {who}%(message)s")
        self._verbose = verbose

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback."""
        return super().formatException(ei) if self._verbose else _without_texts(ei[1])


class JsonLines(logging.Formatter):
    """JSON objects, one a line."""

    def __init__(self, verbose: bool, worker: int | None) -> None:
        super().__init__()
        self._verbose = verbose
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of a record."""
        at = datetime.fromtimestamp(record.created, UTC)
        shown: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._worker is not None:
            shown["worker"] = self._worker
        if (partition := getattr(record, "partition", None)) is not None:
            shown["partition"] = partition
        if record.exc_info and (error := record.exc_info[1]):
            shown["exception"] = self._exception(error)
        return json.dumps(shown)  # ASCII only: nothing in it can steer a terminal

    def _exception(self, error: BaseException) -> dict[str, str]:
        if self._verbose:
            told = "".join(traceback.format_exception(error))
            return {"type": _type(error), "text": str(error), "traceback": told}
        return {"type": _type(error), "traceback": _without_texts(error)}


def _without_texts(error: BaseException | None) -> str:
    """Return a traceback that names types and places only, causes first."""
    lines: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        lines = [*traceback.format_tb(error.__traceback__), f"{_type(error)} {WITHHELD}\n", *lines]
        error = cause
    return "Traceback, causes first:\n" + "".join(lines).rstrip()


def _type(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _log_the_end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("monitor").critical(
        "ended by an error that nobody expected", exc_info=(kind, error, trace)
    )
