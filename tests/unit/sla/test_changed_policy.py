"""A policy that changes while tickets wait: what was told and counted stands, the rest follows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.clocked import ClockedEngine, Kept
from monitor.sla.engine import Engine
from monitor.sla.events import (
    DAY,
    SECOND,
    AgentReplied,
    CustomerReplied,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.policy import Past, Policy, Target
from monitor.sla.promises import Promises
from monitor.sla.ticket import Kind
from monitor.sla.views import GOALS, Book
from tests.unit.sla import oracle
from tests.unit.sla.strategies import (
    CHANNELS,
    CHAT,
    EMAIL,
    HOURS,
    LISTS,
    PHONE,
    PLAIN,
    RULES,
    START,
    histories,
    moments,
    runs,
)
from tests.unit.sla.watching import Keeper, backlogs, net, story, views

END = START + 70 * DAY

STRICTER = Policy({**CHANNELS, "chat": Target(30 * SECOND, 60 * SECOND)})
LOOSER = Policy({**CHANNELS, "chat": Target(200 * SECOND, 300 * SECOND), "email": PHONE})
policies = st.sampled_from(
    (PLAIN, STRICTER, LOOSER, HOURS, LISTS, replace(RULES, teams=()))  # of the same groups
)


def changed(engine, policy, past, **options):
    """Return the engine as it goes on under another policy, and the policies so far."""
    past = [*past, Past(engine.policy, engine.clock)]
    keeper = Keeper()
    keeper.keep(engine)
    keeper.packed |= everything(engine)
    return keeper.begin_again(policy, engine.clock, past=past, **options), past


def everything(engine):
    keeper, engine.changed = Keeper(), dict(engine.tickets)
    keeper.keep(engine)
    return keeper.packed


def run(engine, steps):
    effects = []
    for step in steps:
        effects += engine.apply(step.events)
        effects += engine.advance(step.now)
    return effects


def seen(engine):
    """Return what is shown and must not jump: deadlines and goals are the new policy's."""
    groups = [
        {key: value for key, value in group.items() if key not in ("next_deadline", "most_urgent")}
        for group in backlogs(engine)
    ]
    counted = [
        {
            name: [n for book, n in enumerate(window.total.counts) if book not in GOALS]
            for name, window in by_name.items()
        }
        for by_name in engine.windows.by_group
    ]
    return groups, counted, net(engine)


@given(st.lists(st.tuples(policies, runs(max_steps=3)), min_size=2, max_size=4), st.booleans())
def test_a_change_itself_tells_nothing_and_leaves_all_figures_where_they_were(parts, over):
    engine, past = Engine(parts[0][0], over_at_reply=over), []
    effects = run(engine, parts[0][1])
    for policy, steps in parts[1:]:
        before = seen(engine)
        engine, past = changed(engine, policy, past, over_at_reply=over)
        assert engine.advance(engine.clock) == []
        assert seen(engine) == before
        effects += run(engine, steps)
        story(effects)  # no id twice, and at every point a story that can be true


@given(st.lists(st.tuples(policies, runs(max_steps=3)), min_size=2, max_size=4), st.booleans())
def test_after_changes_a_restart_at_any_time_changes_nothing(parts, over):
    engine, past = Engine(parts[0][0], over_at_reply=over), []
    for index, (policy, steps) in enumerate(parts):
        if index:
            engine, past = changed(engine, policy, past, over_at_reply=over)
        run(engine, steps)
        again = Keeper()
        again.packed = everything(engine)
        restarted = again.begin_again(policy, engine.clock, past=past, over_at_reply=over)
        assert views(restarted) == views(engine)
        assert sorted(restarted.advance(END)) == sorted(changed_copy(engine, past, over))


def changed_copy(engine, past, over):
    keeper = Keeper()
    keeper.packed = everything(engine)
    copy = keeper.begin_again(engine.policy, engine.clock, past=past, over_at_reply=over)
    return copy.advance(END)


