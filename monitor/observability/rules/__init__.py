"""The policy as Prometheus rules: when to wake whom, and what to tell them.

Pure: a policy goes in, plain values come out. Whoever prints them decides on the format.
"""

from collections.abc import Sequence

from monitor.observability.rules.backlog import backlog
from monitor.observability.rules.itself import itself
from monitor.observability.rules.links import Links
from monitor.observability.rules.model import RuleGroup
from monitor.observability.rules.service_level import service_level
from monitor.observability.rules.waits import waits
from monitor.sla.policy import Clock, Policy

__all__ = ["Links", "RuleGroup", "rule_groups"]


def rule_groups(policy: Policy, links: Links) -> Sequence[RuleGroup]:
    """Return every rule that a policy asks for."""
    return (
        waits(policy, Clock.FIRST_RESPONSE, links),
        *(waits(promises, Clock(clock), links) for clock, promises in policy.clocks.items()),
        service_level(policy, links),
        backlog(policy, links),
        itself(links),
    )
