"""The queries that several dashboards ask.

Every one adds up over hosts, partitions and teams, so it is right however many there are: sums of
counts, the earliest of times. A host that has no figures adds nothing.
"""

import json
from dataclasses import dataclass, replace

from monitor.observability.clock_names import clock_name
from monitor.sla.policy import Clock, Formula, Policy

CALM, AT_RISK, OVERDUE, STALE = range(4)
"""What `Scope.state` answers."""

CAUGHT_UP = "min(sla_caught_up)"


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which tickets is asked: matchers of `channel`, and of `team` where the policy has teams.

    `channel` is a name, or `$channel` to let the dashboard's reader choose; all of them if empty.
    """

    policy: Policy
    channel: str = ""
    clock: Clock = Clock.FIRST_RESPONSE
    """Metrics are named as those of the first response; asked are those of this clock."""

    def series(self, name: str, **labels: str) -> str:
        """Return the selector of a metric; a label's value begins with ~ to match a pattern."""
        if self.clock is not Clock.FIRST_RESPONSE:
            name = clock_name(name, self.clock)
        matchers = [f"{key}{_matcher(value)}" for key, value in self._labels(labels).items()]
        return f"{name}{{{','.join(matchers)}}}" if matchers else name

    def overall(self, name: str, **labels: str) -> str:
        """Return the selector of a metric that is not told apart by channel or team."""
        return Scope(_without_teams(self.policy)).series(name, **labels)

    def gauge(self, name: str, **labels: str) -> str:
        """Return how many there are now, by channel."""
        return f"sum by (channel) ({self.series(name, **labels)})"

    def per_minute(self, name: str, by: str = "channel", **labels: str) -> str:
        """Return how many a minute a counter counts."""
        return f"60 * sum by ({by}) (rate({self.series(name, **labels)}[$__rate_interval]))"

    def counted(self, kind: str, during: str) -> str:
        """Return how often a thing was told in a time, less what was taken back."""
        events = self.series("sla_ticket_events_total", kind=kind)
        taken_back = self.series("sla_retractions_total", kind=kind)
        return (
            f"clamp_min(sum by (channel) (increase({events}[{during}]))"
            f" - sum by (channel) (increase({taken_back}[{during}])), 0)"
        )

    def state(self) -> str:
        """Return CALM, AT_RISK or OVERDUE, or STALE while the monitor is behind."""
        overdue = self.gauge("sla_tickets_overdue")
        at_risk = self.gauge("sla_tickets_at_risk")
        judged = f"({overdue} > bool 0) + ({at_risk} > bool 0)"
        return f"(({judged}) and on () ({CAUGHT_UP} == 1)) or 0 * {at_risk} + {STALE}"

    def next_deadline(self) -> str:
        """Return the seconds until the nearest limit; NaN if there is none."""
        deadline = self.series("sla_next_deadline_timestamp_seconds")
        return f"clamp_min(min by (channel) ({deadline}) - time(), 0)"

    def longest_wait(self) -> str:
        """Return for how many seconds the oldest ticket has waited; NaN if nobody waits."""
        oldest = self.series("sla_oldest_waiting_timestamp_seconds")
        return f"time() - min by (channel) ({oldest})"

    def service_level(self, window: str, formula: Formula | None = None) -> str:
        """Return the share answered in time in a window; NaN if nothing was decided.

        By the policy's formula unless told; sums, so it is right over hosts and teams.
        """

        def count(state: str) -> str:
            return self.gauge("sla_window_tickets", window=window, state=state)

        met, every = count("met"), count("~met|missed|abandoned")
        good, decided = {
            Formula.ABANDON_IGNORED: (met, count("~met|missed")),
            Formula.ANSWERED_ONLY: (met, count("answered")),
            Formula.ABANDON_NEGATIVE: (met, every),
            Formula.ABANDON_POSITIVE: (count("~met|abandoned"), every),
            Formula.SHORT_EXCLUDED: (met, f"({every} - {count('short_abandoned')})"),
        }[formula or self.policy.formula]
        return f"{good} / {decided}"

    def quantile(self, window: str) -> str:
        """Return a window's quantiles: the highest of hosts and teams, for none can be summed."""
        series = self.series("sla_window_first_response_seconds", window=window)
        return f"max by (quantile) ({series})"

    def target(self, threshold: str) -> str:
        """Return the seconds of a threshold, which every host tells alike."""
        scope = replace(self, policy=_without_teams(self.policy))
        series = scope.series("sla_target_seconds", threshold=threshold)
        return f"max by (channel) ({series})"

    def share(self) -> str:
        """Return the share that is promised."""
        series = replace(self, policy=_without_teams(self.policy)).series("sla_target_ratio")
        return f"max by (channel) ({series})"

    def _labels(self, labels: dict[str, str]) -> dict[str, str]:
        scope = {"channel": self.channel} if self.channel else {}
        if self.policy.teams:
            scope["team"] = "~$team"
        return scope | labels


def _matcher(value: str) -> str:
    """Return operator and quoted value; JSON quotes as PromQL does."""
    operator, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
    return operator + json.dumps(text, ensure_ascii=False)


def _without_teams(policy: Policy) -> Policy:
    return Policy(policy.channels, policy.formula)
