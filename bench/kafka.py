"""The broker of the runs and its topics."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient, NewTopic

from bench.process import FailedError, run
from bench.topics import INPUTS, PARTITIONS, STOCK_INPUTS, TOLD
from monitor.streaming.settings import Settings
from tests.kafka.broker import ForeignBroker, KafkaBroker


class Kafka:
    """Creates, fills and deletes topics."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def create(self, *names: str) -> None:
        """Create topics that keep what is old."""
        topics = [NewTopic(name, PARTITIONS, 1, config={"retention.ms": "-1"}) for name in names]
        for future in self._admin.create_topics(topics).values():
            future.result()
        # The controller answers before the broker tells its clients of them.
        while not set(names) <= self.names():
            time.sleep(0.05)

    def names(self) -> set[str]:
        """List all topics."""
        return set(self._admin.list_topics(timeout=10).topics)

    def delete(self, *names: str) -> None:
        """Delete topics; return when they are gone."""
        present = [name for name in names if name in self.names()]
        if present:
            for future in self._admin.delete_topics(present).values():
                future.result()

    def forget(self, app_id: str) -> None:
        """Delete all topics that belong to an app id."""
        self.delete(*(name for name in self.names() if name.startswith(f"{app_id}-")))

    def fill(self, topics: tuple[str, str], what: str, count: int) -> object:
        """Send `--events` or `--waiting` so many; return what has to be counted of events."""
        _, expected = run(
            "bench.fill",
            *("--bootstrap", self.bootstrap, "--partitions", str(PARTITIONS)),
            *("--topics", *topics, what, str(count)),
        )
        return expected


@contextmanager
def kafka() -> Iterator[Kafka]:
    """Start Apache Kafka, or use the one in KAFKA_BOOTSTRAP, and leave none of our topics there."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    broker = ForeignBroker(bootstrap) if bootstrap else KafkaBroker()
    asyncio.run(broker.start())
    ours = (*INPUTS, *STOCK_INPUTS, TOLD, "sla-breaches", "sla-dead-letters")
    try:
        kafka = Kafka(broker.bootstrap)
        if there := kafka.names() & {*ours, Settings("").topics.closed}:
            raise FailedError(
                f"{bootstrap} has {', '.join(sorted(there))} already, and the runs would change "
                "them: delete them, or name another broker in KAFKA_BOOTSTRAP"
            )
        try:
            yield kafka
        finally:
            if bootstrap:
                kafka.delete(*ours, *(n for n in kafka.names() if n.startswith("bench-")))
    finally:
        asyncio.run(broker.stop())
