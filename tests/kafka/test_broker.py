"""Apache Kafka for the tests: what was committed outlives a kill of the broker."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monitor.errors import UsageError
from tests.kafka import jars
from tests.kafka.broker import ForeignBroker


async def test_what_a_transaction_committed_is_there_after_the_broker_was_killed(kafka):
    topic = f"smoke-{uuid4()}"
    await create_topic(kafka.bootstrap, topic)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=topic
    ) as producer:
        async with producer.transaction():
            await producer.send(topic, b"committed", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        await producer.abort_transaction()
    assert await read(kafka.bootstrap, topic) == [b"committed"]

    bootstrap = kafka.bootstrap
    kafka.kill()
    await kafka.start()

    assert kafka.bootstrap == bootstrap
    assert await read(kafka.bootstrap, topic) == [b"committed"]


def test_a_broker_of_somebody_else_is_never_killed():
    with pytest.raises(UsageError, match="not ours to kill"):
        ForeignBroker("kafka.example:9092").kill()


def test_without_java_or_maven_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"Maven is missing.*install.*KAFKA_BOOTSTRAP"):
        jars.required_program("mvn", "Maven")


async def create_topic(bootstrap: str, topic: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await client.close()


async def read(bootstrap: str, topic: str) -> list[bytes]:
    """Return all committed records, read by position up to the end."""
    partition = TopicPartition(topic, 0)
    values: list[bytes] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed"
    ) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            chunks = await consumer.getmany(timeout_ms=100)
            values += [record.value for chunk in chunks.values() for record in chunk]
    return values
