"""What can be seen of an engine from outside, in a form that can be compared."""

from collections.abc import Iterable
from typing import Any

from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.life import ENDINGS
from monitor.sla.policy import Policy
from monitor.sla.ticket import Kind, Telling
from monitor.sla.views import Book
from monitor.streaming.changelog import COUNTERS_KEY, Counters, pack_counters, pack_ticket
from tests.support.kept import unpack
from tests.unit.sla import oracle


def backlogs(engine: Engine) -> list[dict[str, Any]]:
    return [
        {
            "open": backlog.open,
            "waiting": backlog.waiting,
            "at_risk": backlog.at_risk,
            "overdue": backlog.overdue,
            "oldest": backlog.oldest(),
            "next_deadline": backlog.next_deadline(),
            "most_urgent": [urgent.ticket_id for urgent in backlog.most_urgent(99)],
        }
        for backlog in engine.backlogs
    ]


def windows(engine: Engine) -> list[dict[str, Any]]:
    """Return every window's sums and panes; a pane in which all was taken back is none."""
    return [
        {
            name: (
                _sums(window.total),
                {n: _sums(pane) for n, pane in window.panes.items() if any(pane.counts)},
            )
            for name, window in by_name.items()
        }
        for by_name in engine.windows.by_group
    ]


def _sums(pane: Any) -> tuple[Any, ...]:
    return list(pane.counts), pane.sum_us, dict(pane.latencies)


def net(engine: Engine) -> list[dict[Book, int]]:
    return [{what: group.net(what) for what in Book} for group in engine.totals.by_group]


def goals(engine: Engine) -> list[dict[int, tuple[int, int]]]:
    """Return by a goal's time how often it was met and missed, where it was."""
    return [
        {
            within: (met - unmet, missed - unmissed)
            for within, (met, missed, unmet, unmissed) in group.goals.items()
            if (met, missed) != (unmet, unmissed)
        }
        for group in engine.totals.by_group
    ]


def views(engine: Engine) -> dict[str, Any]:
    return {"backlogs": backlogs(engine), "windows": windows(engine), "net": net(engine)}


def story(effects: Iterable[Effect]) -> dict[str, list[Telling]]:
    """Read breach events in order, as a consumer would; return what stands of each ticket.

    At every point of the way what stands must be a story that can be true.
    """
    used: set[tuple[str, Kind, int]] = set()
    standing: dict[str, list[Telling]] = {}
    for effect in effects:
        name = (effect.ticket_id, effect.kind, effect.revision)
        assert name not in used, f"{name} is used twice"
        used.add(name)
        mine = standing.setdefault(effect.ticket_id, [])
        if effect.kind is Kind.RETRACTED:
            assert effect.retracts
            for telling in effect.retracts:
                assert telling in mine, f"{telling} is taken back but does not stand"
                mine.remove(telling)
        else:
            assert not effect.retracts
            mine.append(Telling(effect.kind, effect.at, effect.revision))
        _check_possible(mine)
    return {ticket_id: mine for ticket_id, mine in standing.items() if mine}


def _check_possible(mine: list[Telling]) -> None:
    kinds = [telling.kind for telling in mine]
    assert kinds[:1] in ([], [Kind.AT_RISK])
    assert Kind.BREACHED not in kinds[2:]
    assert len(set(kinds)) == len(kinds)
    endings = [kind for kind in kinds if kind in ENDINGS.values()]
    assert endings in ([], kinds[-1:])
    assert [t.at for t in mine] == sorted(t.at for t in mine)


def check(engine: Engine, policy: Policy, all_: dict[str, oracle.Truth]) -> None:
    """Hold all that the engine shows against what is true at its clock."""
    for index, group in enumerate(policy.groups):
        tickets = oracle.of_group(all_, policy, group)
        assert backlogs(engine)[index] == oracle.backlog(tickets, engine.clock), group
        older = engine.backlogs[index].older_than(oracle.AGES, engine.clock)
        assert older == oracle.older(tickets, engine.clock), group
        booked = oracle.counts(tickets)
        assert net(engine)[index] == {what: booked[what] for what in Book}, group
        assert goals(engine)[index] == oracle.goals(tickets), group
        for name, window in engine.windows.by_group[index].items():
            counted, waits = oracle.window(tickets, name, engine.clock)
            assert window.total.counts == [counted[what] for what in Book], (group, name)
            assert window.total.sum_us == sum(waits), (group, name)
        backlog = engine.backlogs[index]
        in_time = backlog.waiting - backlog.overdue
        forecast = engine.forecasts.by_group[index]
        standing = forecast.cohorts.standing()
        assert sum(n for _, n in standing) == (0 if forecast.is_blind else in_time), group


class Keeper:
    """The changelog of an engine: takes what changed, and begins a new engine from it."""

    def __init__(self) -> None:
        self.packed: dict[bytes, bytes | None] = {}

    def keep(self, engine: Engine) -> None:
        changed, engine.changed = engine.changed, {}
        for key, ticket in changed.items():
            self.packed[key.encode()] = None if ticket is None else pack_ticket(ticket)
        counters = Counters(engine.totals.stored(), {})
        self.packed[COUNTERS_KEY] = pack_counters(counters)

    def begin_again(self, policy: Policy, clock: int, **options: Any) -> Engine:
        kept = unpack(dict(self.packed))
        return Engine(
            policy,
            clock=clock,
            tickets=kept.tickets.values(),
            totals=kept.counters.groups,
            **options,
        )
