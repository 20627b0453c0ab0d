"""Fills input topics; a process of its own, so that the one that measures stays small."""

import argparse
import json
import time
import zlib
from collections.abc import Iterable

from confluent_kafka import Producer

from bench.history import Record, history, waiting


def main() -> None:
    """Send a history or waiting tickets, and print what is to be counted of a history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topics", nargs=2, required=True, metavar=("CREATED", "REPLIED"))
    parser.add_argument("--partitions", type=int, required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--events", type=int)
    what.add_argument("--waiting", type=int)
    arguments = parser.parse_args()
    now_ms = time.time_ns() // 1_000_000
    if arguments.waiting:
        send(arguments, waiting(arguments.waiting, now_ms))
    else:
        records, expected = history(arguments.events, now_ms)
        send(arguments, records)
        print(json.dumps(expected))


def send(arguments: argparse.Namespace, records: Iterable[Record]) -> None:
    """Send in order; a ticket's records go to the same partition of either topic."""
    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 50,
            "batch.num.messages": 5000,
        }
    )
    for record in records:
        key = record.key.encode()
        while True:
            try:
                producer.produce(
                    arguments.topics[record.is_reply],
                    record.value,
                    key,
                    partition=zlib.crc32(key) % arguments.partitions,
                    timestamp=record.at_ms,
                )
                break
            except BufferError:
                producer.poll(0.1)
    if left := producer.flush(60):
        raise SystemExit(f"{left} records could not be sent within 60 s")


if __name__ == "__main__":
    main()
