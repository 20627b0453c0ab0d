"""The embedded broker as a process, and the parts of Kafka's protocol that the monitor needs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from monitor.broker import embedded, process
from monitor.broker.embedded import EmbeddedBroker
from monitor.errors import BrokerUnreachableError, UsageError

INPUT = TopicPartition("input", 0)
OUTPUT = TopicPartition("output", 0)
# Its file is written at most half a second after a change.
SAVED_SECONDS = 1.0
DEMO_THAT_TELLS_ITS_BROKER = """
import asyncio
from monitor.broker.embedded import EmbeddedBroker

async def main():
    async with EmbeddedBroker() as broker:
        print(broker.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_client_can_connect_as_soon_as_it_has_started(broker):
    async with admin(broker) as client:
        assert await client.list_topics() is not None


async def test_its_temporary_folder_is_gone_after_stop_and_stop_may_come_twice():
    broker = EmbeddedBroker()
    await broker.start()
    folder = broker._data_dir
    assert folder.is_dir()
    await broker.stop()
    await broker.stop()
    assert not folder.exists()
    assert broker.pid is None


async def test_a_folder_that_was_named_is_kept_with_its_records(tmp_path: Path):
    async with EmbeddedBroker(tmp_path) as broker:
        await create_topics(broker, OUTPUT)
        await send(broker, b"kept")
    async with EmbeddedBroker(tmp_path) as broker:
        assert await read(broker) == [b"kept"]


async def test_after_a_kill_it_comes_back_on_the_same_port_with_the_records_saved_before(broker):
    bootstrap = broker.bootstrap
    await create_topics(broker, OUTPUT)
    await send(broker, b"saved")
    await asyncio.sleep(SAVED_SECONDS)
    broker.kill()
    assert broker.pid is None
    await broker.start()
    assert broker.bootstrap == bootstrap
    assert await read(broker) == [b"saved"]


async def test_several_started_side_by_side_have_ports_of_their_own():
    brokers = [EmbeddedBroker() for _ in range(5)]
    try:
        await asyncio.gather(*(broker.start() for broker in brokers))
        assert len({broker.bootstrap for broker in brokers}) == 5
    finally:
        await asyncio.gather(*(broker.stop() for broker in brokers))


async def test_a_port_that_another_takes_first_is_chosen_anew(
    broker, monkeypatch: pytest.MonkeyPatch
):
    taken, free = broker._port, process.free_port()
    monkeypatch.setattr(process, "free_port", iter([taken, taken, free]).__next__)
    async with EmbeddedBroker() as second:
        assert second.bootstrap == f"127.0.0.1:{free}"


async def test_a_named_port_that_is_taken_is_told_in_a_sentence(broker):
    second = EmbeddedBroker(port=broker._port)
    with pytest.raises(UsageError, match=f"port {broker._port} is taken by another program"):
        await second.start()
    assert second.pid is None


async def test_a_folder_in_use_is_told_in_a_sentence(tmp_path: Path):
    async with EmbeddedBroker(tmp_path):
        with pytest.raises(
            BrokerUnreachableError, match=r"exit code 1\n.*already running"
        ) as caught:
            await EmbeddedBroker(tmp_path).start()
    assert "GLIBC" not in str(caught.value)


async def test_a_binary_that_is_missing_is_told_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(embedded, "files", lambda _package: tmp_path)
    with pytest.raises(BrokerUnreachableError, match=r"pip install noida-db.*--broker"):
        await EmbeddedBroker().start()


async def test_a_broker_that_never_answers_is_ended_after_the_time_allowed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(EmbeddedBroker, "command", lambda *_: ["sleep", "60"])
    broker = EmbeddedBroker()
    with pytest.raises(BrokerUnreachableError, match=r"did not answer on .* within 0.2 s"):
        await broker.start(timeout_seconds=0.2)
    assert broker.pid is None


async def test_the_address_before_the_first_start_is_wrong_usage():
    with pytest.raises(UsageError, match="before it was started"):
        _ = EmbeddedBroker().bootstrap


def test_free_ports_are_no_ephemeral_ones():
    port = process.free_port()
    assert port in process.PORTS
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


async def test_ctrl_c_in_the_terminal_does_not_reach_it(broker):
    assert os.getsid(broker.pid) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_it_dies_with_a_program_that_is_killed(tmp_path: Path):
    assert ends(pid_of_a_demo_ended_by(signal.SIGKILL, tmp_path))


def test_it_and_its_folder_end_with_a_program_that_is_interrupted(tmp_path: Path):
    assert ends(pid_of_a_demo_ended_by(signal.SIGINT, tmp_path))
    assert not list(tmp_path.iterdir())


async def test_offsets_and_records_of_a_transaction_arrive_together(broker):
    await create_topics(broker, INPUT, OUTPUT)
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, transactional_id="partition-0"
    ) as producer:
        async with producer.transaction():
            await producer.send(OUTPUT.topic, b"committed", partition=0)
            await producer.send_offsets_to_transaction(
                {INPUT: OffsetAndMetadata(7, "clock=123")}, "app"
            )
        await producer.begin_transaction()
        await producer.send_and_wait(OUTPUT.topic, b"aborted", partition=0)
        await producer.abort_transaction()
    assert await read(broker) == [b"committed"]
    async with admin(broker) as client:
        offsets = await client.list_consumer_group_offsets("app")
    assert offsets == {INPUT: OffsetAndMetadata(7, "clock=123")}


