"""Each claim of an explanation is what the engine told and booked, and what is true."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, AgentReplied, TicketCreated
from monitor.sla.explained import RULES, Did, Explained, Verdict, moments
from monitor.sla.policy import Formula
from monitor.sla.ticket import Kind, Phase
from tests.unit.sla import oracle
from tests.unit.sla.strategies import PLAIN, START, policies, runs


def explained(steps, policy, ticket_id, over_at_reply):
    """Explain one ticket of a history, as it was read and by the clock that all of it moved."""
    one = Explained(policy, ticket_id, over_at_reply=over_at_reply)
    for step in steps:
        for event in step.events:
            if event.ticket_id == ticket_id:
                one.take(event, one.clock)
        one.advance(step.now)
    return one


@given(runs(), policies, st.booleans(), st.sampled_from("abc"))
def test_what_is_explained_is_what_the_engine_told_of_the_ticket(steps, policy, over, ticket_id):
    engine, told = Engine(policy, over_at_reply=over), []
    for step in steps:
        told += engine.apply(step.events) + engine.advance(step.now)
    one = explained(steps, policy, ticket_id, over)
    mine = [effect for step in one.steps for effect in step.told]
    assert mine == [effect for effect in told if effect.ticket_id == ticket_id]
    assert one.clock == engine.clock


@given(runs(), policies, st.booleans(), st.sampled_from("abc"))
def test_what_is_explained_is_true(steps, policy, over, ticket_id):
    one = explained(steps, policy, ticket_id, over)
    read = [event for step in steps for event in step.events]
    true = oracle.truth(read, ticket_id, policy, one.clock, over_at_reply=over)
    if true is None:
        assert one.state.phase is Phase.UNSEEN
        assert one.booked == []
        assert set(one.verdicts().values()) == {Verdict.OPEN}
        return
    state, found = one.state, moments(one.ticket, one.target)
    assert (state.phase, state.ended_at, state.is_open) == (true.phase, true.ended, true.is_open)
    assert one.target == true.target
    assert found.created == true.created
    assert one.waited == true.waited
    ended = one.clock if true.ended is None else true.ended
    assert (ended > found.at_risk, ended > found.limit) == (true.passed_at_risk, true.passed_limit)
    assert Counter(map(tuple, one.booked)) == Counter(true.booked)
    for formula, verdict in one.verdicts().items():
        hold_against(verdict, true, formula)


def hold_against(verdict, true, formula):
    """Work out the slow way how one ticket counts."""
    answered, late = true.phase is Phase.ANSWERED, true.passed_limit
    left = true.phase is Phase.ABANDONED and not late
    short = left and true.ended - true.created <= true.short_abandon
    if answered:
        expected = Verdict.BROKEN if late else Verdict.KEPT
    elif formula is Formula.ANSWERED_ONLY:
        expected = Verdict.OPEN if true.is_waiting else Verdict.LEFT_OUT
    elif late:
        expected = Verdict.BROKEN
    elif not left:
        expected = Verdict.OPEN
    else:
        expected = {
            Formula.ABANDON_IGNORED: Verdict.LEFT_OUT,
            Formula.ABANDON_NEGATIVE: Verdict.BROKEN,
            Formula.ABANDON_POSITIVE: Verdict.KEPT,
            Formula.SHORT_EXCLUDED: Verdict.LEFT_OUT if short else Verdict.BROKEN,
        }[formula]
    assert verdict is expected, (formula, true)


@given(runs(), policies)
def test_each_event_is_said_to_be_what_it_was_for_its_ticket(steps, policy):
    """Known from what is joined before and after it, and from nothing else."""
    for ticket_id in "abc":
        one = Explained(policy, ticket_id)
        for step in steps:
            for event in step.events:
                if event.ticket_id == ticket_id:
                    before = known(one)
                    one.take(event, one.clock)
                    after = known(one)
                    changed = [name for name in after if after[name] != before[name]]
                    did = one.steps[-1].did
                    if did is Did.STARTS_EARLIER and "conflict" in changed:
                        changed.remove("conflict")  # an earlier one on another channel
                    assert changed == CHANGES[did], (did, before)
            one.advance(step.now)


def known(one):
    ticket = one.ticket
    names = ("created", "channel", "team", "priority", "tier", "replied", "closed", "conflict")
    creation = [getattr(ticket, name, None) or None for name in names[:5]]
    return {"creation": creation} | {
        name: getattr(ticket, name, None) or None for name in names[5:]
    }


CHANGES = {
    Did.STARTS: ["creation"],
    Did.STARTS_EARLIER: ["creation"],
    Did.CONFLICTS: ["conflict"],
    Did.REPLIES: ["replied"],
    Did.REPLIES_EARLIER: ["replied"],
    Did.AUTOMATED: [],
    Did.CLOSES: ["closed"],
    Did.CLOSES_EARLIER: ["closed"],
    Did.ASKS: [],
    Did.NOTHING_NEW: [],
}


@pytest.mark.parametrize("late", [False, True])
def test_a_reply_that_was_read_late_takes_back_what_was_told(late):
    one = Explained(PLAIN, "a")
    one.take(TicketCreated("a", "chat", START), START)
    reply = AgentReplied("a", START + 60 * SECOND)
    one.take(reply, START + 300 * SECOND if late else reply.at)
    one.advance(START + 400 * SECOND)
    kinds = [effect.kind for step in one.steps for effect in step.told]
    expected = [Kind.AT_RISK, Kind.BREACHED, Kind.RETRACTED]
    assert kinds == (expected if late else [])
    assert set(one.verdicts().values()) == {Verdict.KEPT}


def test_every_rule_that_decides_about_a_ticket_has_its_words():
    assert list(RULES) == [1, 2, 3, 4, 5, 7]
