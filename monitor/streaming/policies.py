"""Which policies were in force in a partition, and since when: kept with its tickets.

A policy that is not the one kept last is a change, whether it came with a restart, with another
host or with a reload: there is one way for all of them.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from monitor.errors import PolicyError
from monitor.sla.policy import Past, Policy
from monitor.sla.policy_changes import PolicyChange
from monitor.sla.policy_file import dump_policy, parse_policy
from monitor.sla.ticket import Ticket

log = logging.getLogger(__name__)


class InForce(msgspec.Struct, frozen=True, array_like=True):
    """A policy as it is kept."""

    number: int
    """How many changes there were before it."""
    since: int
    """The partition's clock when it was taken, in microseconds."""
    text: str
    """What `dump_policy` makes of it."""


NOTHING_KEPT: Final[tuple[InForce, ...]] = ()


class Policies(NamedTuple):
    """What a partition goes on with."""

    kept: tuple[InForce, ...]
    """To be kept from now on; the last one is in force."""
    past: tuple[Past, ...]
    change: PolicyChange | None


def in_force(
    kept: tuple[InForce, ...], policy: Policy, clock: int, tickets: Iterable[Ticket]
) -> Policies:
    """Return how a partition goes on at its clock under this policy, given what it has kept."""
    text, known = dump_policy(policy), _read(kept)
    if not known:
        return Policies((InForce(0, clock, text),), (), None)
    last, change = kept[-1], None
    if last.text != text and known[-1] != policy:
        change = PolicyChange(last.number + 1, clock, last.text, text)
        kept = (*kept, InForce(change.number, clock, text))
    past = [Past(former, after.since) for former, after in zip(known, kept[1:], strict=False)]
    return _seen(Policies(kept, tuple(past), change), tickets)


def _read(kept: Sequence[InForce]) -> list[Policy]:
    """Return the policies that were kept; none where one cannot be read."""
    try:
        return [parse_policy(each.text, "the policy kept") for each in kept]
    except PolicyError:
        log.warning("another version has kept a policy that this one cannot read; going on without")
        return []


def _seen(policies: Policies, tickets: Iterable[Ticket]) -> Policies:
    """Let go of the policies that ended before any of the tickets was created."""
    kept, past, change = policies
    if not past:
        return policies
    oldest = min((t.created for t in tickets if t.created is not None), default=past[-1].until)
    ended = sum(each.until <= oldest for each in past)
    return Policies(kept[ended:], past[ended:], change)
