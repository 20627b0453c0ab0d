"""Sends live events at a steady pace: tickets that nobody answers, or ones answered at once."""

import argparse
import time
import zlib

from confluent_kafka import Producer

from bench.history import created_event, replied_event
from bench.topics import INPUTS, PARTITIONS

STEP_SECONDS = 0.01


def main() -> None:
    """Send so many events a second for so long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--seconds", type=int, required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--waiting", type=int, help="chats a second")
    what.add_argument("--answered", type=int, help="events a second, e-mails and their replies")
    arguments = parser.parse_args()
    producer = Producer({"bootstrap.servers": arguments.bootstrap, "linger.ms": 5})
    tickets_per_second = arguments.waiting or arguments.answered / 2
    began, sent = time.monotonic(), 0
    total = int(tickets_per_second * arguments.seconds)
    while sent < total:
        due = min(total, int((time.monotonic() - began) * tickets_per_second))
        for number in range(sent, due):
            send(producer, number, is_answered=bool(arguments.answered))
        sent = due
        producer.poll(0)
        time.sleep(STEP_SECONDS)
    producer.flush(10)


def send(producer: Producer, number: int, *, is_answered: bool) -> None:
    """Send a ticket of this moment, and its reply if it has one."""
    at_ms = time.time_ns() // 1_000_000
    key = f"{'L' if is_answered else 'W'}-{number:08d}"
    partition = zlib.crc32(key.encode()) % PARTITIONS
    created = created_event(key, "email" if is_answered else "chat", at_ms)
    producer.produce(INPUTS[0], created, key, partition=partition)
    if is_answered:
        producer.produce(INPUTS[1], replied_event(key, at_ms), key, partition=partition)


if __name__ == "__main__":
    main()
