"""`replay` on the embedded broker: what arrives, with which times, and what stops it."""

import asyncio
import gzip
import json
import signal
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.kafka import read_all
from tests.support.program import COMMAND, ROOT, run_command

BEGIN = datetime.fromisoformat("1999-02-01T08:00:00Z")


def stamp(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).isoformat()


def history(tickets: int, closed: bool = True) -> list[dict]:
    """Return a ticket a minute, answered after 30 s and closed after 60 s, in order of time."""
    events = []
    for number in range(tickets):
        at, ticket = 60 * number, f"T-{number}"
        events += [
            {"type": "ticket-created", "ticket_id": ticket, "created_at": stamp(at)},
            {"type": "agent-replied", "ticket_id": ticket, "replied_at": stamp(at + 30)},
        ]
        if closed:
            events.append(
                {"type": "ticket-closed", "ticket_id": ticket, "closed_at": stamp(at + 60)}
            )
    return events


def lines(events: list[dict]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.fixture
def write(tmp_path):
    def written(events: list[dict]):
        path = tmp_path / "events.jsonl"
        path.write_bytes(lines(events))
        return path

    return written


async def replay(broker, file, *options, stdin=None):
    return await run_command("replay", file, "--broker", broker.bootstrap, *options, stdin=stdin)


async def create(broker, *, partitions=2, names=("ticket-created", "agent-replied"), **configs):
    settings = {name.replace("_", "."): value for name, value in configs.items()}
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=settings) for name in names]
        )


async def test_every_event_arrives_with_its_key_its_fields_and_its_own_time(broker, write):
    code, out, err = await replay(broker, write(history(50)), "--partitions", "3", "--json")
    assert code == 0, err
    assert json.loads(out)["topics"] == {
        "agent-replied": 50,
        "ticket-closed": 50,
        "ticket-created": 50,
    }
    places = []
    for topic, field in (
        ("ticket-created", "created_at"),
        ("agent-replied", "replied_at"),
        ("ticket-closed", "closed_at"),
    ):
        records = await read_all(broker.bootstrap, topic)
        assert len(records) == 50
        places.append({record.key: record.partition for record in records})
        for record in records:
            event = json.loads(record.value)
            assert event.keys() == {"ticket_id", field}
            assert record.key == event["ticket_id"].encode()
            at = datetime.fromisoformat(event[field])
            assert record.timestamp == at.timestamp() * 1000
    assert places[0] == places[1] == places[2]
    assert len(set(places[0].values())) == 3


async def test_a_partition_has_its_events_in_the_order_of_the_file(broker, write):
    await replay(broker, write(history(500)), "--partitions", "2")
    for topic in ("ticket-created", "agent-replied"):
        by_partition = {}
        for record in await read_all(broker.bootstrap, topic):
            by_partition.setdefault(record.partition, []).append(record.timestamp)
        assert all(times == sorted(times) for times in by_partition.values())


async def test_a_file_without_closes_does_not_create_their_topic(broker, write):
    await replay(broker, write(history(3, closed=False)))
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        counts = await topics.partition_counts(admin, Settings("").topics.inputs)
        configs = await topics.configs(admin, ["ticket-created"])
    assert counts == {"ticket-created": 12, "agent-replied": 12}
    assert configs["ticket-created"].own["retention.ms"] == "-1"


async def test_topics_that_would_delete_the_events_keep_them_and_a_line_says_so(broker, write):
    await create(broker, retention_ms="604800000", segment_ms="7000")
    code, _, err = await replay(broker, write(history(3, closed=False)))
    assert code == 0
    assert err.count("--add-config retention.ms=604800000") == 2
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        configs = await topics.configs(admin, ["ticket-created"])
    assert configs["ticket-created"].own == {"retention.ms": "-1", "segment.ms": "7000"}


async def test_topics_that_keep_events_of_that_age_are_left_alone(broker, write):
    await create(broker, retention_ms="604800000")
    file = write(history(3, closed=False))
    code, _, err = await replay(broker, file, "--shift-to", "now")
    assert code == 0
    assert "retention" not in err


