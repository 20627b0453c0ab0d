"""`run --workers`: several processes, one web port that adds them up, and one end for all."""

import asyncio
import json
import os
import re
import signal
import time
from contextlib import asynccontextmanager, suppress

import pytest

from tests.integration.test_run import (  # noqa: F401 - fixtures among them
    created,
    is_live,
    prepared,
    quick_policy,
    replied,
)
from tests.support.histories import check_against_backtest, counts, history, tally
from tests.support.kafka import producing, read_events
from tests.support.program import Run, free_port, run_command


@asynccontextmanager
async def running(bootstrap, *options, workers=2):
    """Run several workers; whatever is left of them in the end is killed by its id."""
    run = Run(bootstrap, "--workers", workers, *options)
    try:
        async with run:
            yield run
    finally:
        for pid in pids(run).values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids(run):
    """Return the newest process of each worker."""
    return {
        int(number): int(pid)
        for number, pid in re.findall(r"worker (\d+) started \(pid (\d+)\)", "".join(run.log))
    }


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition, timeout=15.0):
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.02)


def owned(run):
    """Return the partitions that each worker said last that it owns."""
    said = re.findall(r"worker (\d+): owns partitions ([\d, ]+)", "".join(run.log))
    return {int(number): [int(each) for each in which.split(",")] for number, which in said}


async def until_shared(run, partitions=4):
    """Wait until every worker has a part of the partitions, and all have been read."""

    def is_shared():
        parts = owned(run).values()
        numbers = sorted(number for part in parts for number in part)
        return len(parts) == len(pids(run)) > 1 and numbers == list(range(partitions))

    await until(is_shared)
    await run.until(is_live)


async def snapshot(run):
    return json.loads((await run.get("/snapshot.json"))[1])


async def test_the_figures_of_all_workers_add_up_on_one_web_port(
    prepared,  # noqa: F811
    quick_policy,  # noqa: F811
):
    async with (
        running(prepared.bootstrap, "--policy", quick_policy) as run,
        producing(prepared.bootstrap) as send,
    ):
        await until_shared(run)
        now = time.time()
        for number in range(100):
            ticket_id = f"T-{number}"
            await send("ticket-created", ticket_id, created(ticket_id, now))
            if number % 2:
                await send("agent-replied", ticket_id, replied(ticket_id, now + 1))
        scrape = await run.until(
            lambda s: (
                s.get("sla_tickets_overdue", channel="chat") == 50
                and s.get("sla_detection_delay_seconds_count") == 100
            )
        )
        assert scrape.get("sla_tickets_open", channel="chat") == 100
        assert scrape.sum("sla_first_response_seconds_count", channel="chat") == 50
        assert scrape.sum("sla_first_response_seconds_sum", channel="chat") == 50
        assert scrape.sum("sla_records_total", topic="ticket-created", outcome="ok") == 100
        assert scrape.get("sla_window_tickets", channel="chat", window="5m", state="created") == 100
        await asyncio.sleep(1.1)  # the wall's second
        shown = await snapshot(run)
        assert (shown["state"], shown["partitions"], shown["notice"]) == ("live", 4, "")
        (chat,) = shown["channels"]
        assert (chat["waiting"], sum(chat["hour"]["created"])) == (50, 100)
        assert len(chat["tickets"]) == 8
        assert (await run.get("/readyz"))[0] == (await run.get("/healthz"))[0] == 200
        processes = pids(run).values()
        code, seconds = await run.stop()
        assert code == 0
        assert seconds < 3
        assert not [pid for pid in processes if is_alive(pid)]
    assert len(await read_events(prepared.bootstrap)) == 100


async def test_each_log_line_of_a_worker_tells_which_and_nothing_is_said_twice(
    prepared,  # noqa: F811
):
    async with running(prepared.bootstrap) as run:
        await until_shared(run)
        await run.stop()
    assert len([line for line in run.log if "INFO reading ticket-created" in line]) == 1
    told = [line for line in run.log if "tickets, reading on" in line]
    assert told
    assert all(re.search(r"INFO worker [12]: partition \d", line) for line in told)


