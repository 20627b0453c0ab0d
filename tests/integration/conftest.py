"""What the integration tests share: the embedded broker, new for each test (it is up in 30 ms)."""

from collections.abc import AsyncIterator

import pytest

from monitor.broker.embedded import EmbeddedBroker


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as running:
        yield running
