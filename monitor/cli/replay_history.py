"""What a replay must know of an event file before it sends any of it: tickets, times, counts.

Every event is read in a first look already, so that a file that is broken at its end sends nothing.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from monitor.cli.event_file import EventFile, Line
from monitor.errors import InputError
from monitor.streaming.codec import TIME_FIELDS, Time, UnusableError, micros

KEY_FIELDS: Final = dict.fromkeys(TIME_FIELDS, "ticket_id") | {"customer-changed": "customer_id"}
"""By which field the events of each kind are keyed."""


class Event(NamedTuple):
    """What is needed of an event to send it; `at` in microseconds."""

    key: str
    at: int


class Survey(NamedTuple):
    """What a first look at the file found; times in microseconds."""

    counts: Counter[str]
    first: int
    last: int


def _decoder(key: str, field: str) -> Callable[[bytes], Any]:
    fields: list[Any] = [
        ("key", str | int, msgspec.field(name=key)),
        ("at", Time, msgspec.field(name=field)),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Event", fields, gc=False)).decode


_READ: Final = {kind: _decoder(KEY_FIELDS[kind], field) for kind, field in TIME_FIELDS.items()}


def read_event(line: Line) -> Event:
    """Return the key and the time of an event; raises `InputError` without the place."""
    key, field = KEY_FIELDS[line.kind], TIME_FIELDS[line.kind]
    try:
        read = _READ[line.kind](line.raw)
        event = Event(str(read.key), micros(read.at, field))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        finding = str(error).replace(" - at `$.", " in `").replace("`", '"')
        raise InputError(
            f"{finding[0].lower()}{finding[1:]}; {line.kind} needs a {key} and {field} "
            "with its offset, as 2026-01-31T12:00:00Z"
        ) from None
    except UnusableError as error:
        raise InputError(f"{error}; write it as 2026-01-31T12:00:00Z") from None
    if not event.key:
        raise InputError(f"{key} is empty; write the {key.removesuffix('_id')}'s id")
    return event


def survey(file: EventFile, at: Callable[[int], None]) -> Survey:
    """Look at every event of the file; raises `InputError` with the line of one that is wrong."""
    counts: Counter[str] = Counter()
    first = last = 0
    for line in file:
        try:
            event = read_event(line)
        except InputError as error:
            raise InputError(f"{file.name}:{line.number}: {error}") from None
        first = min(first, event.at) if counts else event.at
        last = max(last, event.at)
        counts[line.kind] += 1
        at(file.position)
    return Survey(counts, first, last)