@given(st.data(), histories(), st.lists(st.tuples(policies, moments), min_size=2, max_size=4))
def test_read_as_it_happens_nothing_is_taken_back_and_each_moment_has_its_own_policy(
    data, events, parts
):
    (policy, _), *changes = parts
    changes = sorted(((at, new) for new, at in changes), key=lambda change: change[0])
    engine, effects, past = Engine(policy), [], []
    moments_ = sorted({event.at for event in events} | {at for at, _ in changes})
    for instant in moments_:
        now = [event for event in events if event.at == instant]
        effects += engine.advance(instant - 1)
        effects += engine.apply(data.draw(st.permutations(now)))
        effects += engine.advance(instant)
        for at, new in changes:
            if at == instant:
                engine, past = changed(engine, new, past)
    effects += engine.advance(END)
    assert Kind.RETRACTED not in [effect.kind for effect in effects]
    told = {key: [t[:2] for t in mine] for key, mine in story(effects).items()}
    in_force = [*past, Past(engine.policy, END + 1)]
    wanted = {
        ticket_id: stages
        for ticket_id, one in oracle.truths(events, engine.policy, END).items()
        if (stages := stages_of(events, ticket_id, one, in_force))
    }
    assert told == wanted


def stages_of(events, ticket_id, one, in_force):
    """Tell a ticket's story policy by policy, each as long as it was in force."""
    ended = one.ended if one.ended is not None else END
    told, begins = {}, 0
    for policy, until in in_force:
        target = oracle.truth(events, ticket_id, policy, END, over_at_reply=False).target
        for kind, span in ((Kind.AT_RISK, target.at_risk), (Kind.BREACHED, target.limit)):
            at = max(begins, oracle.due(target, one.created, span))
            if kind not in told and at < min(until, ended):
                told[kind] = at
        begins = until
    if Kind.AT_RISK not in told:
        return []
    endings = [stage for stage in one.stages if stage[0] in (Kind.ANSWERED, Kind.CLOSED)]
    if not endings and one.ended is not None:
        kinds = {"ANSWERED": Kind.ANSWERED, "ABANDONED": Kind.CLOSED, "EXPIRED": Kind.EXPIRED}
        endings = [(kinds[one.phase.name], one.ended)]
    return [*told.items(), *endings]


# -- examples


def at(seconds):
    return START + int(seconds * SECOND)


def created(ticket_id="T", seconds=0, channel="chat", **fields):
    return TicketCreated(ticket_id, channel, at(seconds), **fields)


def brief(effects):
    return [(e.kind.name, (e.at - START) / SECOND, e.revision) for e in effects]


def begun(*events, policy=PLAIN, now=0):
    engine = Engine(policy)
    engine.apply(events)
    return engine, engine.advance(at(now))


def test_an_open_ticket_gets_its_new_deadlines():
    engine, _ = begun(created(), now=50)
    engine, _ = changed(engine, LOOSER, [])
    assert engine.next_due == at(200) + 1
    assert engine.backlogs[0].next_deadline() == at(300)
    assert [urgent.due_at for urgent in engine.backlogs[0].most_urgent(9)] == [at(300)]
    told = engine.advance(at(400))
    assert brief(told) == [("AT_RISK", 200, 1), ("BREACHED", 300, 1)]
    assert [(e.threshold, e.due_at) for e in told] == [
        (200 * SECOND, at(300)),
        (300 * SECOND, at(300)),
    ]


def test_what_was_told_stays_told_though_the_new_limit_is_later():
    engine, told = begun(created(), now=130)
    assert brief(told) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1)]
    engine, _ = changed(engine, LOOSER, [])
    assert engine.advance(at(400)) == []
    assert engine.backlogs[0].overdue == 1
    (answered,) = engine.apply([AgentReplied("T", at(401))]) or engine.advance(at(401))
    assert (answered.kind, answered.waited) == (Kind.ANSWERED, 401 * SECOND)


