"""When which event of a replay is sent, and which times it has then; `now` is handed in.

A monitor takes no event from the future, so none may get ahead of the clock, at whatever speed.
"""

import math
from contextlib import suppress
from typing import NamedTuple

import msgspec

from monitor.cli.replay_history import Survey
from monitor.errors import InputError
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.streaming.codec import AHEAD, TIME_FIELDS, Time, UnusableError, micros, rfc3339

_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_time = msgspec.json.Decoder(Time).decode


class Pace(NamedTuple):
    """When which event is sent: the wall clock at which sending starts, and the way from there."""

    start: int
    first: int
    speed: float
    shift: int

    def due(self, at: int) -> float:
        """Return how many microseconds after the start an event of this (own) time is sent."""
        return (at - self.first) / self.speed

    def lead(self, at: int) -> float:
        """Return how far in the future an event lies when it is sent, as it is sent."""
        return at + self.shift - self.start - self.due(at)

    def age(self) -> int:
        """Return how old the oldest event is when sending starts, as it is sent."""
        return self.start - self.first - self.shift


def pace(found: Survey, start: int, speed: float, *, shift_to_now: bool) -> Pace:
    """Plan the sending; raises `InputError` where the events would lie in the future."""
    plan = Pace(start, found.first, speed, 0)
    if shift_to_now:
        # Down to whole milliseconds: times keep their length, and none gets ahead of the clock.
        to_the_end = start + plan.due(found.last) - found.last
        return plan._replace(shift=math.floor(to_the_end / 1000) * 1000)
    lead = max(plan.lead(found.first), plan.lead(found.last))
    if lead > AHEAD:
        raise InputError(
            f"its events lie up to {format_duration(int(lead) // SECOND * SECOND)} in the future; "
            "correct their times, or send them with --shift-to now"
        )
    return plan


def payload(raw: bytes, shift: int) -> bytes:
    """Return the event as it is sent: without its type, every other field as it was written."""
    fields = _read_fields(raw)
    fields.pop("type", None)
    if shift:
        for field in set(TIME_FIELDS.values()):
            if field in fields:
                # Only the event's own time must be one; what else there is stays as it is.
                with suppress(msgspec.DecodeError, UnusableError):
                    moment = micros(_read_time(fields[field]), field) + shift
                    fields[field] = msgspec.Raw(msgspec.json.encode(rfc3339(moment)))
    return msgspec.json.encode(fields)
