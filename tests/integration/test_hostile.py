"""Ticket data on its way through all of it: no place where it does more than stand there."""

import asyncio
import json
import os
import re
import time

import aiohttp
from aiokafka import AIOKafkaProducer

from monitor.streaming.settings import Settings
from tests.integration.test_run import (  # noqa: F401 - fixtures among them
    created,
    is_live,
    prepared,
    quick_policy,
)
from tests.support.hostile import ODD
from tests.support.kafka import producing, read_events
from tests.support.program import COMMAND, ROOT, Run

MARK = "MARK4711"
"""In every text that is sent: no log and no metric may have it."""

COLOURS = re.compile(r"\x1b\[[\d;]*m")


def objects(run):
    """Return the log, every line of which has to be an object."""
    return [json.loads(line) for line in run.log]


async def test_odd_tickets_are_told_whole_and_stand_in_no_log_and_no_metric(
    prepared,  # noqa: F811
    quick_policy,  # noqa: F811
):
    texts = [f"{MARK}{text}{number}" for number, text in enumerate(ODD.values())]
    options = ("--policy", quick_policy, "--log-format", "json")
    async with producing(prepared.bootstrap) as send, Run(prepared.bootstrap, *options) as run:
        await run.until(is_live)
        now = time.time()
        for text in texts:
            fields = created(text, now) | {"priority": text, "team": text, "customer_id": text}
            await send("ticket-created", text, fields)
        await send_unusable(send, now)
        scrape = await run.until(
            lambda s: (
                s.get("sla_tickets_overdue", channel="chat") == len(texts)
                and s.sum("sla_records_total", topic="ticket-created", outcome="dead_letter") == 9
            )
        )
        page = json.loads((await run.get("/snapshot.json"))[1])
        async with aiohttp.ClientSession() as session:  # and one whose path and token are data
            await session.get(f"http://127.0.0.1:{run.port}/{MARK}?token={MARK}")
        await run.stop()
    told = await read_events(prepared.bootstrap)
    assert {event["data"]["ticket_id"] for event in told} == set(texts)
    assert MARK not in scrape.text
    shown = page["channels"][0]["tickets"]
    assert len(shown) == 8
    assert max(len(each[name]) for each in shown for name in ("ticket_id", "team")) <= 121
    assert MARK not in "".join(run.log)
    assert {"time", "level", "logger", "message"} <= min(objects(run), key=len).keys()
    assert {each["partition"] for each in objects(run) if "partition" in each} == {0, 1, 2, 3}

    lines = await on_a_terminal("tail", "--broker", prepared.bootstrap, "--no-follow")
    assert len(lines) == len(told)
    assert all(line.isprintable() and len(line) < 500 for line in lines), lines
    lines = await on_a_terminal("tail", "--broker", prepared.bootstrap, "--no-follow", "--json")
    assert all(line.isprintable() for line in lines)
    assert {json.loads(line)["data"]["ticket_id"] for line in lines} == set(texts)


async def send_unusable(send, now):
    """Send what goes to the dead letters, each with the mark where somebody might quote it."""
    good = created(MARK, now)
    for number, bad in enumerate(
        [
            good | {"channel": f"<script>{MARK}"},
            good | {"created_at": MARK},
            good | {"ticket_id": [MARK]},
            good | {"created_at": "2026-01-01T00:00:00"},
            {MARK: MARK},
            f'"{MARK}'.encode(),
            f'{{"{MARK}": \xff'.encode("latin1"),
            good | {"priority": {MARK: MARK}},
        ]
    ):
        await send("ticket-created", f"{MARK}{number}", bad)
    await send("ticket-created", f"{MARK}-key", good)


async def test_a_poisoned_changelog_is_said_without_what_it_holds(prepared):  # noqa: F811
    settings = Settings(prepared.bootstrap)
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        await run.stop()
    async with AIOKafkaProducer(bootstrap_servers=prepared.bootstrap) as producer:
        poison = MARK.encode()
        await producer.send_and_wait(settings.changelog, poison, key=MARK.encode(), partition=0)
    for options in ((), ("--workers", 2)):
        async with Run(prepared.bootstrap, "--log-format", "json", *options) as run:
            await run.until(lambda _, run=run: failures(run))
            run.process.terminate()
            await run.process.wait()
        failed = failures(run)[0]
        assert (failed["partition"], failed["level"]) == (0, "error")
        assert failed["exception"]["type"].startswith("msgspec.")
        assert "_unpack_ticket" in failed["exception"]["traceback"]
        assert ("worker" in failed) == bool(options)
        assert MARK not in "".join(run.log)


def failures(run):
    return [each for each in objects(run) if "exception" in each]


async def on_a_terminal(*args):
    """Run a command whose output is a terminal; return its lines, without their colours."""
    ours, theirs = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"},
        )
    finally:
        os.close(theirs)
    reading = asyncio.create_task(asyncio.to_thread(read_to_the_end, ours))
    async with asyncio.timeout(30):
        _, err = await process.communicate()
        written = await reading
    assert process.returncode == 0, err
    return [COLOURS.sub("", line) for line in written.decode().split("\r\n") if line]


def read_to_the_end(descriptor):
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:  # how a terminal's end shows on Linux
        pass
    finally:
        os.close(descriptor)
    return b"".join(chunks)
