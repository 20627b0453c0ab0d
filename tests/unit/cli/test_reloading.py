"""SIGHUP: a good file is taken, a broken one is refused in one sentence."""

import asyncio
import logging
import os
import signal

import pytest

from monitor.cli.reloading import Files, hangups, reloading
from monitor.errors import TopicError
from monitor.sla.policy_file import parse_policy

OLD = "channels:\n  chat: {at_risk: 90s, limit: 2m}\n"
NEW = "channels:\n  chat: {at_risk: 90s, limit: 5m}\n"


class Running:
    """A program that reloads a file, and what it has taken."""

    def __init__(self, path):
        self.path = path
        self.taken = []
        self.refusal = None

    async def take(self, policy, shadow):
        if self.refusal:
            raise self.refusal
        self.taken.append(policy)
        self.tried = shadow

    async def __aenter__(self):
        self.path.write_text(OLD)
        self._came = hangups()
        shadow = self.path.with_name("shadow.yaml")
        shadow.write_text(OLD)
        known = parse_policy(OLD), parse_policy(OLD)
        work = reloading(self._came, Files(self.path, shadow), known, self.take)
        self._task = asyncio.create_task(work)
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)

    async def hang_up(self, text):
        self.path.write_text(text)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(5):
            await self._came.wait()
            while self._came.is_set():
                await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def running(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with Running(tmp_path / "policy.yaml") as one:
        yield one


async def test_a_good_file_is_taken_and_what_changed_is_said(running, caplog):
    await running.hang_up(NEW)
    assert running.taken == [parse_policy(NEW)]
    assert "new policy: chat: {at_risk: 1m30s, limit: 2m" in caplog.text
    await running.hang_up(OLD)
    assert running.taken[1:] == [parse_policy(OLD)]


async def test_a_shadow_is_read_again_too(running, caplog):
    running.path.with_name("shadow.yaml").write_text(NEW)
    await running.hang_up(OLD)
    assert running.taken == [parse_policy(OLD)]
    assert running.tried == parse_policy(NEW)
    assert "new shadow: chat: " in caplog.text
    assert "new policy" not in caplog.text


async def test_a_file_that_says_the_same_is_not_taken_again(running, caplog):
    await running.hang_up("# as before\n" + OLD)
    assert running.taken == []
    assert "shadow.yaml: nothing else than what is in force" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("channels:\n  chat: {at_risk: 90s}\n", "policy.yaml:2: "),
        ("channels:\n  chat: {limit: x}\n  fax: {limit: y}\n", "(and 1 more)"),
    ],
)
async def test_a_broken_file_is_refused_in_one_sentence(running, caplog, text, reason):
    await running.hang_up(text)
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said.getMessage().startswith("the policy in force stays: ")
    assert reason in said.getMessage()
    assert "\n" not in said.getMessage()
    assert running.taken == []
    await running.hang_up(NEW)
    assert running.taken == [parse_policy(NEW)]


async def test_a_policy_that_cannot_be_taken_is_said_too_and_tried_again_when_asked(
    running, caplog
):
    running.refusal = TopicError("topic customer-replied has 3 partitions")
    await running.hang_up(NEW)
    assert "the policy in force stays: topic customer-replied has 3" in caplog.text
    running.refusal = None
    await running.hang_up(NEW)
    assert running.taken == [parse_policy(NEW)]
