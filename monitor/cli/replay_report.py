"""What is said at the end of a replay, good or bad: always with how far it came.

Whoever must decide whether to send the file again needs that number.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import (
    BrokerResponseError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
)

from monitor.errors import BrokerUnreachableError, InputError, SlaMonitorError
from monitor.sla.events import SECOND
from monitor.streaming.topics import error_name


@dataclass(slots=True)
class Report:
    """How far a replay came; `shift` in microseconds."""

    total: int
    sent: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    shift: int = 0
    interrupted: bool = False

    def as_text(self) -> str:
        """Return one line for people."""
        events = self.sent.total()
        of = f" of {self.total:,}" if events != self.total else ""
        topics = ", ".join(f"{topic} {count:,}" for topic, count in sorted(self.sent.items()))
        rate = events / self.seconds if self.seconds else 0.0
        said = f"sent {events:,}{of} events in {self.seconds:.1f} s ({rate:,.0f} events/s)"
        return ("interrupted: " if self.interrupted else "") + said + (topics and f": {topics}")

    def as_data(self) -> dict[str, Any]:
        """Return it for programs."""
        events = self.sent.total()
        return {
            "events": events,
            "events_in_file": self.total,
            "topics": dict(sorted(self.sent.items())),
            "seconds": round(self.seconds, 3),
            "events_per_second": round(events / self.seconds, 1) if self.seconds else 0.0,
            "shift_seconds": self.shift / SECOND,
            "interrupted": self.interrupted,
        }


def failure(error: KafkaError, report: Report, bootstrap: str) -> SlaMonitorError:
    """Return what ended the sending as a sentence with the way out."""
    so_far = f"after {report.sent.total():,} of {report.total:,} events"
    if isinstance(error, InvalidTimestampError):
        return InputError(
            f"the broker refused the events' times {so_far}: its topics take none that old "
            "or that new (message.timestamp.before.max.ms, message.timestamp.after.max.ms); "
            "change that, or use --shift-to now"
        )
    if isinstance(error, MessageSizeTooLargeError):
        return InputError(
            f"an event is larger than its topic takes, {so_far}; shorten it, or raise the "
            "topic's max.message.bytes"
        )
    if isinstance(error, BrokerResponseError) and not error.retriable:
        return SlaMonitorError(f"the broker refused an event {so_far}: {error_name(error)}")
    return BrokerUnreachableError(
        f"the broker at {bootstrap} stopped answering {so_far}; check that it "
        "runs, and replay again: what is sent twice counts once"
    )
