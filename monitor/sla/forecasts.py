"""Every group's forecasts, and what they are told of the tickets.

They take in what the windows have noted when somebody looks, so an event costs nothing more.
"""

from collections.abc import Mapping

from monitor.sla.forecast import Forecast, Record
from monitor.sla.policy import REMEMBERED_FOR, Policy
from monitor.sla.promises import by_group
from monitor.sla.scores import Scores
from monitor.sla.views import Booking


class Forecasts:
    """The forecasts of one partition's groups.

    `clock` is where the partition goes on: what ended long before it has been forgotten, so of
    those cohorts nothing can be learned. `changed_at` says by group when its promise last changed.
    """

    def __init__(
        self,
        policy: Policy,
        stored: Mapping[str, Record] | None = None,
        clock: int = 0,
        *,
        blind: bool = False,
        changed_at: Mapping[int, int] = {},
    ) -> None:
        self._policy = policy
        self._names = ["\0".join(group) for group in policy.groups]
        since = max(0, clock - REMEMBERED_FOR)
        self.by_group = [
            Forecast(targets[0], (stored or {}).get(name), since, changed_at.get(group, 0))
            for group, (name, targets) in enumerate(zip(self._names, by_group(policy), strict=True))
        ]
        for forecast, targets in zip(self.by_group, by_group(policy), strict=True):
            forecast.is_blind = blind or len(targets) > 1 or targets[0].calendar is not None

    def take(
        self, group: int, opened: list[int], answered: list[tuple[int, int]], now: int
    ) -> None:
        """Count creations, and first responses with their waits within the limit; both sorted."""
        if (opened or answered) and not self.by_group[group].is_blind:
            self.by_group[group].cohorts.take(opened, answered, now)

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking."""
        if not self.by_group[group].is_blind:
            self.by_group[group].cohorts.book(booking, sign)

    def look(self, now: int) -> None:
        """Make the forecasts that are due, and learn from what is decided."""
        for forecast in self.by_group:
            forecast.look(now)

    def next_look(self, now: int) -> int | None:
        """Return when the next forecast is due, if anybody waits for one or for its outcome."""
        return min(filter(None, (each.next_look(now) for each in self.by_group)), default=None)

    def begin_record(self) -> None:
        """Judge nothing that was said so far; what was learned stands."""
        for forecast in self.by_group:
            forecast.begin_record()

    def scores(self) -> dict[str, dict[str, Scores]]:
        """Return by channel the record of the forecast and of each baseline."""
        found: dict[str, dict[str, Scores]] = {}
        for (channel, _), forecast in zip(self._policy.groups, self.by_group, strict=True):
            by_name = found.setdefault(channel, {})
            record = forecast.record
            kept = {"likely_late": record.likely_late, "at_risk": record.at_risk}
            for name, scores in {**kept, **forecast.baselines}.items():
                by_name.setdefault(name, Scores()).add(scores)
        return found

    def records(self) -> dict[str, Record]:
        """Return by group's name what is kept."""
        return {
            name: forecast.record for name, forecast in zip(self._names, self.by_group, strict=True)
        }

    def changes(self) -> dict[str, Record]:
        """Return by group's name what is to be kept, if it has changed since it was last asked."""
        changed = {}
        for name, forecast in zip(self._names, self.by_group, strict=True):
            if forecast.changed:
                forecast.changed = False
                changed[name] = forecast.record
        return changed
