"""What the group does not say aloud: a worker that it lost without a word begins again."""

import asyncio
import logging

from aiokafka.coordinator.protocol import ConsumerProtocol

from monitor.observability.figures import State
from monitor.sla.policy import DEFAULT_POLICY
from monitor.streaming.monitor import Monitor
from monitor.streaming.settings import Settings
from tests.integration.test_run import prepared  # noqa: F401 - a fixture


async def test_a_worker_whose_assignment_cannot_be_read_joins_again(
    prepared,  # noqa: F811
    monkeypatch,
    caplog,
):
    """The embedded broker sometimes answers a member with no assignment at all."""
    read, answers = ConsumerProtocol.ASSIGNMENT.decode, []

    def decode(data):
        answers.append(data)
        return read(b"" if len(answers) == 1 else data)

    monkeypatch.setattr(ConsumerProtocol.ASSIGNMENT, "decode", decode)
    caplog.set_level(logging.WARNING)
    monitor = Monitor(Settings(prepared.bootstrap), DEFAULT_POLICY)
    await monitor.start()
    try:
        async with asyncio.timeout(60):
            while monitor.health().state is not State.LIVE:
                await asyncio.sleep(0.05)
    finally:
        await monitor.stop()
    assert len(answers) > 1
    (said,) = [r.getMessage() for r in caplog.records if "starting another" in r.getMessage()]
    assert "Unexpected error during coordination" in said
