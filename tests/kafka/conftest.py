"""What the tests on Apache Kafka share: one broker for the whole run."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from monitor.errors import SlaMonitorError
from monitor.streaming.settings import Topics
from tests.kafka.broker import ForeignBroker, KafkaBroker
from tests.kafka.secured import MONITOR_MAY, SecuredKafka, allow


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka() -> AsyncIterator[KafkaBroker | ForeignBroker]:
    """Give the broker; a test that kills it must have it running again when it ends."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    broker = ForeignBroker(bootstrap) if bootstrap else KafkaBroker()
    try:
        await broker.start()
    except SlaMonitorError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield broker
    await broker.stop()


@pytest.fixture
async def broker(kafka) -> KafkaBroker | ForeignBroker:
    """Give the broker without any topic or group of ours: the names are fixed by the contract."""
    await forget_everything(kafka.bootstrap)
    return kafka


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def secured_kafka() -> AsyncIterator[SecuredKafka]:
    """Give a broker of our own with users, certificates and rights."""
    async with SecuredKafka() as broker:
        await allow(broker.bootstrap, "monitor", MONITOR_MAY)
        yield broker


@pytest.fixture
async def secured(secured_kafka) -> SecuredKafka:
    """Give the secured broker without any topic of ours."""
    await forget_everything(secured_kafka.bootstrap)
    return secured_kafka


async def forget_everything(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        ours = [name for name in await admin.list_topics() if is_ours(name)]
        if ours:
            await admin.delete_topics(ours)
        async with asyncio.timeout(20):
            while any(is_ours(name) for name in await admin.list_topics()):
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


def is_ours(topic: str) -> bool:
    return topic.startswith("sla-") or topic in Topics().inputs
