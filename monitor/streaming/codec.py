"""Input records to events, and effects to CloudEvents: the only place that knows the wire."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from sys import intern
from typing import Annotated, Any, Final, Literal

import msgspec
from xxhash import xxh32_intdigest

from monitor.errors import InputError
from monitor.sla.effects import Effect
from monitor.sla.events import (
    SECOND,
    AgentReplied,
    CustomerChanged,
    CustomerReplied,
    SurveyAnswered,
    TicketClosed,
    TicketCreated,
    Told,
)
from monitor.sla.policy import Clock, Policy
from monitor.sla.policy_changes import PolicyChange, policy_changes
from monitor.sla.ticket import Kind, Telling

AHEAD: Final = 600 * SECOND
"""A time further than this ahead of the wall clock is a producer's error (DESIGN 3.4)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - isoformat then names no offset
_MICROSECOND: Final = timedelta(microseconds=1)
_RESOLUTION: Final = Clock.RESOLUTION
_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))
_EMPTY_DATE: Final = (datetime(1971, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_END_OF_DATES: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND

Time = Annotated[datetime, msgspec.Meta(tz=True)]
Label = str | int | None


class _Created(msgspec.Struct, gc=False):
    ticket_id: str | int
    channel: str
    created_at: Time
    priority: Label = None
    team: Label = None
    tier: Label = None
    customer_id: Label = None


class _Replied(msgspec.Struct, gc=False):
    ticket_id: str | int
    replied_at: Time
    automated: bool | None = None


class _Closed(msgspec.Struct, gc=False):
    ticket_id: str | int
    closed_at: Time


class _Asked(msgspec.Struct, gc=False):
    ticket_id: str | int
    replied_at: Time


class _Answered(msgspec.Struct, gc=False):
    survey_id: str | int
    ticket_id: str | int
    kind: Literal["csat", "nps"]
    score: Annotated[float, msgspec.Meta(ge=0, le=100)]
    answered_at: Time
    channel: Label = None
    team: Label = None


class _Changed(msgspec.Struct, gc=False):
    customer_id: str | int
    change: Literal["joined", "left"]
    at: Time


class UnusableError(InputError):
    """A record that cannot be used; its text says why, for the person who produced it."""


Reader = Callable[[bytes | None, bytes | None, int], Told]
"""Decodes a record's key and value, given the wall clock in microseconds; see `Decoder.reader`."""


class Decoder:
    """Turns the JSON of all kinds of events into what the rules take.

    Kinds are named by the contract's topic names, whatever the topics are called on the broker.
    """

    def __init__(self, policy: Policy) -> None:
        self._channels = {intern(name): intern(name) for name in policy.channels}
        self._by_kind: dict[str, Callable[[bytes | str], Told]] = {
            "ticket-created": self._created,
            "agent-replied": self._replied,
            "ticket-closed": self._closed,
            "customer-replied": self._asked,
            "survey-answered": self._answered,
            "customer-changed": self._changed,
        }
        self._read_created = msgspec.json.Decoder(_Created).decode
        self._read_replied = msgspec.json.Decoder(_Replied).decode
        self._read_closed = msgspec.json.Decoder(_Closed).decode
        self._read_asked = msgspec.json.Decoder(_Asked).decode
        self._read_answered = msgspec.json.Decoder(_Answered).decode
        self._read_changed = msgspec.json.Decoder(_Changed).decode

    def reader(self, kind: str) -> Reader:
        """Return what decodes the records of a kind; it raises `UnusableError`.

        The wall clock that it is given is held against times that lie ahead.
        """
        decode = self.event
        whose = "customer" if kind == "customer-changed" else "ticket"
        field = f"{whose}_id"

        def record(key: bytes | None, value: bytes | None, wall: int) -> Told:
            if value is None:
                raise UnusableError("the record has no value; send the event as a JSON object")
            event = decode(kind, value)
            wanted: str = getattr(event, field)
            if key != wanted.encode():
                raise UnusableError(_key_reason(key, wanted, whose))
            if event.at > wall + AHEAD:
                ahead = (event.at - wall) // SECOND
                raise UnusableError(
                    f"{TIME_FIELDS[kind]} {rfc3339(event.at)} lies {ahead} s ahead of the wall "
                    "clock; check the producer's clock and time zone"
                )
            return event

        return record

    def event(self, kind: str, value: bytes | str) -> Told:
        """Decode an event of this kind; raises `UnusableError`."""
        try:
            event = self._by_kind[kind](value)
        except msgspec.DecodeError as error:
            raise UnusableError(_reason(str(error))) from None
        except RecursionError:
            raise UnusableError("it is nested too deeply; send one flat JSON object") from None
        except UnicodeError:
            raise UnusableError("it is not UTF-8 text; send one JSON object in UTF-8") from None
        return event

    def _created(self, value: bytes | str) -> TicketCreated:
        read = self._read_created(value)
        channel = self._channels.get(read.channel)
        if channel is None:
            known = ", ".join(self._channels)
            raise UnusableError(
                f'no policy names the channel "{_shown(read.channel)}"; '
                f"the policy has {known}: correct the event or add the channel to the policy"
            )
        customer = read.customer_id
        return TicketCreated(
            _id(read.ticket_id),
            channel,
            micros(read.created_at, "created_at"),
            _label(read.team),
            _label(read.priority),
            "" if read.tier is None else _label(read.tier),
            _hash(customer) if customer or customer == 0 else 0,
        )

    def _replied(self, value: bytes | str) -> AgentReplied:
        read = self._read_replied(value)
        at = micros(read.replied_at, "replied_at")
        return AgentReplied(_id(read.ticket_id), at, bool(read.automated))

    def _closed(self, value: bytes | str) -> TicketClosed:
        read = self._read_closed(value)
        return TicketClosed(_id(read.ticket_id), micros(read.closed_at, "closed_at"))

    def _answered(self, value: bytes | str) -> SurveyAnswered:
        read = self._read_answered(value)
        if read.kind == "nps" and (read.score > _BEST_NPS or read.score % 1):
            raise UnusableError(
                f"score is {read.score:g}, and an nps score is a whole number from 0 to 10"
            )
        return SurveyAnswered(
            _id(read.survey_id, "survey"),
            _id(read.ticket_id),
            read.kind,
            read.score,
            micros(read.answered_at, "answered_at"),
            _label(read.channel),
            _label(read.team),
        )

    def _changed(self, value: bytes | str) -> CustomerChanged:
        read = self._read_changed(value)
        joined = read.change == "joined"
        return CustomerChanged(_id(read.customer_id, "customer"), joined, micros(read.at, "at"))

    def _asked(self, value: bytes | str) -> CustomerReplied:
        read = self._read_asked(value)
        return CustomerReplied(_id(read.ticket_id), micros(read.replied_at, "replied_at"))


def micros(time: datetime, field: str) -> int:
    """Return a time as microseconds since 1970; raises `UnusableError` for what is no date."""
    us = (time - _EPOCH) // _MICROSECOND
    if not _EMPTY_DATE <= us < _END_OF_DATES:
        raise UnusableError(
            f"{field} is {time.isoformat()}, which looks like an unset date; send the real time"
        )
    return us


def rfc3339(us: int) -> str:
    """Return a moment as RFC 3339 in UTC, with as many decimals as it needs (none, 3 or 6).

    A breach event has four of them, most in minutes that were named before: a quarter of the time.
    """
    minutes, us = divmod(us, 60 * SECOND)
    seconds, us = divmod(us, SECOND)
    text = _minute(minutes) + _TWO_DIGITS[seconds]
    if us == 0:
        return f"{text}Z"
    return f"{text}.{us:06}Z" if us % 1000 else f"{text}.{us // 1000:03}Z"


@lru_cache(maxsize=4096)
def _minute(minutes: int) -> str:
    """Return a minute since 1970 up to the colon before its seconds."""
    return (_NAIVE_EPOCH + timedelta(minutes=minutes)).isoformat()[:-2]


def event_id(
    ticket_id: str,
    kind: Kind,
    revision: int,
    *,
    clock: str = Clock.FIRST_RESPONSE,
    number: int = 0,
) -> str:
    """Return the id of a breach event: the same on every retry, and never used for another.

    A kind told again after it was retracted gets the number of its telling.
    """
    run = f"{clock}/{number}" if number else clock
    base = f"{ticket_id}/{run}/{kind_name(clock, kind)}"
    return base if revision == 1 else f"{base}/{revision}"


@cache
def kind_name(clock: str, kind: Kind) -> str:
    """Return how a kind is called: what ends the wait for a resolution is the close."""
    if clock == _RESOLUTION and kind is Kind.ANSWERED:
        kind = Kind.CLOSED
    return kind.name.lower()


def cloud_event(effect: Effect, source: str) -> dict[str, Any]:
    """Return a breach event as CloudEvents 1.0 in JSON form."""
    clock = effect.clock
    kind = kind_name(clock, effect.kind)
    data: dict[str, Any] = {
        "ticket_id": effect.ticket_id,
        "channel": effect.channel,
        "team": effect.team or None,
        "priority": effect.priority or None,
        "created_at": rfc3339(effect.created),
        "due_at": rfc3339(effect.due_at),
        "waited_seconds": effect.waited / SECOND,
        "threshold_seconds": effect.threshold / SECOND,
    }
    if effect.tier:
        data["tier"] = effect.tier
    if effect.number:
        data["number"] = effect.number
    if effect.replied is not None:
        done = "closed_at" if clock == _RESOLUTION else "replied_at"
        data[done] = rfc3339(effect.replied)
    if effect.closed is not None:
        data["closed_at"] = rfc3339(effect.closed)
    if effect.retracts:
        data["kinds"] = [kind_name(clock, telling.kind) for telling in effect.retracts]
        data["retracts"] = [_told_id(effect, telling) for telling in effect.retracts]
    return {
        "specversion": "1.0",
        "id": _told_id(effect, Telling(effect.kind, effect.at, effect.revision)),
        "source": source,
        "type": f"sla.{clock}.{kind}",
        "subject": effect.ticket_id,
        "time": rfc3339(effect.at),
        "datacontenttype": "application/json",
        "data": data,
    }


def policy_event(change: PolicyChange, source: str) -> dict[str, Any]:
    """Return as CloudEvents 1.0 that another policy is in force."""
    return {
        "specversion": "1.0",
        "id": f"policy/{change.number}",
        "source": source,
        "type": "sla.policy.changed",
        "subject": "policy",
        "time": rfc3339(change.at),
        "datacontenttype": "application/json",
        "data": {
            "number": change.number,
            "changes": policy_changes(change.before, change.after),
            "before": change.before,
            "after": change.after,
        },
    }


def _told_id(effect: Effect, telling: Telling) -> str:
    clock, number = effect.clock, effect.number
    return event_id(effect.ticket_id, telling.kind, telling.revision, clock=clock, number=number)


def _text(value: str | int) -> str:
    return value if type(value) is str else str(value)


def _hash(customer: str | int) -> int:
    """Return a customer's hash; 0 is none, so one in four thousand million is another's."""
    text = customer if type(customer) is str else str(customer)
    return xxh32_intdigest(text.encode()) or 1


def _id(value: str | int, whose: str = "ticket") -> str:
    text = value if type(value) is str else str(value)
    if not text:
        raise UnusableError(f"{whose}_id is empty; send the {whose}'s id")
    return text


def _label(value: Label) -> str:
    """Return a label's text, of which a million tickets hold one object."""
    return "" if value is None else intern(str(value))


def _key_reason(key: bytes | None, wanted: str, whose: str) -> str:
    shown = _shown(wanted)
    if key is None:
        return f'the record has no key; key it by its {whose} id "{shown}"'
    return f'its key "{_shown(key.decode(errors="replace"))}" is not its {whose} id "{shown}"; ' + (
        "key every topic by ticket id, or a ticket's events part ways"
        if whose == "ticket"
        else "key this topic by customer id, or a customer's changes part ways"
    )


def _shown(text: str) -> str:
    """Return somebody's text as it may stand in a sentence: one line, printable, not endless."""
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


TIME_FIELDS: Final = {
    "ticket-created": "created_at",
    "agent-replied": "replied_at",
    "ticket-closed": "closed_at",
    "customer-replied": "replied_at",
    "survey-answered": "answered_at",
    "customer-changed": "at",
}
"""Where each kind of event has its time."""

_BEST_NPS: Final = 10

_LONGEST_SHOWN: Final = 80

_HINTS: Final[Mapping[str, str]] = {
    "timezone component": "write the time with its offset, as 2026-01-31T12:00:00Z or +01:00",
    "RFC3339": "write the time as 2026-01-31T12:00:00Z",
    "`datetime`": "write the time as a string, as 2026-01-31T12:00:00Z",
    "missing required field": "send the field",
    "malformed": "send one JSON object a record",
    "truncated": "send the whole JSON object",
    "Expected `object`": "send one JSON object a record",
    "Invalid enum value": "write one of the values that README names",
}


def _reason(error: str) -> str:
    """Return msgspec's finding with what to do about it."""
    hint = next((text for mark, text in _HINTS.items() if mark in error), "correct the field")
    finding = error.replace(" - at `$.", " in field `").replace("`", "")
    if not finding.startswith("JSON"):
        finding = finding[0].lower() + finding[1:]
    return f"{finding}; {hint}"
