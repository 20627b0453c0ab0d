"""`sla-monitor run` as a competitor: started, watched through its metrics, ended with SIGTERM."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Self

from bench.history import Counts, no_counts
from bench.process import FailedError, Process, Used
from monitor.broker.process import free_port

SCRAPE_SECONDS = 1.0
"""How often metrics are read under load: it costs the monitor CPU that it is charged for."""

_KINDS = {"created": "created", "answered": "answered", "missed": "breached", "at_risk": "at_risk"}


class Scrape:
    """The samples of one or more expositions, added up."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.at = time.time()
        self._samples: dict[str, list[tuple[str, float]]] = {}
        for text in texts:
            for line in text.splitlines():
                if not line.startswith("#"):
                    series, _, value = line.rpartition(" ")
                    name, _, labels = series.partition("{")
                    self._samples.setdefault(name, []).append((labels, float(value)))

    def sum(self, name: str, **labels: str) -> float:
        """Add up all series of this name that have these labels."""
        parts = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            value
            for shown, value in self._samples.get(name, ())
            if all(part in shown for part in parts)
        )

    def max(self, name: str) -> float:
        """Return the largest value of this name."""
        return max(value for _, value in self._samples[name])

    def counts(self) -> Counts:
        """Return what was counted by channel."""
        counts = no_counts()
        for channel, what in counts.items():
            for name, kind in _KINDS.items():
                what[name] = int(
                    self.sum("sla_ticket_events_total", channel=channel, kind=kind)
                    - self.sum("sla_retractions_total", channel=channel, kind=kind)
                )
            what["met"] = int(
                self.sum("sla_first_responses_total", channel=channel, outcome="met")
                - self.sum("sla_retractions_total", channel=channel, kind="met")
            )
            what["in_window"] = int(
                self.sum("sla_window_tickets", channel=channel, window="24h", state="answered")
            )
        return counts


class Monitors:
    """One or more `sla-monitor run` in one group."""

    def __init__(self, bootstrap: str, app_id: str, count: int = 1, *options: str) -> None:
        self.processes: list[Process] = []
        self._stack = ExitStack()
        self._ports = [free_port() for _ in range(count)]
        self._arguments = ["run", "--broker", bootstrap, "--app-id", app_id, *options]

    def __enter__(self) -> Self:
        self.began = time.time()
        for port in self._ports:
            process = Process("monitor", *self._arguments, "--web-port", str(port))
            self.processes.append(self._stack.enter_context(process))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def process(self) -> Process:
        """The only one, or the first."""
        return self.processes[0]

    def scrape(self) -> Scrape | None:
        """Read the metrics of all; None while one of them does not serve yet."""
        texts = []
        for process, port in zip(self.processes, self._ports, strict=True):
            if process.poll() is not None:
                raise FailedError(f"{process} has ended:\n{process.log()}")
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/metrics", timeout=20
                ) as answer:
                    texts.append(answer.read().decode())
            except (urllib.error.URLError, ConnectionError):
                return None
        return Scrape(texts)

    def until(
        self,
        condition: Callable[[Scrape], bool],
        timeout_seconds: float = 600,
        every_seconds: float = 0.1,
    ) -> Scrape:
        """Scrape until a condition holds; return that scrape."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            scrape = self.scrape()
            if scrape is not None and condition(scrape):
                return scrape
            if time.monotonic() > deadline:
                log = "\n".join(process.log() for process in self.processes)
                raise FailedError(f"{self.process}: not within {timeout_seconds:g} s\n{log}")
            time.sleep(every_seconds)

    def stop(self) -> Used:
        """End all; return the sums of CPU and memory, and the seconds of the longest."""
        used = [process.stop() for process in self.processes]
        return Used(
            sum(one.cpu for one in used),
            sum(one.peak for one in used),
            max(one.seconds for one in used),
        )

    def is_caught_up(self, scrape: Scrape) -> bool:
        """Tell whether all of them have read all there is."""
        return scrape.sum("sla_caught_up") == len(self.processes)


def records(scrape: Scrape) -> float:
    """Return how many input records were committed."""
    return scrape.sum("sla_records_total")
