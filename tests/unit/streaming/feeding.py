"""Topics as lists of records, and a partition's state that reads them: Kafka with none of it."""

import json
from typing import NamedTuple

from hypothesis import strategies as st

from monitor.sla.events import DAY, AgentReplied, Event, TicketClosed, TicketCreated
from monitor.sla.policy import Policy
from monitor.streaming.changelog import Kept
from monitor.streaming.codec import rfc3339
from monitor.streaming.state import Batch, PartitionState
from tests.support.kept import unpack
from tests.unit.sla.strategies import CHANNELS, START, channels, ids

TOPICS = ("ticket-created", "agent-replied", "ticket-closed")
KINDS = {topic: topic for topic in TOPICS}
POLICY = Policy(CHANNELS)
WALL = START + 100 * DAY
MS = 1000


class Record(NamedTuple):
    """What is used of a consumer's record."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    offset: int = 0
    topic: str = ""
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def record(event: Event, timestamp: int | None = None, offset: int = 0) -> tuple[str, Record]:
    """Return the topic and the record of an event, stamped with its own time unless told."""
    at = rfc3339(event.at)
    if isinstance(event, TicketCreated):
        topic, fields = TOPICS[0], {"created_at": at, "channel": event.channel, "team": event.team}
    elif isinstance(event, AgentReplied):
        topic, fields = TOPICS[1], {"replied_at": at, "automated": event.automated}
    else:
        topic, fields = TOPICS[2], {"closed_at": at}
    value = json.dumps({"ticket_id": event.ticket_id} | fields).encode()
    stamp = event.at // MS if timestamp is None else timestamp
    return topic, Record(event.ticket_id.encode(), value, stamp, offset, topic)


def begin(
    positions=None,
    *,
    clock=0,
    kept=None,
    policy=POLICY,
    kinds=KINDS,
    over_at_reply=False,
    shadow=None,
):
    return PartitionState(
        policy,
        kinds,
        positions or dict.fromkeys(TOPICS, 0),
        clock=clock,
        kept=kept or Kept(),
        over_at_reply=over_at_reply,
        shadow=shadow,
    )


class Feed:
    """Records by topic, read by position."""

    def __init__(self, records: list[tuple[str, Record]]) -> None:
        self.topics = {topic: [r for t, r in records if t == topic] for topic in TOPICS}
        for chunk in self.topics.values():
            chunk[:] = [one._replace(offset=offset) for offset, one in enumerate(chunk)]

    def behind(self, state: PartitionState) -> list[str]:
        return [t for t in TOPICS if state.ends[t] < len(self.topics[t])]

    def take(self, state: PartitionState, topic: str, count: int, wall: int = WALL) -> None:
        """Take up to that many more records of a topic."""
        first = state.ends[topic]
        chunk = self.topics[topic][first : first + count]
        if chunk:
            state.take(topic, chunk, first + len(chunk), wall)

    def read(self, state: PartitionState, topic: str, count: int, wall: int = WALL) -> None:
        """Take up to that many more records of a topic, and apply what is at its turn."""
        self.take(state, topic, count, wall)
        state.tick(self.behind(state), wall)

    def read_all(self, state: PartitionState, wall: int = WALL) -> None:
        """Read what is left, and let the wall clock in."""
        for topic in self.behind(state):
            self.take(state, topic, 10**6, wall)
        state.tick((), wall)


class Log:
    """What was committed: the changelog, the positions, the clock, and all that was told."""

    def __init__(self) -> None:
        self.packed: dict[bytes, bytes | None] = {}
        self.last: Batch | None = None
        self.effects = []

    def commit(self, state: PartitionState) -> Batch:
        batch = state.drain()
        self.packed.update(batch.changelog)
        self.effects += batch.effects
        self.last = batch
        return batch

    def begin_again(self, **options) -> PartitionState:
        """Begin where the last commit left off, whatever was read since."""
        if self.last is None:
            return begin(**options)
        kept = unpack(dict(self.packed))
        return begin(self.last.positions, clock=self.last.clock, kept=kept, **options)


_SPANS = [0, 0, 1, 2, 90_000, 120_000, 240_000, 300_000, 30 * 86_400_000]
_moments = st.builds(
    lambda span, jitter: START // MS + span + 2 * jitter + 10,
    st.sampled_from([s - s % 2 for s in _SPANS]),
    st.integers(-2, 2),
)
"""Even milliseconds; a close gets an odd one, so that no close is at the instant of a reply."""

live_events = st.one_of(
    st.builds(lambda i, c, at: TicketCreated(i, c, at * MS), ids, channels, _moments),
    st.builds(lambda i, at: AgentReplied(i, at * MS), ids, _moments),
    st.builds(lambda i, at: TicketClosed(i, (at + 1) * MS), ids, _moments),
)


live_feeds = st.lists(live_events, min_size=1, max_size=14).map(
    lambda events: sorted(events, key=lambda event: event.at)
)
"""Events as they happened: each topic in time order, every record stamped with its event's time."""

steps = st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(1, 3)), max_size=20)
"""Which topic is read next, and how many records of it."""
