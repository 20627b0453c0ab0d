"""The figures as the wall wants them: plain JSON values, times in seconds since 1970."""

from collections.abc import Sequence
from math import floor
from typing import Any

from monitor import __version__
from monitor.observability.figures import Group, Overview, last_hour, longest_waiting
from monitor.observability.snapshot_measures import measures
from monitor.observability.stats import Waiting
from monitor.sla.events import SECOND
from monitor.sla.policy import Target
from monitor.sla.scores import LIKELY
from monitor.sla.windows import Figures


def snapshot(view: Overview, notice: str = "") -> dict[str, Any]:
    """Return what the page shows; `notice` is a sentence for the people in front of it."""
    health = view.health
    clock = health.clock
    at = int((health.now if clock is None else clock) * SECOND)
    return {
        "now": health.now,
        "state": health.state.value,
        "clock": clock,
        "clock_age_seconds": None if clock is None else max(0.0, health.now - clock),
        "lag_records": health.lag_records,
        "partitions": health.partitions,
        "partitions_caught_up": health.partitions_caught_up,
        "version": __version__,
        "notice": " ".join(filter(None, (notice, _unserved(health.unserved)))),
        "channels": [
            _channel(group, at, health.now) | {"clocks": _clocks(view, group)}
            for group in view.groups
        ],
        "measures": measures(view),
    }


def _channel(group: Group, clock: int, now: float) -> dict[str, Any]:
    start, minutes = last_hour(group, clock)
    return {
        "channel": group.channel,
        "team": group.team,
        "target": _target(group.target),
        "hours": _hours(group, int(now * SECOND)),
        "open": group.open,
        "waiting": group.waiting,
        "at_risk": group.at_risk,
        "overdue": group.overdue,
        "likely_late": group.likely_late,
        "error_budget": floor(group.error_budget),
        "oldest_waiting": _seconds(group.oldest),
        "next_deadline": _seconds(group.next_deadline),
        "tickets": [_ticket(ticket) for ticket in longest_waiting(group)],
        "windows": {name: _window(figures) for name, figures in group.windows.items()},
        "hour": {
            "start": start / SECOND,
            "step_seconds": 60,
            "created": [minute.created for minute in minutes],
            "answered": [minute.answered for minute in minutes],
            "missed": [minute.missed for minute in minutes],
            "p90_seconds": [_seconds(minute.p90_us) for minute in minutes],
        },
    }


def _clocks(view: Overview, group: Group) -> list[dict[str, Any]]:
    """Return who is next to miss the limit of each other clock that the channel has."""
    return [
        {
            "clock": name,
            "target": _target(other.target),
            "waiting": other.waiting,
            "at_risk": other.at_risk,
            "overdue": other.overdue,
            "next_deadline": _seconds(other.next_deadline),
            "tickets": [_ticket(ticket) for ticket in longest_waiting(other)],
        }
        for name, clock in view.clocks.items()
        for other in clock.groups
        if (other.channel, other.team) == (group.channel, group.team)
    ]


def _target(target: Target) -> dict[str, float]:
    return {
        "at_risk_seconds": target.at_risk / SECOND,
        "limit_seconds": target.limit / SECOND,
        "ratio": target.share,
    }


def _hours(group: Group, now: int) -> dict[str, Any] | None:
    """Return whose hours they are and when the team is back, null where it is always there."""
    if group.hours is None:
        return None
    return {"name": group.hours.name, "opens_at": _seconds(group.opens_at(now))}


def _ticket(ticket: Waiting) -> dict[str, Any]:
    return {
        "ticket_id": ticket.ticket_id,
        "created_at": ticket.created / SECOND,
        "at_risk_at": ticket.at_risk_at / SECOND,
        "due_at": ticket.due_at / SECOND,
        "team": ticket.team,
        "priority": ticket.priority,
        "chance_of_missing": None if ticket.chance is None else round(ticket.chance, 3),
        "is_likely_late": ticket.chance is not None and ticket.chance >= LIKELY,
    }


def _unserved(numbers: Sequence[int]) -> str:
    """Say whose tickets are missing in the figures."""
    if not numbers:
        return ""
    *rest, last = map(str, numbers)
    which = f"partitions {', '.join(rest)} and {last}" if rest else f"partition {last}"
    return f"Nobody serves {which} just now: what is waiting there is missing in these figures."


def _window(figures: Figures) -> dict[str, Any]:
    return {
        "service_level_ratio": figures.service_level_ratio,
        "created": figures.created,
        "answered": figures.answered,
        "closed": figures.closed,
        "met": figures.met,
        "missed": figures.missed,
        "p50_seconds": _seconds(figures.p50_us),
        "p90_seconds": _seconds(figures.p90_us),
    }


def _seconds(us: float | None) -> float | None:
    return None if us is None else us / SECOND
