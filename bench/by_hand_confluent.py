"""Limit B: the job by hand on confluent-kafka (librdkafka), with no safety at all."""

import gc
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.job import Job
from bench.topics import TOLD


def main(bootstrap: str, group: str, created: str, replied: str, tells: str = "") -> None:
    """Read both topics from their beginning to their present end."""
    job = Job(created, replied, tells)
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
    )
    producer = Producer({"bootstrap.servers": bootstrap})
    total = sum(end_of(consumer, topic) for topic in (created, replied))
    consumer.subscribe([created, replied])
    while job.events < total:
        runs: dict[tuple[str, int], list[bytes]] = {}
        last = {}
        for message in consumer.consume(num_messages=5000, timeout=0.1):
            if message.error():
                raise SystemExit(str(message.error()))
            tp = message.topic(), message.partition()
            values = runs.get(tp)
            if values is None:
                values = runs[tp] = []
            values.append(message.value())
            last[tp] = message
        for (topic, number), values in runs.items():
            job.take(topic, number, values, last[topic, number].timestamp()[1])
        send(producer, job)
    job.judge_rest()
    send(producer, job)
    producer.flush()
    job.finish()
    consumer.close()


def send(producer: Producer, job: Job) -> None:
    """Send what is to be told."""
    for key, value in job.drain():
        producer.produce(TOLD, value, key)
    producer.poll(0)


def end_of(consumer: Consumer, topic: str) -> int:
    """Return how many records a topic holds that was never cut."""
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    return sum(consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in partitions)


if __name__ == "__main__":
    gc.disable()  # nothing here makes cycles worth collecting
    main(*sys.argv[1:])