def test_what_is_late_by_the_new_limit_is_so_from_the_change_on():
    engine, _ = begun(created(), policy=LOOSER, now=150)
    engine, _ = changed(engine, PLAIN, [])
    told = engine.advance(at(151))
    assert brief(told) == [("AT_RISK", 150, 1), ("BREACHED", 150, 1)]
    assert [(e.waited, e.threshold) for e in told] == [
        (150 * SECOND, 90 * SECOND),
        (150 * SECOND, 120 * SECOND),
    ]


def test_what_is_true_just_after_the_change_is_decided_by_the_new_policy():
    engine, told = begun(created(), now=90)
    assert told == []
    engine, _ = changed(engine, LOOSER, [])
    assert brief(engine.advance(at(400))) == [("AT_RISK", 200, 1), ("BREACHED", 300, 1)]


def test_what_a_change_before_the_last_made_late_is_so_from_that_change_on():
    engine, _ = begun(created(), policy=LOOSER, now=150)
    engine, past = changed(engine, PLAIN, [])
    told = engine.advance(at(160))
    assert brief(told) == [("AT_RISK", 150, 1), ("BREACHED", 150, 1)]
    engine, past = changed(engine, LOOSER, past)
    assert engine.advance(at(400)) == []
    (retracted,) = engine.apply([AgentReplied("T", at(140))])
    assert [(t.kind, t.at) for t in retracted.retracts] == [
        (Kind.AT_RISK, at(150)),
        (Kind.BREACHED, at(150)),
    ]


def test_one_at_risk_is_not_told_so_again_and_breached_at_the_new_limit():
    engine, told = begun(created(), now=100)
    assert brief(told) == [("AT_RISK", 90, 1)]
    engine, _ = changed(engine, LOOSER, [])
    assert brief(engine.advance(at(400))) == [("BREACHED", 300, 1)]


def test_what_was_answered_in_time_stays_so_under_a_stricter_policy():
    engine, _ = begun(created(), AgentReplied("T", at(80)), now=100)
    engine, _ = changed(engine, STRICTER, [])
    assert engine.advance(at(400)) == []
    totals = engine.totals.by_group[0]
    assert (totals.net(Book.MET), totals.net(Book.MISSED)) == (1, 0)
    assert engine.windows.by_group[0]["1h"].total.counts[Book.MET] == 1


def test_a_late_event_is_judged_by_the_policy_of_its_time():
    engine, told = begun(created(), now=130)
    assert len(told) == 2
    engine, _ = changed(engine, LOOSER, [])
    (retracted,) = engine.apply([AgentReplied("T", at(85))])
    assert [t.kind for t in retracted.retracts] == [Kind.AT_RISK, Kind.BREACHED]
    totals = engine.totals.by_group[0]
    assert (totals.net(Book.MET), totals.net(Book.MISSED)) == (1, 0)


def test_a_creation_from_before_the_change_that_is_read_after_it_has_seen_both():
    engine, _ = begun(now=130)
    engine, _ = changed(engine, LOOSER, [])
    told = engine.apply([created()])
    assert brief(told) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1)]
    assert [(e.threshold, e.waited) for e in told] == [(90 * SECOND,) * 2, (120 * SECOND,) * 2]


def test_tickets_created_after_the_change_know_nothing_of_it():
    engine, _ = begun(created(), now=50)
    engine, _ = changed(engine, LOOSER, [])
    engine.apply([created("U", 50)])
    ticket = engine.tickets["U"]
    assert engine.target(ticket) == LOOSER.channels["chat"]
    assert engine.target(engine.tickets["T"]).before != ()


def test_a_promise_that_has_not_changed_is_the_same_for_all():
    promises = Promises(STRICTER, [Past(PLAIN, START)])
    chat, phone = (promises.find_former(name, "", "", "") for name in ("chat", "phone"))
    assert promises.find("phone", "", "", "") == phone
    assert promises.find("chat", "", "", "") != chat
    assert promises.changed_at == {0: START}


def test_a_new_share_changes_no_deadline():
    promises = Promises(Policy({"chat": replace(CHAT, share=0.8)}), [Past(PLAIN, START)])
    assert len(promises.all) == 1