async def test_a_history_read_by_three_workers_ends_as_its_backtest(broker):
    name = "social-twitter-2018"
    code, _, err = await run_command("replay", history(name), "--broker", broker.bootstrap)
    assert code == 0, err
    channel, figures = tally(name)
    async with running(broker.bootstrap, workers=3) as run:
        scrape = await run.until(
            lambda s: (
                is_live(s)
                and s.tally(channel) == counts(figures)
                and s.get("sla_tickets_waiting", channel=channel) == 0
            )
        )
        await check_against_backtest(scrape, broker.bootstrap, name, in_order=True)
        assert (await run.stop())[0] == 0


async def test_ctrl_c_ends_all_with_130_and_no_traceback(prepared):  # noqa: F811
    async with running(prepared.bootstrap) as run:
        await until_shared(run)
        processes = pids(run).values()
        run.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(3):
            assert await run.process.wait() == 130
        assert not [pid for pid in processes if is_alive(pid)]
    assert "Traceback" not in "".join(run.log)


async def test_sigterm_ends_all_in_time_even_while_they_start(prepared):  # noqa: F811
    async with running(prepared.bootstrap, workers=3) as run:
        await until(lambda: len(pids(run)) == 3)
        processes = pids(run).values()
        code, seconds = await run.stop()
        assert code == 0
        assert seconds < 3
        assert not [pid for pid in processes if is_alive(pid)]


async def test_sigterm_ends_all_in_time_even_while_the_broker_is_away(prepared):  # noqa: F811
    async with running(prepared.bootstrap) as run:
        await until_shared(run)
        processes = pids(run).values()
        prepared.kill()
        await run.until(lambda s: s.get("sla_caught_up") == 0, timeout=8)
        code, seconds = await run.stop()
        assert code == 0
        assert seconds < 3
        assert not [pid for pid in processes if is_alive(pid)]


async def test_workers_whose_parent_was_killed_end_by_themselves(prepared):  # noqa: F811
    async with running(prepared.bootstrap) as run:
        await until_shared(run)
        processes = pids(run).values()
        run.process.kill()
        await until(lambda: not [pid for pid in processes if is_alive(pid)], timeout=4)


async def test_a_worker_that_stands_still_is_missed_after_3_s_and_counted_again_when_it_goes_on(
    prepared,  # noqa: F811
):
    async with running(prepared.bootstrap) as run, producing(prepared.bootstrap) as send:
        await until_shared(run)
        now = time.time()
        for number in range(40):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now, "email"))
        await run.until(lambda s: s.get("sla_tickets_waiting", channel="email") == 40)
        halted = pids(run)[2]
        os.kill(halted, signal.SIGSTOP)
        try:
            scrape = await run.until(lambda s: not is_live(s), timeout=6)
            assert 0 < scrape.get("sla_tickets_waiting", channel="email") < 40
            await asyncio.sleep(1.1)  # the wall's second
            shown = await snapshot(run)
        finally:
            os.kill(halted, signal.SIGCONT)
        which = " and ".join(map(str, owned(run)[2]))
        assert shown["notice"].startswith(f"Nobody serves partitions {which} just now")
        assert (shown["state"], shown["partitions"]) == ("behind", 4)
        await run.until(
            lambda s: is_live(s) and s.get("sla_tickets_waiting", channel="email") == 40
        )
        assert (await run.stop())[0] == 0


async def test_more_workers_than_partitions_are_said_and_all_is_live(broker):
    code, _, err = await run_command(
        "topics", "create", "--broker", broker.bootstrap, "--partitions", 1
    )
    assert code == 0, err
    async with running(broker.bootstrap) as run:
        await until(lambda: "2 workers for 1 partitions" in "".join(run.log))
        await until(lambda: "owns partitions none" in "".join(run.log))
        await run.until(is_live)
        assert (await run.get("/readyz"))[0] == 200
        assert (await run.stop())[0] == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_missing_input_topic_is_said_once_with_the_way_out(broker, workers):
    code, out, err = await run_command(
        *("run", "--broker", broker.bootstrap, "--web-port", "0", "--workers", workers)
    )
    assert (code, out) == (1, "")
    assert err.count("topics create") == 1
    assert "Traceback" not in err


async def test_a_port_that_is_taken_is_said_before_any_worker_starts(prepared):  # noqa: F811
    port = free_port()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        code, _, err = await run_command(
            *("run", "--broker", prepared.bootstrap, "--web-port", port, "--workers", 2)
        )
    assert code == 2
    assert "--web-port" in err
    assert "started" not in err
