"""Starting again with every ticket in the changelog and nothing left to read."""

from statistics import median
from typing import Any

from bench.kafka import Kafka
from bench.monitors import Monitors


def recovery(kafka: Kafka, app_id: str, rounds: int, startup_cpu: float) -> dict[str, Any]:
    """Restart the monitor of a former run; return tickets a CPU-second and seconds until ready."""
    tickets, cpu, seconds = [], [], []
    for _ in range(rounds):
        with Monitors(kafka.bootstrap, app_id) as monitors:
            scrape = monitors.until(monitors.is_caught_up)
            seconds.append(scrape.at - monitors.began)
            tickets.append(scrape.sum("sla_ticket_events_total", kind="created"))
            cpu.append(monitors.stop().cpu)
    return {
        "tickets": median(tickets),
        "seconds_until_ready": median(seconds),
        "cpu_seconds": median(cpu),
        "startup_cpu_seconds": startup_cpu,
        "tickets_per_cpu_second": median(tickets) / median(cpu),
        "tickets_per_cpu_second_without_startup": median(tickets)
        / max(median(cpu) - startup_cpu, 0.01),
    }
