"""A read_committed reader that prints how long after its moment each at_risk event came."""

import json
import sys
import time
from datetime import datetime

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

TOPIC = "sla-breaches"
PATIENCE_SECONDS = 10.0


def main(bootstrap: str, wanted: str) -> None:
    """Read what comes from now on until so many have come, or none for a while."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, number, OFFSET_END) for number in partitions])
    left, heard = int(wanted), time.monotonic()
    while left and time.monotonic() - heard < PATIENCE_SECONDS:
        message = consumer.poll(1.0)
        arrived = time.time()
        if message is None or message.error():
            continue
        heard = time.monotonic()
        event = json.loads(message.value())
        if event["type"].endswith(".at_risk"):
            print(arrived - datetime.fromisoformat(event["time"]).timestamp())
            left -= 1
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
