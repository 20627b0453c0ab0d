"""Breach events as lines: of words for people, of JSON for programs.

They hold texts from outside; none may steer a terminal, break a line or pass for markup.
"""

import json
import unicodedata
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND

if TYPE_CHECKING:
    from rich.text import Text

_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_LONGEST_TEXT: Final = 120
"""Of a longer one the beginning is shown; `--json` has it all."""

_MARKS: Final = {
    "at_risk": ("▲ at risk", "yellow"),
    "breached": ("✖ breached", "bold red"),
    "answered": ("✔ answered", "green"),
    "closed": ("■ closed", "blue"),
    "expired": ("□ expired", "magenta"),
    "retracted": ("↶ retracted", "cyan"),
}
_WIDEST_MARK: Final = max(len(mark) for mark, _ in _MARKS.values())


class _Data(msgspec.Struct):
    ticket_id: str
    channel: str
    waited_seconds: float
    threshold_seconds: float
    team: str | None = None
    priority: str | None = None
    kinds: list[str] = []
    number: int = 0


class Breach(msgspec.Struct):
    """What is shown of a breach event."""

    type: str
    time: datetime
    data: _Data

    @property
    def kind(self) -> str:
        """What happened, as `breached`."""
        return self.type.rpartition(".")[2]

    @property
    def clock(self) -> str:
        """Of which clock, where it is not the first response: `next reply 2`."""
        name = self.type.removeprefix("sla.").rpartition(".")[0]
        if name in ("", "first_response"):
            return ""
        return f"{name.replace('_', ' ')} {self.data.number or ''}".strip()


class _Changes(msgspec.Struct):
    changes: list[str] = []


class PolicyEvent(msgspec.Struct):
    """What is shown of the event that another policy is in force."""

    type: Literal["sla.policy.changed"]
    time: datetime
    data: _Changes


_read = msgspec.json.Decoder(Breach).decode
_read_policy = msgspec.json.Decoder(PolicyEvent).decode


def read_event(value: bytes | None) -> Breach | PolicyEvent | None:
    """Return what a record of the breach topic tells, if it is any of it."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read(value or b"")
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_policy(value or b"")
    return None


def line(event: Breach | PolicyEvent, now: datetime) -> "Text":
    """Return an event as a line for people; `now` says which day needs no date, and the zone."""
    from rich.text import Text  # noqa: PLC0415 - slow to import, and for terminals only

    local = event.time.astimezone(now.tzinfo)
    at = local.strftime("%H:%M:%S" if local.date() == now.date() else "%Y-%m-%d %H:%M:%S")
    if isinstance(event, PolicyEvent):
        changes = "; ".join(map(printable, event.data.changes))
        return Text.assemble((f"{at}  ", "dim"), ("◆ policy changed  ", "bold"), changes)
    breach = event
    data = breach.data
    mark, style = _MARKS.get(breach.kind, (f"· {breach.kind}", "default"))
    clock = [printable(breach.clock)] if breach.clock else []
    about = "  ".join([*clock, *_about(data)])
    return Text.assemble(
        (f"{at}  ", "dim"),
        f"{printable(data.channel):<8}  ",
        (f"{printable(mark):<{_WIDEST_MARK}}  ", style),
        (f"{printable(data.ticket_id):<20}  ", "bold"),
        f"{_seconds(data.waited_seconds)} / {_seconds(data.threshold_seconds)}",
        (f"  {about}" if about else "", "dim"),
    )


def _about(data: _Data) -> list[str]:
    """Return what is told beyond the columns, where there is something."""
    about = [printable(text) for text in (data.team, data.priority) if text]
    if data.kinds:
        kinds = ", ".join(printable(kind).replace("_", " ") for kind in data.kinds)
        about.append(f"(takes back: {kinds})")
    return about


def _seconds(seconds: float) -> str:
    """Return a duration in whole seconds, or tenths where it is short."""
    if seconds < 10 and seconds != int(seconds):  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return format_duration(int(seconds) * SECOND)


def json_line(value: bytes, *, terminal: bool) -> bytes:
    """Return the JSON of an event as it is, but on one line."""
    if any(space in value for space in b"\n\r\t"):
        value = msgspec.json.format(value, indent=-1)
    return (escaped(value) if terminal else value) + b"\n"


def printable(text: str) -> str:
    """Return a text from outside without what could steer a terminal, turn it or fill it."""
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return "".join(c for c in short if unicodedata.category(c) not in _UNPRINTABLE)


def escaped(value: bytes) -> bytes:
    """Return JSON that means the same, with such characters written as escapes."""
    return "".join(
        _escape(c) if unicodedata.category(c) in _UNPRINTABLE else c
        for c in value.decode(errors="replace")
    ).encode()


def _escape(character: str) -> str:
    # DEL is the one that JSON does not know as a control character.
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
