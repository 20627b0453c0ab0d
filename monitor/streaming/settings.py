"""Every setting of the streaming part in one frozen value; nothing else reads any."""

from dataclasses import dataclass
from typing import Any, Final

from monitor.streaming.security import UNSECURED, Security

DEFAULT_APP_ID: Final = "sla-monitor"


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of the topics (DESIGN 2 and 4)."""

    created: str = "ticket-created"
    replied: str = "agent-replied"
    closed: str = "ticket-closed"
    customer_replied: str = "customer-replied"
    breaches: str = "sla-breaches"
    dead_letters: str = "sla-dead-letters"
    stats: str = "sla-channel-stats"
    surveys: str = "survey-answered"
    customers: str = "customer-changed"

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that is read, in the order of `KINDS`; only the first two need exist."""
        return *self.usual, self.customer_replied, *self.measures

    @property
    def required(self) -> tuple[str, str]:
        """Those of the inputs that must exist."""
        return self.created, self.replied

    @property
    def usual(self) -> tuple[str, str, str]:
        """What is read under every policy; the last one need not exist."""
        return self.created, self.replied, self.closed

    @property
    def measures(self) -> tuple[str, str]:
        """What else can be measured, under every policy; neither need exist."""
        return self.surveys, self.customers


KINDS: Final = Topics().inputs
"""The contract's names of the input topics, which name the kinds of events too."""

CLOSED: Final = Topics().closed
"""The kind without which a ticket is over at its first response."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process talks to Kafka, and how it paces itself."""

    bootstrap: str
    app_id: str = DEFAULT_APP_ID
    """The consumer group, and the prefix of the changelog's name and of the transactional ids."""
    topics: Topics = Topics()
    security: Security = UNSECURED
    session_timeout_seconds: float = 6.0
    heartbeat_seconds: float = 1.5
    transaction_timeout_seconds: float = 15.0
    """How long a transaction that nobody ends may hold up the readers of committed records."""
    fetch_wait_ms: int = 500
    """How long the broker may hold an empty fetch; also how often an idle topic is heard of."""
    fresh_seconds: float = 2.0
    """A topic last heard of longer ago than this counts as behind (DESIGN 3.4)."""
    max_poll_records: int = 5000
    flush_seconds: float = 0.3
    """The longest that changes wait for their transaction while nothing is to be told."""
    far_flush_seconds: float = 1.0
    """The same while more than a poll's worth of records is still to be read.

    Every transaction asks the broker half a dozen things, whatever its size.
    """
    idle_commit_seconds: float = 30.0
    """How often a partition with nothing to commit commits its clock."""
    forget_seconds: float = 60.0
    """How often a partition that has read everything forgets what is over."""
    max_pending: int = 20_000
    """Changed tickets at which reading waits for the transaction under way."""
    max_remembered: int = 50_000
    """Tickets over at which a partition that is behind forgets those whose time has come.

    One that has read everything does so at leisure; while catching up a straggler may still be
    waiting in Kafka, and only memory is at stake.
    """
    retry_seconds: float = 0.5
    """The first pause before a partition is opened again; it doubles up to 10 s."""

    @property
    def client_options(self) -> dict[str, Any]:
        """What every Kafka client is given besides the address."""
        return self.security.client_options()

    @property
    def changelog(self) -> str:
        """The compacted topic that holds every ticket."""
        return f"{self.app_id}-tickets-changelog"

    @property
    def source(self) -> str:
        """What the breach events name as their source."""
        return f"/sla-monitor/{self.app_id}"

    def transactional_id(self, partition: int) -> str:
        """Return the id that fences a former owner of the partition."""
        return f"{self.app_id}-{partition}"
