"""The real queues that the suites replay, what backtest says of them, and the ways to send them."""

import gzip
import json
import random
import time
from pathlib import Path

import pytest

from tests.support.kafka import read_events
from tests.support.program import ROOT, run_command, truths

DATA = ROOT / "tests" / "data"
FILES = ("email-rhelp-2007-06", "social-twitter-2018", "chat-ubuntu", "phone-bank-1999-02")
LARGEST_IS_SLOW = (*FILES[:-1], pytest.param(FILES[-1], marks=pytest.mark.slow))
LARGER_ARE_SLOW = (*FILES[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in FILES[2:]))
COUNTS = (
    "created",
    "answered",
    "abandoned",
    "expired",
    "answered_within_limit",
    "passed_at_risk",
    "breached",
)

_LISTED = {}


def history(name):
    """Return the path of a history."""
    return DATA / f"{name}.jsonl.gz"


def tally(name):
    """Return the channel of a history, and the counts of its independent tally."""
    ((channel, figures),) = json.loads((DATA / f"{name}.tally.json").read_text())[
        "channels"
    ].items()
    return channel, figures


def counts(figures):
    """Return of a tally what the metrics tell too."""
    return {name: figures[name] for name in COUNTS}


async def backtest_events(path, *options):
    """Return the events that backtest lists; it is asked once only."""
    if (path, options) not in _LISTED:
        code, out, err = await run_command("backtest", path, "--events", *options)
        assert code == 0, err
        _LISTED[path, options] = out
    return [json.loads(line) for line in _LISTED[path, options].splitlines()]


def shuffled(path, folder: Path, within, seed):
    """Write a history with every line moved by less than `within` lines; return the new file."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    rng = random.Random(seed)
    keys = [index + rng.random() * within for index in range(len(lines))]
    order = sorted(range(len(lines)), key=keys.__getitem__)
    target = folder / "shuffled.jsonl"
    target.write_text("\n".join(lines[index] for index in order) + "\n")
    return target


async def check_against_backtest(scrape, bootstrap, name, *, in_order):
    """Assert that metrics and breach events of a run say what tally and backtest say.

    To be called while the monitor runs: metrics tell what is applied, which may still wait for
    its transaction, and a monitor that is stopped on a busy machine leaves that to the next one.
    """
    channel, figures = tally(name)
    assert scrape.tally(channel) == counts(figures)
    expected = await backtest_events(history(name))
    deadline = time.monotonic() + 30
    told = await read_events(bootstrap)
    while truths(told) != truths(expected) and time.monotonic() < deadline:
        told = await read_events(bootstrap)
    missing, extra = truths(expected) - truths(told), truths(told) - truths(expected)
    assert (len(missing), len(extra)) == (0, 0), [*sorted(missing)[:3], *sorted(extra)[:3]]
    if in_order:
        by_id = {event["id"]: event for event in told}
        assert len(by_id) == len(told)
        assert by_id == {event["id"]: event for event in expected}
        total = scrape.sum("sla_first_response_seconds_sum", channel=channel)
        assert round(total, 3) == figures["first_response_sum_seconds"]
