"""Faults one at a time that the random ones do not have: of the broker, its disk, the input.

FAULTS_STOP_SECONDS sets how long the broker stands still.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from aiokafka import AIOKafkaProducer

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.kafka import faults
from tests.kafka.broker import ForeignBroker, KafkaBroker
from tests.kafka.faults import PARTITIONS, Limits
from tests.support.clock import iso
from tests.support.kafka import read_all, read_events

STOP_SECONDS = float(os.environ.get("FAULTS_STOP_SECONDS", "22"))
"""Longer than a session and a transaction may last."""

QUICK = {"chat": Limits(2, 4)}
SLOW = {"chat": Limits(90, 120), "phone": Limits(120, 240)}


@pytest.fixture
def write_policy(tmp_path):
    def write(limits):
        path = tmp_path / "policy.yaml"
        path.write_text(faults.policy_text(limits))
        return path

    return write


@pytest.fixture
async def input_topics(broker):
    await faults.prepare(broker.bootstrap)
    return broker


def live_history(seed, *, seconds, a_second):
    return faults.make_history(
        seed, round(seconds * a_second), QUICK, begin=time.time() + 1, seconds=seconds
    )


def feed(bootstrap, records, **options):
    return asyncio.create_task(faults.send_history(bootstrap, records, **options))


async def wait_until_true(workers, truth, bootstrap, app_id, timeout=60):
    await faults.wait_until_counted(workers, truth, timeout=timeout)
    await faults.wait_until_committed(bootstrap, app_id, timeout=30)


async def test_a_broker_that_stands_still_for_longer_than_every_timeout(input_topics, write_policy):
    """Sessions and transactions time out meanwhile; nobody is told so before it goes on."""
    if isinstance(input_topics, ForeignBroker):
        pytest.fail("this test stops its broker: run it without KAFKA_BOOTSTRAP", pytrace=False)
    bootstrap, app_id = input_topics.bootstrap, "sla-faults-still"
    async with faults.workers_of(bootstrap, app_id, write_policy(QUICK)) as workers:
        await workers.scale(2)
        await faults.wait_until_served(workers, timeout=30)
        records = live_history(1, seconds=4 + STOP_SECONDS, a_second=20)
        truth = faults.truth_of(records, QUICK)
        feeding = feed(bootstrap, records, live=True)
        await asyncio.sleep(4)
        os.kill(input_topics.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(STOP_SECONDS)
            scrapes = await workers.scrapes()
        finally:
            os.kill(input_topics.pid, signal.SIGCONT)
        began = time.monotonic()
        await faults.wait_until_served(workers, timeout=30)
        served = time.monotonic() - began
        await feeding
        await wait_until_true(workers, truth, bootstrap, app_id)
        await faults.end_in_order(workers)
    events = await faults.check_events(bootstrap, truth)
    assert all(scrape.get("sla_caught_up") == 0 for scrape in scrapes), "it saw that nothing came"
    print(
        f"broker stopped for {STOP_SECONDS:g} s, all served {served:.1f} s after it went on; "
        f"{len(records)} records, {len(events)} events"
    )


async def test_writes_that_are_refused_are_done_once_they_are_accepted(input_topics, write_policy):
    bootstrap, app_id = input_topics.bootstrap, "sla-faults-refused"
    async with faults.workers_of(bootstrap, app_id, write_policy(QUICK)) as workers:
        await workers.scale(2)
        await faults.wait_until_served(workers, timeout=30)
        await set_config(bootstrap, "sla-breaches", {"max.message.bytes": "100"})
        records = live_history(2, seconds=3, a_second=60)
        truth = faults.truth_of(records, QUICK)
        await feed(bootstrap, records, live=True)
        assert await read_events(bootstrap) == []
        assert "beginning again" in workers.log()
        await set_config(bootstrap, "sla-breaches", {"max.message.bytes": "1048588"})
        began = time.monotonic()
        await wait_until_true(workers, truth, bootstrap, app_id)
        seconds = time.monotonic() - began
        await faults.end_in_order(workers)
    events = await faults.check_events(bootstrap, truth)
    print(f"all {len(events)} events told {seconds:.1f} s after the topic took them again")


async def set_config(bootstrap, topic, changes):
    async with topics.admin_client(Settings(bootstrap)) as admin:
        config = (await topics.configs(admin, [topic]))[topic]
        await topics.set_config(admin, topic, config, changes)


async def test_a_disk_that_is_full_and_has_room_again(tmp_path, write_policy):
    """Apache Kafka ends itself when it cannot write; it is started again once there is room."""
    with small_disk(tmp_path / "disk", megabytes=256) as disk:
        async with KafkaBroker(disk / "kafka") as broker:
            bootstrap, app_id = broker.bootstrap, "sla-faults-disk"
            await faults.prepare(bootstrap)
            async with faults.workers_of(bootstrap, app_id, write_policy(QUICK)) as workers:
                await workers.scale(2)
                await faults.wait_until_served(workers, timeout=30)
                records = live_history(3, seconds=10, a_second=60)
                truth = faults.truth_of(records, QUICK)
                feeding = feed(bootstrap, records, live=True)
                await asyncio.sleep(4)
                began = time.monotonic()
                fill(disk / "filler")
                await broker._wait_until_ended(20)
                assert broker._process.poll() is not None, "the broker lives on with no disk"
                died = time.monotonic() - began
                (disk / "filler").unlink()
                broker.kill()  # it is dead; this takes note of it
                await broker.start()
                await feeding
                await wait_until_true(workers, truth, bootstrap, app_id)
                await faults.end_in_order(workers)
            events = await faults.check_events(bootstrap, truth)
    print(f"the broker ended {died:.1f} s after its disk was full; {len(events)} events")


@contextmanager
def small_disk(path, *, megabytes):
    """Mount a disk in memory; where that is not allowed the test fails and says so."""
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (
            f"a small disk cannot be mounted here: {done.stderr.strip()}; run this test as root"
        )
        pytest.fail(reason, pytrace=False)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path):
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))


async def test_a_changelog_compacted_away_under_a_running_monitor(input_topics, write_policy):
    """The cleaner leaves nothing but the last value of each key."""
    bootstrap, app_id = input_topics.bootstrap, "sla-faults-compacted"
    settings, now = Settings(bootstrap, app_id=app_id), time.time()
    await create_quickly_compacted_changelog(settings)
    # A segment ends when more is written: the last lot is small, so that most ends before it.
    lots = [
        faults.make_history(seed, tickets, SLOW, begin=now - hours * 3_600, seconds=3_600)
        for seed, tickets, hours in ((41, 6_000, 12), (42, 4_000, 6), (43, 300, 3))
    ]
    truth = faults.truth_of([record for lot in lots for record in lot], SLOW)
    async with faults.workers_of(bootstrap, app_id, write_policy(SLOW)) as workers:
        await workers.scale(2)
        await faults.wait_until_served(workers, timeout=30)
        await feed(bootstrap, lots[0], seconds=3)
        await workers.kill(workers.alive[0])
        await workers.start()
        await feed(bootstrap, lots[1], seconds=3)
        await faults.wait_until_served(workers, timeout=30)
        await asyncio.sleep(1)
        await feed(bootstrap, lots[-1])
        await wait_until_true(workers, truth, bootstrap, app_id)
        written, kept = await until_compacted(settings)
        # The last workers stand on nothing but what the cleaner left.
        for run in list(workers.alive):
            await workers.kill(run)
        await workers.scale(2)
        await wait_until_true(workers, truth, bootstrap, app_id)
        await faults.end_in_order(workers)
    events = await faults.check_events(bootstrap, truth)
    print(
        f"changelog: {written} records and markers written, {kept} records left; "
        f"{truth.records.total()} records, {len(events)} events"
    )


async def create_quickly_compacted_changelog(settings):
    quickly = {
        "segment.ms": "500",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "500",
        "delete.retention.ms": "0",
    }
    async with topics.admin_client(settings) as admin:
        for spec in topics.output_specs(settings, PARTITIONS):
            if spec.name == settings.changelog:
                configs = {**spec.configs, **quickly}
                await topics.create(admin, [spec._replace(configs=configs)])


async def until_compacted(settings, timeout=40):
    """Wait until the cleaner took what was overwritten; return what was written and what is left.

    The segment that is written to stays as it is, and what it overwrites: so some repeats are left.
    """
    async with asyncio.timeout(timeout):
        while True:
            records = await read_all(settings.bootstrap, settings.changelog)
            kept = Counter(record.partition for record in records)
            keys = Counter(partition for partition, _ in {(r.partition, r.key) for r in records})
            written = {record.partition: record.offset + 1 for record in records}
            if len(kept) == PARTITIONS and all(kept[p] < 1.1 * keys[p] for p in kept):
                return sum(written.values()), kept.total()
            await asyncio.sleep(0.5)


async def test_poisoned_records_among_good_ones_go_whole_to_the_dead_letters_once(
    input_topics, write_policy
):
    bootstrap, app_id = input_topics.bootstrap, "sla-faults-poison"
    records = faults.make_history(5, 6_000, SLOW, begin=time.time() - 7200, seconds=6600)
    truth = faults.truth_of(records, SLOW)
    rng, poisons = random.Random(5), list(poisoned())
    at = dict(zip(sorted(rng.sample(range(len(records)), len(poisons))), poisons, strict=True))
    async with faults.workers_of(bootstrap, app_id, write_policy(SLOW)) as workers:
        # All is there before the first worker is: they sit in the middle of large chunks.
        sent = await send_with(bootstrap, records, at)
        await workers.scale(2)
        await asyncio.sleep(rng.uniform(2, 3))
        await workers.kill(workers.alive[0])
        await workers.start()
        await wait_until_true(workers, truth, bootstrap, app_id)
        counted = sum(
            scrape.sum("sla_records_total", topic=name, outcome="dead_letter")
            for scrape in await workers.scrapes()
            for name in truth.records
        )
        await faults.end_in_order(workers)
    await faults.check_events(bootstrap, truth)
    letters = await read_all(bootstrap, "sla-dead-letters")
    assert counted == len(poisons)
    found = []
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["sla.reason"]
        where = [headers[f"sla.{name}"].decode() for name in ("topic", "partition", "offset")]
        found.append((*where, letter.key, letter.value, headers.get("trace")))
    assert sorted(found, key=repr) == sorted(sent, key=repr)
    print(f"{len(letters)} dead letters among {len(records)} good records")


def poisoned():
    """Yield topic, key and value of records that cannot be used, a few of each kind."""
    now = iso(time.time() - 3600)
    for number in range(3):
        key = f"poison-{number}".encode()
        good = {"ticket_id": key.decode(), "channel": "chat", "created_at": now}
        yield "ticket-created", key, b"{not json"
        yield "ticket-created", key, None
        yield "ticket-created", b"another", json.dumps(good).encode()
        yield "ticket-created", None, b"\xff\xfe" * 1000
        yield "ticket-created", key, json.dumps({**good, "channel": "fax"}).encode()
        yield "ticket-created", key, json.dumps({**good, "created_at": now[:-6]}).encode()
        yield "agent-replied", key, json.dumps({"ticket_id": key.decode()}).encode()
        yield "ticket-closed", key, b"[" * 5000
        yield "agent-replied", key, b'"' + b"x" * 500_000


async def send_with(bootstrap, records, poisons):
    """Send records, each poison before the one it comes with; return where those went."""
    good, bad = [], []
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20) as producer:
        for number, (at, topic, fields) in enumerate(records):
            stamp = {"timestamp_ms": int(at * 1000)}
            if number in poisons:
                where, key, value = poisons[number]
                headers = [("trace", f"{number}".encode())]
                sent = await producer.send(where, value, key, headers=headers, **stamp)
                bad.append((sent, key, value, headers[0][1]))
            key, value = fields["ticket_id"].encode(), json.dumps(fields).encode()
            good.append(await producer.send(topic, value, key, **stamp))
        await asyncio.gather(*good)
        return [
            (done.topic, str(done.partition), str(done.offset), *record)
            for done, *record in [(await sent, *record) for sent, *record in bad]
        ]


async def test_two_app_ids_side_by_side_each_tell_everything_once(input_topics, write_policy):
    bootstrap, app_ids = input_topics.bootstrap, ("sla-faults-left", "sla-faults-right")
    policy = write_policy(QUICK)
    async with (
        faults.workers_of(bootstrap, app_ids[0], policy) as left,
        faults.workers_of(bootstrap, app_ids[1], policy) as right,
    ):
        both = (left, right)
        for workers in both:
            await workers.scale(2)
        for workers in both:
            await faults.wait_until_served(workers, timeout=30)
        records = live_history(6, seconds=10, a_second=40)
        truth = faults.truth_of(records, QUICK)
        feeding = feed(bootstrap, records, live=True)
        await asyncio.sleep(4)
        await left.kill(left.alive[0])
        await left.start()
        await asyncio.sleep(2)
        await right.terminate(right.alive[0])
        await feeding
        for workers, app_id in zip(both, app_ids, strict=True):
            await wait_until_true(workers, truth, bootstrap, app_id)
            await faults.end_in_order(workers)
    told = [
        await faults.check_events(bootstrap, truth, source=f"/sla-monitor/{app_id}")
        for app_id in app_ids
    ]
    assert len(await read_events(bootstrap)) == sum(map(len, told)), "nobody else told anything"
    print(f"{len(records)} records, {' and '.join(str(len(events)) for events in told)} events")
