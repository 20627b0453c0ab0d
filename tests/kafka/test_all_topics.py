"""The faults again with everything in use: every optional topic, every clock, and pauses.

FAULTS_TALKS sets how many tickets are talked about, FAULTS how many faults strike.
"""

import asyncio
import os
import random
import time
from collections import Counter

import pytest

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.kafka import faults, talks
from tests.kafka.broker import ForeignBroker
from tests.kafka.test_faults import FAULTS, KINDS
from tests.kafka.test_measures import counted
from tests.support.kafka import read_events
from tests.support.program import standing

TALKS = int(os.environ.get("FAULTS_TALKS", "4000"))
SEED = 11
APP_ID = "sla-faults-all"
TOTALS = {"next_reply": "sla_next_replies_total", "resolution": "sla_resolutions_total"}
TAKEN_BACK = {"met": "met", "missed": "breached"}


async def create_all(bootstrap):
    settings = Settings(bootstrap)
    async with topics.admin_client(settings) as admin:
        specs = topics.input_specs(
            settings,
            faults.PARTITIONS,
            customer_replied=True,
            others=settings.topics.measures,
        )
        await topics.create(admin, specs)


async def test_with_every_topic_and_every_clock_each_is_told_and_counted_once(broker, tmp_path):
    if isinstance(broker, ForeignBroker):
        pytest.fail("this test kills its broker: run it without KAFKA_BOOTSTRAP", pytrace=False)
    bootstrap, rng, began = broker.bootstrap, random.Random(SEED), time.monotonic()
    await create_all(bootstrap)
    policy = tmp_path / "policy.yaml"
    policy.write_text(talks.policy_text())
    seconds = 5400
    told, records, answers, customers = talks.make(
        SEED, TALKS, begin=time.time() - seconds - 2 * talks.LASTS, seconds=seconds
    )
    truth, others = talks.truth_of(told, records)
    async with faults.workers_of(bootstrap, APP_ID, policy) as workers:
        await workers.scale(3)
        feeding = asyncio.create_task(
            faults.send_history(bootstrap, records, seconds=max(20, 4.0 * FAULTS))
        )
        done = await faults.strike(workers, broker, rng, FAULTS, pause=(0.5, 4.0), kinds=KINDS)
        await feeding
        await faults.wait_until_counted(workers, truth, timeout=90)
        names = Settings(bootstrap).topics.inputs
        await faults.wait_until_committed(bootstrap, APP_ID, timeout=30, names=names)
        assert await kept_and_missed(workers) == others
        assert await counted(workers) == {
            "answers": len(answers),
            "satisfied": answers.count(5),
            "customers": customers.count(True),
            "left": customers.count(False),
        }
        await faults.end_in_order(workers)
    events = await read_events(bootstrap)
    stands = Counter(
        (event["subject"], event["type"], event["data"].get("number", 0))
        for event in standing(events).values()
    )
    missing, extra = truth.events - stands.keys(), stands.keys() - truth.events
    assert (sorted(missing)[:3], sorted(extra)[:3]) == ([], [])
    assert set(stands.values()) == {1}
    by_clock = Counter(kind.split(".")[1] for _, kind, _ in stands)
    assert len(by_clock) == 3
    taken_back = sum(event["type"].endswith("retracted") for event in events)
    print(
        f"{len(records)} records of {len(truth.records)} topics, {dict(done)}, {len(events)} "
        f"events, {taken_back} retractions, standing {dict(by_clock)}, "
        f"{time.monotonic() - began:.0f} s"
    )


async def kept_and_missed(workers):
    """Return how many runs of each other clock were kept and missed, net of what was taken back."""
    found = Counter()
    for scrape in await workers.scrapes():
        for channel, clock in talks.LIMITS:
            for outcome, kind in TAKEN_BACK.items() if clock in TOTALS else ():
                net = scrape.sum(TOTALS[clock], channel=channel, outcome=outcome)
                retractions = f"sla_{clock}_retractions_total"
                net -= scrape.sum(retractions, channel=channel, kind=kind)
                found[channel, clock, outcome] += int(net)
    return +found
