"""Any order, any duplication, any batching, any restart: the same truth, told once."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.engine import Engine
from monitor.sla.events import DAY, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.life import NOT_THERE, life
from monitor.sla.policy import REMEMBERED_FOR
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book
from tests.unit.sla import oracle
from tests.unit.sla.strategies import (
    PLAIN,
    START,
    Step,
    clocks,
    histories,
    moments,
    policies,
    runs,
    shuffled,
)
from tests.unit.sla.watching import Keeper, check, story, views

AFTER_THRESHOLD = (Kind.AT_RISK, Kind.BREACHED, Kind.EXPIRED)
END = START + 70 * DAY


def run(engine, steps):
    effects = []
    for step in steps:
        effects += engine.apply(step.events)
        effects += engine.advance(step.now)
    return effects


@given(runs(), policies, st.booleans())
def test_after_every_step_all_that_is_shown_is_what_is_true(steps, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    read, effects = [], []
    for step in steps:
        effects += engine.apply(step.events)
        read += step.events
        for now in (engine.clock, step.now):
            effects += engine.advance(now)
            true = oracle.truths(read, policy, engine.clock, over_at_reply=over_at_reply)
            check(engine, policy, true)
            stands = {key: [t[:2] for t in told] for key, told in story(effects).items()}
            assert stands == {key: one.stages for key, one in true.items() if one.stages}


@given(runs(), policies, st.booleans())
def test_every_ticket_is_in_the_phase_that_is_true(steps, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    run(engine, steps)
    read = [event for step in steps for event in step.events]
    true = oracle.truths(read, policy, engine.clock, over_at_reply=over_at_reply)
    for ticket_id, one in true.items():
        ticket = engine.tickets[ticket_id]
        state = life(ticket, engine.target(ticket), engine.clock, over_at_reply=over_at_reply)
        assert (state.phase, state.is_open, state.ended_at) == (one.phase, one.is_open, one.ended)


@given(st.data(), histories(), policies)
def test_order_repeats_and_batches_of_events_change_nothing_in_the_end(data, events, policy):
    ends = []
    for order in (events, data.draw(shuffled(events)), data.draw(shuffled(events))):
        engine, effects, rest = Engine(policy), [], order
        for now in data.draw(clocks(4)):
            size = data.draw(st.integers(0, len(rest)))
            effects += engine.apply(rest[:size]) + engine.advance(now)
            rest = rest[size:]
        effects += engine.apply(rest) + engine.advance(END)
        told = {key: [t[:2] for t in tellings] for key, tellings in story(effects).items()}
        ends.append((views(engine), told))
    assert ends[0] == ends[1] == ends[2]


@given(histories(), policies, clocks(5))
def test_applying_events_one_by_one_is_the_same_as_applying_them_at_once(events, policy, nows):
    at_once, one_by_one = Engine(policy), Engine(policy)
    for index, now in enumerate(nows):
        batch = events[index::5]
        singly = [effect for event in batch for effect in one_by_one.apply([event])]
        assert at_once.apply(batch) == singly
        assert at_once.advance(now) == one_by_one.advance(now)
    assert views(at_once) == views(one_by_one)


@given(st.data(), runs(), policies)
def test_a_clock_in_small_steps_tells_the_same_in_the_same_order(data, steps, policy):
    jumping, stepping = Engine(policy), Engine(policy)
    for step in steps:
        assert jumping.apply(step.events) == stepping.apply(step.events)
        between = [now for now in data.draw(clocks(3)) if now <= step.now]
        stepped = [effect for now in between for effect in stepping.advance(now)]
        assert jumping.advance(step.now) == stepped + stepping.advance(step.now)
        assert views(jumping) == views(stepping)


@given(runs(), policies)
def test_stopping_at_every_due_moment_tells_the_same_in_the_same_order(steps, policy):
    jumping, stopping = Engine(policy), Engine(policy)
    for step in steps:
        assert jumping.apply(step.events) == stopping.apply(step.events)
        stopped = []
        while (due := stopping.next_due) is not None and due <= step.now:
            assert due > stopping.clock
            assert stopping.advance(due - 1) == []
            stopped += stopping.advance(due)
        assert jumping.advance(step.now) == stopped + stopping.advance(step.now)
        assert views(jumping) == views(stopping)


@given(runs())
def test_a_clock_that_is_handed_in_too_early_changes_nothing(steps):
    engine = Engine(PLAIN)
    run(engine, steps)
    seen, clock = views(engine), engine.clock
    assert engine.advance(clock - DAY) == []
    assert (views(engine), engine.clock) == (seen, clock)


@given(st.data(), histories(), policies)
def test_events_read_in_time_order_take_nothing_back(data, events, policy):
    engine, effects = Engine(policy), []
    for instant in sorted({event.at for event in events}):
        now = [event for event in events if event.at == instant]
        effects += engine.advance(instant - 1)
        effects += engine.apply(data.draw(st.permutations(now)))
        effects += engine.advance(instant)
    effects += engine.advance(END)
    assert Kind.RETRACTED not in [effect.kind for effect in effects]


@given(histories(), policies)
def test_read_ahead_of_the_clock_tells_what_live_would_have_told(events, policy):
    live, ahead = Engine(policy), Engine(policy)
    told_live = []
    for event in sorted(events, key=lambda e: e.at):
        told_live += live.apply([event]) if event.at > live.clock else []
        told_live += live.advance(event.at - 1)
        told_live += live.apply([e for e in events if e.at == event.at])
        told_live += live.advance(event.at)
    told_live += live.advance(END)
    told_ahead = ahead.apply(events) + ahead.advance(END)
    assert sorted(told_live) == sorted(told_ahead)
    assert views(live) == views(ahead)


@given(runs(), policies, st.booleans())
def test_nothing_is_told_before_its_time_and_everything_with_its_facts(steps, policy, over):
    engine = Engine(policy, over_at_reply=over)
    read = []
    for step in steps:
        told = []
        for event in step.events:
            read.append(event)
            told.append((engine.apply([event]), engine.clock))
            hold_against(told[-1:], oracle.truths(read, policy, engine.clock))
        told = [(engine.advance(step.now), step.now)]
        hold_against(told, oracle.truths(read, policy, engine.clock))


def hold_against(told, true):
    for effect, clock in [(effect, clock) for effects, clock in told for effect in effects]:
        one = true.get(effect.ticket_id)
        if effect.kind is Kind.RETRACTED:
            assert effect.at == clock
            continue
        facts = (one.channel, one.team, one.priority, one.created, one.due_at)
        assert effect[4:9] == facts
        assert effect.at < clock if effect.kind in AFTER_THRESHOLD else effect.at <= clock
        waited = oracle.elapsed(one.target, effect.created, effect.at)
        assert effect.waited == waited >= one.target.at_risk
        assert effect.tier == one.tier
        is_limit = effect.kind is not Kind.AT_RISK
        assert effect.threshold == (one.target.limit if is_limit else one.target.at_risk)


@given(runs(), policies)
def test_what_is_booked_grows_only_and_what_was_told_is_counted(steps, policy):
    engine, effects, before = Engine(policy), [], None
    for step in steps:
        effects += run(engine, [step])
        totals = engine.totals.by_group
        now = [[*g.booked, *g.taken_back, *g.told, *g.buckets, g.sum_us] for g in totals]
        if before:
            for old, new in zip(before, now, strict=True):
                assert all(a <= b for a, b in zip(old, new, strict=True))
        before = now
        assert all(sum(g.buckets) == g.booked[Book.ANSWERED] for g in totals)
        assert [sum(g.told[kind] for g in totals) for kind in Kind] == [
            sum(effect.kind is kind for effect in effects) for kind in Kind
        ]


@given(st.data(), runs(), policies, st.booleans())
def test_a_restart_at_any_point_is_not_to_be_seen(data, steps, policy, over_at_reply):
    going, keeper = Engine(policy, over_at_reply=over_at_reply), Keeper()
    restarted = Engine(policy, over_at_reply=over_at_reply)
    effects, forgot = [], False
    for step in steps:
        for events, now in ((step.events, restarted.clock), ([], step.now)):
            told = restarted.apply(events) + restarted.advance(now)
            assert told == going.apply(events) + going.advance(now)
            effects += told
            if data.draw(st.booleans(), "forget"):
                assert restarted.forget() == going.forget()
                forgot = True
            if data.draw(st.booleans(), "restart"):
                keeper.keep(restarted)
                restarted = keeper.begin_again(policy, restarted.clock, over_at_reply=over_at_reply)
            assert views(restarted) == views(going)
            assert restarted.next_due == going.next_due
            assert restarted.totals.stored() == going.totals.stored()
            assert sorted(restarted.tickets) == sorted(going.tickets)
    assert restarted.advance(END) == going.advance(END)
    assert restarted.forget() == going.forget()
    if not forgot:  # an id may come again once its ticket is forgotten
        story(effects)


@given(runs(), policies, st.booleans())
def test_views_kept_by_differences_are_those_built_from_scratch(steps, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    for step in steps:
        run(engine, [step])
        keeper = Keeper()
        engine.changed = dict(engine.tickets)
        keeper.keep(engine)
        fresh = keeper.begin_again(policy, engine.clock, over_at_reply=over_at_reply)
        assert views(fresh) == views(engine)
        assert fresh.next_due == engine.next_due


@given(runs(), policies)
def test_quantiles_of_every_window_are_within_one_per_cent(steps, policy):
    engine = Engine(policy)
    run(engine, steps)
    read = [event for step in steps for event in step.events]
    true = oracle.truths(read, policy, engine.clock)
    for index, group in enumerate(policy.groups):
        tickets = oracle.of_group(true, policy, group)
        for name, window in engine.windows.by_group[index].items():
            _, waits = oracle.window(tickets, name, engine.clock)
            shown = window.total.figures(policy.formula)
            for share, quantile in (
                (Fraction(1, 2), shown.p50_us),
                (Fraction(9, 10), shown.p90_us),
            ):
                exact = oracle.nearest_rank(waits, share)
                if exact is None:
                    assert quantile is None
                else:
                    assert abs(quantile - exact) <= exact / 100


@given(runs(), st.booleans(), st.lists(moments, max_size=5))
def test_between_two_wakes_nothing_changes_by_itself(steps, over_at_reply, clocks_):
    engine = Engine(PLAIN)
    run(engine, steps)
    for ticket in engine.tickets.values():
        target = engine.target(ticket)
        for clock in [engine.clock, *clocks_]:
            state = life(ticket, target, clock, over_at_reply=over_at_reply)
            wake_at = END if state.wake_at is None else state.wake_at
            assert wake_at > clock
            for later in [wake_at - 1, *clocks_]:
                if clock < later < wake_at:
                    assert life(ticket, target, later, over_at_reply=over_at_reply) == state


# -- forgetting


def last_heard(read):
    """Return when each ticket was last heard of: the clock at the last event that was new."""
    return {event.ticket_id: clock for event, clock in read}


@given(runs(), policies, st.booleans())
def test_only_what_is_over_and_was_remembered_long_enough_is_forgotten(steps, policy, over):
    engine = Engine(policy, over_at_reply=over)
    known = []
    for step in steps:
        engine.apply(step.events)
        known += step.events
        engine.advance(step.now)
        before, engine.changed = set(engine.tickets), {}
        true = oracle.truths(known, policy, engine.clock, over_at_reply=over)
        count = engine.forget()
        gone = before - set(engine.tickets)
        assert len(gone) == count
        assert engine.changed == dict.fromkeys(gone)
        for ticket_id in gone:
            if ticket_id in true:
                one = true[ticket_id]
                assert not one.is_open
                assert not one.is_waiting
                assert engine.clock >= one.ended + REMEMBERED_FOR
            mine = [event for event in known if event.ticket_id == ticket_id]
            joined = [e.at for e in mine if isinstance(e, TicketClosed)]
            assert not joined or engine.clock >= min(joined) + REMEMBERED_FOR
            known = [event for event in known if event.ticket_id != ticket_id]


@given(runs(), policies, st.booleans())
def test_forgetting_changes_nothing_that_is_shown(steps, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    for step in steps:
        run(engine, [step])
        seen = views(engine)
        engine.forget()
        assert views(engine) == seen


@given(st.data(), histories(), policies, st.booleans())
def test_repeats_within_the_memory_do_no_harm(data, events, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    engine.apply(events)
    clock = data.draw(moments)
    engine.advance(clock)
    engine.forget()
    over_since = {}
    for ticket_id, one in oracle.truths(events, policy, clock, over_at_reply=over_at_reply).items():
        ends = [at for at in (one.ended, one.closed) if at is not None]
        over_since[ticket_id] = max(ends, default=clock)
    seen = views(engine)
    for event in data.draw(shuffled(events)):
        if clock < over_since.get(event.ticket_id, clock) + REMEMBERED_FOR:
            if event.ticket_id not in engine.tickets:
                # answered, never closed, 30 days old: over by age alone, its memory long over
                continue
            assert engine.apply([event]) == []
    assert views(engine) == seen


@given(histories(), policies, st.booleans())
def test_in_the_end_everything_is_forgotten(events, policy, over_at_reply):
    engine = Engine(policy, over_at_reply=over_at_reply)
    engine.apply(events)
    engine.advance(END)
    created = {event.ticket_id for event in events if isinstance(event, TicketCreated)}
    engine.advance(END + 40 * DAY)
    engine.forget()
    assert not engine.tickets
    assert engine.next_due is None
    if created:
        assert all(backlog.open == 0 for backlog in engine.backlogs)


@pytest.mark.parametrize("over_at_reply", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_state_does_not_grow_over_a_long_history(seed, over_at_reply):
    random = Random(seed)
    engine = Engine(PLAIN, over_at_reply=over_at_reply)
    most, clock = 0, START
    for number in range(1200):
        clock += random.choice((1, DAY // 10, DAY // 2))
        key = f"t{number}"
        for _ in range(random.choice((1, 2))):
            engine.apply([TicketCreated(key, random.choice(("chat", "email")), clock)])
        if random.random() < 0.8:
            engine.apply([AgentReplied(key, clock + random.randrange(DAY))])
        if random.random() < 0.7:
            engine.apply([TicketClosed(key, clock + random.randrange(2 * DAY))])
        if random.random() < 0.1:
            engine.apply([AgentReplied(f"never{number}", clock)])
        engine.advance(clock)
        engine.forget()
        most = max(most, len(engine.tickets))
    # 31 days and a bit at an average of a ticket every fifth of a day, doubled for luck
    assert most < 2 * 32 * 5.2 + 20
    heaps = [engine._fading, *engine._queues]
    heaps += [b._first_lines[Phase.OVERDUE] for b in engine._backlogs]
    assert all(len(heap) <= 2 * most + 1025 for heap in heaps)
    assert all(len(w.panes) <= 60 for by_name in engine.windows.by_group for w in by_name.values())
    engine.advance(clock + 40 * DAY)
    engine.forget()
    assert not engine.tickets


def test_a_ticket_of_which_nothing_is_known_counts_for_nothing():
    engine = Engine(PLAIN)
    engine.apply([AgentReplied("a", START), TicketClosed("a", START)])
    engine.advance(START + DAY - 1)
    assert life(engine.tickets["a"], None, START) == NOT_THERE
    assert engine.forget() == 0
    engine.advance(START + DAY)
    assert engine.forget() == 1


def test_a_history_with_no_step_has_nothing_to_show():
    assert run(Engine(PLAIN), [Step([], START)]) == []
