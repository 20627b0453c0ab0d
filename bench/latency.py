"""From the moment at which a ticket is at risk until a read_committed reader has it in hand."""

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.competitors import new_group
from bench.kafka import Kafka
from bench.monitors import Monitors
from bench.process import FailedError, Process
from bench.topics import INPUTS

POLICY = "channels:\n  chat: {at_risk: 2s, limit: 1h}\n  email: {at_risk: 80%, limit: 24h}\n"
TICKETS_PER_SECOND = 20


def latency(kafka: Kafka, load: int, seconds: int) -> dict[str, Any]:
    """Let tickets run out while so many other events a second pass by; return milliseconds."""
    app_id = new_group("latency")
    kafka.delete(*INPUTS)
    kafka.create(*INPUTS)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        policy = Path(folder, "policy.yaml")
        policy.write_text(POLICY)
        monitors = Monitors(kafka.bootstrap, app_id, 1, "--policy", str(policy))
        stack.enter_context(monitors)
        monitors.until(monitors.is_caught_up)
        tickets = seconds * TICKETS_PER_SECOND
        reader = stack.enter_context(Process("bench.reader", kafka.bootstrap, str(tickets)))
        time.sleep(2)
        common = ("--bootstrap", kafka.bootstrap, "--seconds", str(seconds))
        sender = stack.enter_context(
            Process("bench.load", *common, "--waiting", str(TICKETS_PER_SECOND))
        )
        if load:
            # A little longer than the tickets, so that the last one is at risk under load too.
            common = ("--bootstrap", kafka.bootstrap, "--seconds", str(seconds + 4))
            stack.enter_context(Process("bench.load", *common, "--answered", str(load)))
        sender.wait(seconds + 30)
        reader.wait(30)
        delays = sorted(json.loads(line) for line in reader.output().splitlines())
        if len(delays) != tickets:
            raise FailedError(f"of {tickets} tickets {len(delays)} were told at risk")
        monitors.stop()
    kafka.forget(app_id)
    return {
        "events_per_second": load,
        "tickets": tickets,
        "p50_ms": 1000 * delays[len(delays) // 2],
        "p99_ms": 1000 * delays[int(len(delays) * 0.99)],
        "max_ms": 1000 * delays[-1],
    }
