"""Limit A: the job by hand on aiokafka, with no safety at all."""

import gc
import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.job import Job
from bench.topics import TOLD


async def main(bootstrap: str, group: str, created: str, replied: str, tells: str = "") -> None:
    """Read both topics from their beginning to their present end."""
    job = Job(created, replied, tells)
    consumer = AIOKafkaConsumer(
        created,
        replied,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await consumer.start()
    total = sum((await consumer.end_offsets(consumer.assignment())).values())
    while job.events < total:
        for tp, records in (await consumer.getmany(timeout_ms=500, max_records=5000)).items():
            values = [record.value for record in records]
            job.take(tp.topic, tp.partition, values, records[-1].timestamp)
        for key, value in job.drain():
            await producer.send(TOLD, value, key)
    job.judge_rest()
    for key, value in job.drain():
        await producer.send(TOLD, value, key)
    await producer.stop()
    job.finish()
    await consumer.stop()


if __name__ == "__main__":
    gc.disable()  # nothing here makes cycles worth collecting
    uvloop.run(main(*sys.argv[1:]))
