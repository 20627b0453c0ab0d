"""What a waiting ticket costs: resident memory with many less that with none."""

import time
from typing import Any

from bench.competitors import new_group
from bench.kafka import Kafka
from bench.monitors import Monitors, Scrape
from bench.topics import INPUTS

IDLE_SECONDS = 10.0
SETTLE_SECONDS = 2.0


def memory(kafka: Kafka, tickets: int) -> dict[str, Any]:
    """Fill fresh topics with waiting tickets, read them, and start once more."""
    app_id = new_group("memory")
    kafka.delete(*INPUTS)
    kafka.create(*INPUTS)
    with Monitors(kafka.bootstrap, app_id) as monitors:
        monitors.until(monitors.is_caught_up)
        time.sleep(SETTLE_SECONDS)
        empty = monitors.process.memory()
        monitors.stop()
    kafka.fill(INPUTS, "--waiting", tickets)

    def all_there(scrape: Scrape) -> bool:
        there = scrape.sum("sla_tickets_waiting") == tickets
        return there and monitors.is_caught_up(scrape)

    with Monitors(kafka.bootstrap, app_id) as monitors:
        monitors.until(all_there, every_seconds=0.5)
        time.sleep(SETTLE_SECONDS)
        read = monitors.process.memory()
        monitors.stop()
    with Monitors(kafka.bootstrap, app_id) as monitors:
        monitors.until(all_there, every_seconds=0.5)
        time.sleep(SETTLE_SECONDS)
        recovered = monitors.process.memory()
        cpu = monitors.process.cpu()
        time.sleep(IDLE_SECONDS)
        cpu = monitors.process.cpu() - cpu
        began = time.monotonic()
        monitors.scrape()
        scrape_seconds = time.monotonic() - began
        monitors.stop()
    kafka.forget(app_id)
    return {
        "tickets": tickets,
        "empty_bytes": empty,
        "bytes_per_ticket_after_reading": (read - empty) / tickets,
        "bytes_per_ticket_after_restart": (recovered - empty) / tickets,
        "idle_cpu_ratio": cpu / IDLE_SECONDS,
        "scrape_seconds": scrape_seconds,
    }
