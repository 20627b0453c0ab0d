"""Runs `sla-monitor` as its users do, and ends what it started by its own id."""

import asyncio
import itertools
import json
import os
import random
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
_TURNS = itertools.count(random.randrange(1000))
COMMAND = [sys.executable, "-m", "monitor"]


class EndedError(AssertionError):
    """The program ended when it should have gone on."""


async def run_command(*args, stdin=None, timeout=120.0):
    """Run a command to its end; return exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, args),
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return process.returncode, out.decode(), err.decode()


class Run:
    """`sla-monitor run` as a process of its own."""

    def __init__(self, bootstrap, *options, app_id="sla-monitor"):
        self.port = free_port()
        self._args = ["run", "--broker", bootstrap, "--app-id", app_id]
        self._args += ["--web-port", str(self.port), *map(str, options)]
        self.process = None
        self.log = []
        self._counters = {}

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *self._args,
            stderr=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        self._reading = asyncio.create_task(self._read_log())
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read_log(self):
        async for line in self.process.stderr:
            self.log.append(line.decode())

    async def stop(self):
        """Send SIGTERM; return the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        async with asyncio.timeout(20):
            code = await self.process.wait()
        # With --verbose libraries speak too: aiokafka never reads a fenced producer's futures.
        if "--verbose" not in self._args:
            assert not [line for line in self.log if "Traceback" in line], "".join(self.log)
        return code, time.monotonic() - began

    async def get(self, path):
        """Fetch a page of the web port."""
        if self.process.returncode is not None:
            raise EndedError("".join(self.log))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            return response.status, await response.text()

    async def metrics(self):
        """Scrape; return the values by name and labels, read by the official parser.

        Whatever happens to it, no counter of one process may ever fall.
        """
        _, text = await self.get("/metrics")
        scrape = Scrape(text)
        for series, value in scrape.counters().items():
            before = self._counters.get(series, 0)
            assert value >= before, f"{series} fell from {before} to {value}"
            self._counters[series] = value
        return scrape

    async def until(self, condition, timeout=60.0):
        """Scrape until a condition on the metrics holds; return that scrape."""
        deadline = time.monotonic() + timeout
        scrape = None
        while True:
            parsing = time.process_time()
            try:
                scrape = await self.metrics()
                if condition(scrape):
                    return scrape
            except aiohttp.ClientError:
                pass
            if time.monotonic() > deadline:
                shown = scrape.text if scrape else "no metrics"
                raise AssertionError(f"not within {timeout} s:\n{''.join(self.log)}\n{shown}")
            # Who waits leaves the machine to what is waited for: to parse takes up to 90 ms.
            await asyncio.sleep(max(0.05, 2 * (time.process_time() - parsing)))


class Scrape:
    """One exposition."""

    def __init__(self, text):
        self.text = text
        self.values = {}
        self._by_name = {}
        self._types = {}
        for family in text_string_to_metric_families(text):
            self._types[family.name] = family.type
            for sample in family.samples:
                self._by_name.setdefault(sample.name, []).append((sample.labels, sample.value))
                self._types[sample.name] = family.type
                self.values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value

    def get(self, name, **labels):
        """Return one value; a series that is not there is an error."""
        return self.values[name, tuple(sorted(labels.items()))]

    def sum(self, name, **labels):
        """Add up the series that have these labels, whatever their partition.

        Without a partition that is open there are none. One that is there with other labels only
        is an error.
        """
        known = self._by_name.get(name, ())
        found = [value for shown, value in known if labels.items() <= shown.items()]
        if not found and (known or name.removesuffix("_total") not in self._types):
            raise KeyError((name, labels))
        return sum(found)

    def counters(self):
        """Return all values that may only grow."""
        growing = {name for name, kind in self._types.items() if kind in ("counter", "histogram")}
        return {series: value for series, value in self.values.items() if series[0] in growing}

    def net(self, channel, kind):
        """Return how many events of a kind stand: those counted less those taken back."""
        counted = self.sum("sla_ticket_events_total", channel=channel, kind=kind)
        return counted - self.sum("sla_retractions_total", channel=channel, kind=kind)

    def tally(self, channel):
        """Return the counts of `backtest --json` as far as the metrics tell them."""
        met = self.sum("sla_first_responses_total", channel=channel, outcome="met")
        return {
            "created": self.net(channel, "created"),
            "answered": self.net(channel, "answered"),
            "abandoned": self.net(channel, "closed"),
            "expired": self.net(channel, "expired"),
            "answered_within_limit": met
            - self.sum("sla_retractions_total", channel=channel, kind="met"),
            "passed_at_risk": self.net(channel, "at_risk"),
            "breached": self.net(channel, "breached"),
        }


def standing(events):
    """Return the ids, times and data that stand of events read in order, net of retractions.

    Checks on the way that no id comes twice and that only what stands is taken back.
    """
    stands, seen = {}, Counter()
    for event in events:
        seen[event["id"]] += 1
        assert seen[event["id"]] == 1, f"told twice: {event['id']}"
        if event["type"].endswith(".retracted"):
            for taken_back in event["data"]["retracts"]:
                assert taken_back in stands, f"taken back but not standing: {taken_back}"
                del stands[taken_back]
        else:
            stands[event["id"]] = event
    return stands


def truths(events):
    """Return what stands as a set of values in which a telling's number does not count."""
    return {
        (event["type"], event["subject"], event["time"], json.dumps(event["data"], sort_keys=True))
        for event in standing(events).values()
    }


def free_port():
    """Return a port on which nobody listens now.

    Each of pytest's processes gives away ports of its own, and none that a client could be given
    for its end of a connection before they are used.
    """
    first = 10_000 + 1000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in itertools.islice(_TURNS, 1000):
        port = first + number % 1000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port from {first} on is free")
