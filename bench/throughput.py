"""Events a CPU-second and a second: all competitors side by side, round by round."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from bench.competitors import COMPETITORS, Outcome, check, new_group
from bench.history import Counts
from bench.kafka import Kafka

LIMIT, SENDING_LIMIT, STOCK = "aiokafka", "aiokafka-tells", "stock"


class Throughput:
    """Runs the competitors and keeps what they took."""

    def __init__(self, kafka: Kafka, names: Sequence[str], events: int) -> None:
        self.kafka = kafka
        self.startup: dict[str, float] = {}
        """CPU seconds of the same command on empty topics."""
        self.outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
        self.expected: dict[tuple[str, str], Counts] = {}
        self.app_id = ""
        """The last app id of the monitor, whose changelog is kept."""
        self._events = events

    def measure_startup(self, rounds: int) -> None:
        """Run each on empty topics."""
        for name in self.outcomes:
            runs = [self._run(name, 0).used.cpu for _ in range(rounds)]
            self.startup[name] = median(runs)

    def fill(self) -> None:
        """Fill the topics of all competitors."""
        for name in self.outcomes:
            competitor = COMPETITORS[name]
            if competitor.topics not in self.expected:
                self.expected[competitor.topics] = self.kafka.fill(
                    competitor.topics, "--events", competitor.share_of(self._events)
                )

    def round(self, say: Callable[[str], None]) -> None:
        """Run each once, and say what it came to."""
        for name, outcomes in self.outcomes.items():
            competitor = COMPETITORS[name]
            outcome = self._run(name, competitor.share_of(self._events))
            check(competitor.title, outcome, self.expected[competitor.topics])
            outcomes.append(outcome)
            rate = self.rate(name, len(outcomes) - 1)
            say(f"  {competitor.title}: {rate:,.0f} events a CPU-second")

    def _run(self, name: str, events: int) -> Outcome:
        group = new_group(name)
        outcome = COMPETITORS[name].run(self.kafka, group, events)
        if name == "monitor" and events:
            group, self.app_id = self.app_id, group
        if group:
            self.kafka.forget(group)
        return outcome

    def figures(self) -> dict[str, Any]:
        """Return the figures by competitor."""
        return {name: self._figures(name) for name, runs in self.outcomes.items() if runs}

    def rate(self, name: str, index: int) -> float:
        """Return events a CPU-second of the whole process in a round."""
        outcome = self.outcomes[name][index]
        return outcome.events / outcome.used.cpu

    def net_rate(self, name: str, index: int) -> float:
        """Return events a CPU-second with what start-up costs taken off."""
        outcome = self.outcomes[name][index]
        return outcome.events / max(outcome.used.cpu - self.startup[name], 0.01)

    def _figures(self, name: str) -> dict[str, Any]:
        runs = self.outcomes[name]
        rounds = range(len(runs))
        rates = [self.rate(name, index) for index in rounds]
        figures = {
            "events": runs[0].events,
            "per_cpu_second": _spread(rates),
            "per_cpu_second_without_startup": _spread([self.net_rate(name, i) for i in rounds]),
            "startup_cpu_seconds": self.startup[name],
            "per_second": _spread([run.events / run.seconds for run in runs]),
            "seconds_whole": median(run.used.seconds for run in runs),
            "peak_bytes": median(run.used.peak for run in runs),
        }
        if self.outcomes.get(LIMIT):
            figures["times_limit_a"] = median(rates[i] / self.rate(LIMIT, i) for i in rounds)
            figures["times_limit_a_without_startup"] = median(
                self.net_rate(name, i) / self.net_rate(LIMIT, i) for i in rounds
            )
        if self.outcomes.get(SENDING_LIMIT):
            figures["times_limit_a_sending"] = median(
                rates[i] / self.rate(SENDING_LIMIT, i) for i in rounds
            )
        if self.outcomes.get(STOCK):
            # Start-up is off on either side: of a slice it would be a far larger part.
            figures["times_stock_faust"] = median(
                self.net_rate(name, i) / self.net_rate(STOCK, i) for i in rounds
            )
        if self.outcomes.get("monitor"):
            figures["times_one_worker_per_second"] = median(
                (run.events / run.seconds) / (one.events / one.seconds)
                for run, one in zip(runs, self.outcomes["monitor"], strict=True)
            )
        return figures


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}
