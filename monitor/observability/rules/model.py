"""What a rule file is made of, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

JOB: Final = "sla-monitor"
"""The `job` under which Prometheus scrapes the monitor; `deploy/prometheus` says so."""


class Severity(StrEnum):
    """How loud an alert is."""

    CRITICAL = "critical"
    """Somebody is to act now."""
    WARNING = "warning"
    """Somebody is to look soon."""
    NONE = "none"
    """Only its absence means anything."""


class Audience(StrEnum):
    """Who is to act."""

    SUPPORT = "support"
    """Those who answer tickets, and their leads."""
    MONITOR = "monitor"
    """Those who run the monitor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A recording rule."""

    name: str
    expr: str

    def as_data(self) -> dict[str, Any]:
        """Return it as the rule file has it."""
        return {"record": self.name, "expr": self.expr}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule; durations are written as Prometheus writes them."""

    name: str
    expr: str
    severity: Severity
    audience: Audience
    summary: str
    description: str
    runbook_url: str
    dashboard_url: str
    labels: tuple[tuple[str, str], ...] = ()
    hold: str = ""
    """How long it must be true before it fires."""
    keep: str = ""
    """How long it goes on firing when it is no longer true."""

    def as_data(self) -> dict[str, Any]:
        """Return it as the rule file has it."""
        data: dict[str, Any] = {"alert": self.name, "expr": self.expr}
        if self.hold:
            data["for"] = self.hold
        if self.keep:
            data["keep_firing_for"] = self.keep
        data["labels"] = {
            "severity": self.severity.value,
            "audience": self.audience.value,
            **dict(self.labels),
        }
        data["annotations"] = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": self.runbook_url,
            "dashboard_url": self.dashboard_url,
        }
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules that are evaluated together, one after the other."""

    name: str
    interval: str
    rules: Sequence[Record | Alert]

    def as_data(self) -> dict[str, Any]:
        """Return it as the rule file has it."""
        return {
            "name": self.name,
            "interval": self.interval,
            "rules": [rule.as_data() for rule in self.rules],
        }