async def test_a_second_producer_of_the_same_partition_fences_the_first(broker):
    await create_topics(broker, OUTPUT)
    settings = {"bootstrap_servers": broker.bootstrap, "transactional_id": "partition-0"}
    async with AIOKafkaProducer(**settings) as first:
        async with AIOKafkaProducer(**settings):
            pass
        with pytest.raises(ProducerFenced):
            async with first.transaction():
                await first.send_and_wait(OUTPUT.topic, b"stale", partition=0)


async def test_records_keep_their_headers_and_timestamps_and_are_found_by_time(broker):
    await create_topics(broker, OUTPUT)
    old, new = 1_000_000_000_000, 1_500_000_000_000
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for moment in (old, new):
            await producer.send_and_wait(
                OUTPUT.topic, b"x", partition=0, timestamp_ms=moment, headers=[("kind", b"late")]
            )
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        found = await consumer.offsets_for_times({OUTPUT: old + 1})
        consumer.assign([OUTPUT])
        await consumer.seek_to_beginning(OUTPUT)
        record = await consumer.getone()
    assert found[OUTPUT].offset == 1
    assert record.timestamp == old
    assert record.headers == (("kind", b"late"),)


@asynccontextmanager
async def admin(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topics(broker: EmbeddedBroker, *partitions: TopicPartition) -> None:
    async with admin(broker) as client:
        await client.create_topics([NewTopic(p.topic, 1, 1) for p in partitions])


async def send(broker: EmbeddedBroker, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        await producer.send_and_wait(OUTPUT.topic, value, partition=0)


async def read(broker: EmbeddedBroker) -> list[bytes]:
    """Return all committed records of the output, read by position up to the end."""
    values: list[bytes] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap, isolation_level="read_committed"
    ) as consumer:
        consumer.assign([OUTPUT])
        await consumer.seek_to_beginning(OUTPUT)
        end = (await consumer.end_offsets([OUTPUT]))[OUTPUT]
        while await consumer.position(OUTPUT) < end:
            chunks = await consumer.getmany(timeout_ms=100)
            values += [record.value for chunk in chunks.values() for record in chunk]
    return values


def pid_of_a_demo_ended_by(sign: signal.Signals, temp_dir: Path) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", DEMO_THAT_TELLS_ITS_BROKER],
        env={**os.environ, "TMPDIR": str(temp_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        pid = int(demo.stdout.readline())
        demo.send_signal(sign)
    return pid


def ends(pid: int, within_seconds: float = 5.0) -> bool:
    return eventually(lambda: not is_running(pid), within_seconds)


def eventually(condition: Callable[[], bool], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that ended stays a zombie where init does not collect its children.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
