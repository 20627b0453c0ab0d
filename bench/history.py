"""The history that all competitors read, and what each of them must have counted at its end."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from monitor.sla.policy import DEFAULT_POLICY

HOUR_MS: Final = 3_600_000
CREATIONS_MS: Final = 6 * HOUR_MS
AGO_MS: Final = 13 * HOUR_MS
"""The history begins this long ago. Replies come within 4 hours, so it ends 3 hours ago or more:
of every channel but e-mail the limits of its unanswered tickets have passed, and of e-mail not
even the at-risk threshold. All of it lies in the window of 24 hours."""

LONGEST_WAIT_MS: Final = 4 * HOUR_MS
UNANSWERED: Final = 50
"""One ticket in so many is never answered; another one gets a second reply instead."""

COUNTED: Final = ("created", "answered", "met", "missed", "at_risk", "in_window")

Counts = dict[str, dict[str, int]]
"""What was counted by channel; `in_window` are the first responses of the last 24 hours."""


class Record(NamedTuple):
    """One input record, to be sent with its event time as its timestamp."""

    at_ms: int
    is_reply: bool
    key: str
    value: bytes


def no_counts() -> Counts:
    """Return zeros for every channel."""
    return {channel: dict.fromkeys(COUNTED, 0) for channel in DEFAULT_POLICY.channels}


def history(events: int, now_ms: int, seed: int = 1) -> tuple[list[Record], Counts]:
    """Return half as many tickets as events and as many replies, in the order of their times."""
    rng = random.Random(seed)
    channels = list(DEFAULT_POLICY.channels)
    expected = no_counts()
    records = []
    began = now_ms - AGO_MS
    for number in range(events // 2):
        channel = rng.choice(channels)
        created = began + rng.randrange(CREATIONS_MS)
        waited = _wait_ms(rng, channel)
        key = f"T-{number:08d}"
        records.append(Record(created, False, key, created_event(key, channel, created)))
        replied = created + waited
        if number % UNANSWERED == UNANSWERED - 1:
            _expect(expected[channel], channel, None)
            # To the ticket before, and later than its first reply.
            key, replied = f"T-{number - 1:08d}", began + AGO_MS - 3 * HOUR_MS
        else:
            _expect(expected[channel], channel, waited)
        records.append(Record(replied, True, key, replied_event(key, replied)))
    records.sort()
    return records, expected


def waiting(tickets: int, now_ms: int) -> Iterator[Record]:
    """Yield e-mails of the last hour that nobody has answered."""
    for number in range(tickets):
        created = now_ms - HOUR_MS + number * HOUR_MS // tickets
        key = f"W-{number:08d}"
        yield Record(created, False, key, created_event(key, "email", created))


def created_event(key: str, channel: str, at_ms: int) -> bytes:
    """Return a creation as JSON."""
    number = int(key[2:])
    return (
        f'{{"ticket_id":"{key}","channel":"{channel}","created_at":"{_rfc3339(at_ms)}",'
        f'"priority":"normal","team":"team-{number % 7}","customer_id":"C-{number % 9973}"}}'
    ).encode()


def replied_event(key: str, at_ms: int) -> bytes:
    """Return a reply as JSON."""
    return (
        f'{{"ticket_id":"{key}","replied_at":"{_rfc3339(at_ms)}",'
        f'"agent_id":"A-{int(key[2:]) % 211}","automated":false}}'
    ).encode()


def _wait_ms(rng: random.Random, channel: str) -> int:
    """Draw a waiting time: about one in twenty is longer than its limit, of e-mails none."""
    mean = HOUR_MS if channel == "email" else DEFAULT_POLICY.channels[channel].limit / 3000
    return min(int(rng.expovariate(1 / mean)), LONGEST_WAIT_MS)


def _expect(counts: dict[str, int], channel: str, waited_ms: int | None) -> None:
    target = DEFAULT_POLICY.channels[channel]
    waited = AGO_MS if waited_ms is None else waited_ms
    if waited_ms is None:
        waited -= CREATIONS_MS  # at least
    else:
        counts["answered"] += 1
        counts["in_window"] += 1
        counts["met"] += waited * 1000 <= target.limit
    counts["created"] += 1
    counts["at_risk"] += waited * 1000 > target.at_risk
    counts["missed"] += waited * 1000 > target.limit


def _rfc3339(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