async def test_topics_that_stamp_records_themselves_are_refused_unless_moved_to_now(broker, write):
    await create(broker)
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        stamping = {"message.timestamp.type": "LogAppendTime"}
        resource = ConfigResource(ConfigResourceType.TOPIC, "agent-replied", stamping)
        await admin.alter_configs([resource])
    file = write(history(3, closed=False))
    code, _, err = await replay(broker, file)
    assert code == 1
    assert "topic agent-replied replaces the events' times" in err
    assert not await read_all(broker.bootstrap, "ticket-created")
    code, _, err = await replay(broker, file, "--shift-to", "now")
    assert code == 0, err


async def test_moved_to_now_no_event_lies_ahead_and_the_last_is_now(broker, write):
    began = time.time()
    code, _, err = await replay(broker, write(history(10)), "--shift-to", "now", "--speed", "600")
    ended = time.time()
    assert code == 0, err
    closed = await read_all(broker.bootstrap, "ticket-closed")
    created = await read_all(broker.bootstrap, "ticket-created")
    last = max(record.timestamp for record in closed) / 1000
    assert began + 1 <= last <= ended
    assert last - min(record.timestamp for record in created) / 1000 == pytest.approx(600)
    value = json.loads(max(closed, key=lambda record: record.timestamp).value)
    assert datetime.fromisoformat(value["closed_at"]).timestamp() == pytest.approx(last, abs=0.001)


async def test_at_a_speed_it_takes_its_time(broker, write):
    _, out, _ = await replay(broker, write(history(3)), "--speed", "120", "--json")
    assert json.loads(out)["seconds"] >= 1.5


async def test_standard_input_is_read_plain_and_gzip(broker):
    content = lines(history(5))
    for sent, stdin in enumerate((content, gzip.compress(content)), 1):
        code, _, err = await replay(broker, "-", stdin=stdin)
        assert code == 0, err
        assert len(await read_all(broker.bootstrap, "ticket-created")) == 5 * sent


async def test_a_broken_line_at_the_end_sends_nothing_at_all(broker, write):
    await create(broker)
    events = [*history(5), {"type": "ticket-created", "ticket_id": "x", "created_at": "soon"}]
    code, _, err = await replay(broker, write(events))
    assert code == 4
    assert "events.jsonl:16: " in err
    assert not await read_all(broker.bootstrap, "ticket-created")


async def test_topics_with_unequal_partitions_are_an_error(broker, write):
    await create(broker, names=["ticket-created"], partitions=2)
    await create(broker, names=["agent-replied"], partitions=3)
    code, _, err = await replay(broker, write(history(1)))
    assert code == 1
    assert "ticket-created has 2, agent-replied has 3" in err


async def test_another_number_of_partitions_than_is_there_is_an_error(broker, write):
    await create(broker)
    code, _, err = await replay(broker, write(history(1)), "--partitions", "3")
    assert code == 1
    assert "--partitions asks for 3" in err


async def test_ctrl_c_says_how_far_it_came_and_what_it_says_is_there(broker, write):
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("replay", str(write(history(50))), "--broker", broker.bootstrap, "--speed", "60"),
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stderr
    async with asyncio.timeout(30):
        assert b"created" in await process.stderr.readline()
        while not await read_all(broker.bootstrap, "agent-replied"):
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert err.startswith(b"interrupted: sent ")
    assert b"Traceback" not in err
    report = json.loads(out)
    assert 0 < report["events"] < report["events_in_file"] == 150
    there = Counter()
    for topic in ("ticket-created", "agent-replied", "ticket-closed"):
        there[topic] += len(await read_all(broker.bootstrap, topic))
    assert there == Counter(report["topics"])


async def test_without_a_broker_it_ends_with_3_and_a_sentence(write):
    code, out, err = await run_command(
        *("replay", write(history(1)), "--broker", "127.0.0.1:1", "--connect-timeout", "0")
    )
    assert (code, out) == (3, "")
    assert err.startswith("sla-monitor: no Kafka broker answers at 127.0.0.1:1;")
