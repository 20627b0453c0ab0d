"""What was found out about a Kafka, as plain values: no question is asked of anybody here."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from monitor.streaming.topics import TopicConfig

State = Literal["ok", "warn", "fail"]
"""`warn` is what works today, `fail` what does not work or tells untruths."""

BROKER_AWAY: Final = 3
BAD_POLICY: Final = 4


class Check(NamedTuple):
    """What came of looking at one thing."""

    name: str
    state: State
    found: str
    mend: str = ""
    """What to do about it; empty where all is well."""
    exit_code: int = 1
    """What a failure ends the command with."""


class Topic(NamedTuple):
    """A topic as the broker tells of it."""

    partitions: int
    replicas: int
    """How often its least copied partition is kept."""
    leaderless: tuple[int, ...]
    """The partitions that nobody serves."""
    config: TopicConfig | None
    """None where this user may not read its settings."""
    may_read: bool


class Stray(NamedTuple):
    """A ticket whose events are in different partitions of two topics."""

    ticket_id: str
    places: tuple[tuple[str, int], ...]


class Sample(NamedTuple):
    """What the newest records of the input topics say about how they were partitioned."""

    records: int = 0
    shared: int = 0
    """Tickets met in more than one topic."""
    stray: Stray | None = None
    keyless: tuple[str, ...] = ()
    """The topics in which there are records with no key."""


class Skew(NamedTuple):
    """By how much the broker's clock is ahead of ours: somewhere between the two, in seconds."""

    least: float
    most: float

    @property
    def nearest(self) -> float:
        """What is certain of it: 0 where the clocks may well agree."""
        return max(self.least, 0.0) if self.least > 0 else min(self.most, 0.0)


class Trial(NamedTuple):
    """What came of a transaction that was begun, with nothing in it, and aborted.

    An error is named as Kafka calls it; empty stands for none, None for not tried.
    """

    transactional_id: str = ""
    stuck: str = ""
    """Why no transaction can be had, whoever asks."""
    disturbed: bool = False
    """Another doctor began one meanwhile, which ended this one: nothing is known of the rights."""
    writes: Mapping[str, str] = {}
    group: str | None = None
    skew: Skew | None = None


class Findings(NamedTuple):
    """All that was found out."""

    bootstrap: str
    way: str
    """How it was reached: `SASL_SSL as monitor`."""
    brokers: int
    apis: Mapping[int, int]
    """The highest version that the broker speaks of each of its APIs."""
    topics: Mapping[str, Topic]
    hidden: frozenset[str]
    """Topics that may be there, but that this user may not see."""
    creation: Mapping[str, str]
    """Of each topic that `run` would have to create, why it may not be; empty where it may."""
    sample: Sample
    trial: Trial
    members: int | None
    """How many are in the group now; None where it is not known."""
