"""The optional topics on Apache Kafka, and workers killed while they are read."""

import asyncio
import random
import time

from tests.integration.test_measures import (  # noqa: F401 - collected here a second time
    MEASURES,
    create,
    test_a_topic_that_is_made_later_is_read_from_the_next_start_on,
    test_surveys_and_customers_are_counted_once_through_a_restart_and_a_repeat,
)
from tests.kafka import faults
from tests.support.clock import iso
from tests.support.kafka import producing

APP_ID = "sla-measures"
LIMITS = {"chat": faults.Limits(90, 120), "phone": faults.Limits(120, 240)}


def make_history(rng, now):
    """Return records in random order, a third of them twice, and what they come to."""
    records, satisfied, there = [], 0, 0
    for number in range(3000):
        ticket_id, channel = f"T-{number}", rng.choice(list(LIMITS))
        created = {"ticket_id": ticket_id, "channel": channel, "created_at": iso(now - 60)}
        records.append(("ticket-created", ticket_id, created))
        score = rng.choice((1, 5))
        satisfied += score == 5
        survey = {"survey_id": f"S-{number}", "ticket_id": ticket_id, "kind": "csat"}
        survey |= {"score": score, "answered_at": iso(now)}
        records.append(("survey-answered", ticket_id, survey))
        stays = rng.random() < 0.7
        there += stays
        for change, at in (("joined", now - 86_400 * 3), ("left", now)):
            if change == "joined" or not stays:
                fields = {"customer_id": f"c{number}", "change": change, "at": iso(at)}
                records.append(("customer-changed", f"c{number}", fields))
    records += rng.sample(records, len(records) // 3)
    rng.shuffle(records)
    return records, satisfied, there


async def test_workers_killed_at_random_count_every_answer_and_every_customer_once(
    broker, tmp_path
):
    bootstrap, rng = broker.bootstrap, random.Random(7)
    await create(bootstrap, *MEASURES)
    records, satisfied, there = make_history(rng, time.time())
    policy = tmp_path / "policy.yaml"
    policy.write_text(faults.policy_text(LIMITS))
    expected = {"answers": 3000, "satisfied": satisfied, "customers": there, "left": 3000 - there}

    async def send_slowly():
        async with producing(bootstrap) as send:
            for number, record in enumerate(records):
                await send(*record)
                if number % 500 == 0:
                    await asyncio.sleep(1)

    async with faults.workers_of(bootstrap, APP_ID, policy) as workers:
        await workers.scale(2)
        sending = asyncio.create_task(send_slowly())
        for _ in range(4):
            await asyncio.sleep(rng.uniform(2, 5))
            await workers.kill(rng.choice(workers.alive))
            await workers.start()
        await sending
        async with asyncio.timeout(120):
            while (found := await counted(workers)) != expected:
                await asyncio.sleep(0.5)
        assert found == expected
        await faults.end_in_order(workers)


async def counted(workers):
    """Add up what the workers count, net of what was taken back."""
    sums = dict.fromkeys(("answers", "satisfied", "customers", "left"), 0)
    for run in workers.alive:
        scrape = await run.metrics()
        for answer in ("satisfied", "dissatisfied"):
            net = scrape.sum("sla_survey_answers_total", answer=answer)
            net -= scrape.sum("sla_retractions_total", kind=answer)
            sums["answers"] += net
            sums["satisfied"] += net if answer == "satisfied" else 0
        sums["customers"] += scrape.get("sla_customers")
        sums["left"] += scrape.sum("sla_customer_changes_total", change="left")
        sums["left"] -= scrape.sum("sla_customer_retractions_total", change="left")
    return sums
