"""Where in a policy file a promise is written down."""

from pathlib import Path
from typing import NamedTuple

from monitor.sla.durations import short_duration
from monitor.sla.effects import Effect
from monitor.sla.policy import FIELDS, Policy
from monitor.sla.promises import decide
from monitor.sla.ticket import Ticket


class PolicyLine(NamedTuple):
    """Where a channel's promise is written down."""

    file: str | None
    line: int | None
    text: str


def policy_line(policy: Policy, ticket: Ticket | Effect, path: Path | None) -> PolicyLine:
    """Return the line of a policy file that promises; of the built-in policy what it would be."""
    channel = ticket.channel
    rule = decide(policy, {name: getattr(ticket, name) for name in FIELDS}).limit_by
    target = policy.channels[channel]
    written = (
        f"{channel}: {{at_risk: {short_duration(target.at_risk)}, "
        f"limit: {short_duration(target.limit)}, share: {100 * target.share:g}%}}"
    )
    number = policy.lines.get(channel) if rule is None else rule.line
    if path is None or number is None:
        return PolicyLine(None, None, written)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    text = lines[number - 1].strip() if number <= len(lines) else written
    return PolicyLine(str(path), number, text)