def test_a_channel_that_comes_back_goes_on_where_it_was():
    engine, told = begun(created(), now=100)
    assert brief(told) == [("AT_RISK", 90, 1)]
    engine, past = changed(engine, Policy({"email": EMAIL}), [])
    assert engine.advance(at(200)) == []
    engine, past = changed(engine, PLAIN, past)
    assert brief(engine.advance(at(300))) == [("BREACHED", 200, 1)]


def test_the_forecast_says_nothing_of_tickets_that_had_another_limit():
    engine, _ = begun(created(), now=50)
    engine, _ = changed(engine, LOOSER, [])
    engine.apply([created("U", 50)])
    engine.advance(at(100))
    engine.look()
    forecast = engine.forecasts.by_group[0]
    chance = forecast.of(forecast.chances(engine.clock))
    assert chance(at(0)) is None
    assert chance(at(50)) is not None


NEXT = Policy(CHANNELS, clocks={"resolution": Policy({"chat": CHAT})})
LATER = Policy(CHANNELS, clocks={"resolution": Policy({"chat": PHONE})})


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (NEXT, [("resolution", "AT_RISK", 90), ("resolution", "BREACHED", 240)]),
        (PLAIN, [("resolution", "AT_RISK", 120), ("resolution", "BREACHED", 240)]),
    ],
)
def test_other_clocks_follow_a_change_too_and_begin_with_one(old, expected):
    begin = ClockedEngine if old.clocks else Engine
    engine = begin(old)
    told = engine.apply([created(), AgentReplied("T", at(0))]) + engine.advance(at(100))
    kept = {
        name: Kept([run for _, run in clock.drain() if run], clock.totals.stored())
        for name, clock in getattr(engine, "clocks", {}).items()
    }
    engine = ClockedEngine(
        LATER,
        clock=engine.clock,
        tickets=engine.tickets.values(),
        totals=engine.totals.stored(),
        kept=kept,
        past=[Past(old, engine.clock)],
    )
    told += engine.advance(at(400))
    assert [(e.clock, e.kind.name, (e.at - START) / SECOND) for e in told] == expected


def resolved_within(target):
    return Policy(CHANNELS, clocks={"resolution": Policy({"chat": target})})


WITH_PAUSES = resolved_within(Target(90 * SECOND, 120 * SECOND, pauses=True))
WITHOUT = resolved_within(Target(90 * SECOND, 120 * SECOND))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # Stopped from 60 s to 160 s: at risk at 190 s by the one, at 90 s by the other.
        (WITH_PAUSES, WITHOUT, [("AT_RISK", 190), ("BREACHED", 200)]),
        (WITHOUT, WITH_PAUSES, [("AT_RISK", 90), ("BREACHED", 120)]),
    ],
)
def test_a_clock_that_was_paused_under_one_policy_was_so_then_and_only_then(old, new, expected):
    engine = ClockedEngine(old)
    told = []
    for event in (created(), AgentReplied("T", at(60)), CustomerReplied("T", at(160))):
        told += engine.step(event, event.at)
    told += engine.advance(at(200))
    kept = {
        name: Kept([run for _, run in clock.drain() if run], clock.totals.stored())
        for name, clock in engine.clocks.items()
    }
    engine = ClockedEngine(
        new,
        clock=engine.clock,
        tickets=engine.tickets.values(),
        totals=engine.totals.stored(),
        kept=kept,
        past=[Past(old, engine.clock)],
    )
    told += engine.advance(at(400))
    assert [
        (e.kind.name, (e.at - START) / SECOND) for e in told if e.clock == "resolution"
    ] == expected


def test_a_close_in_the_past_is_judged_by_the_policy_of_its_time():
    engine, _ = begun(created(), now=100)
    engine, _ = changed(engine, LOOSER, [])
    told = engine.apply([TicketClosed("T", at(95))])
    assert brief(told) == [("CLOSED", 95, 1)]
