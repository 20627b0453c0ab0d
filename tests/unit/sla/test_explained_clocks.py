"""What is explained of the other clocks is what their engines told and booked, and what is true."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.clocked import ClockedEngine
from monitor.sla.events import DAY, NEVER, SECOND, AgentReplied, CustomerReplied, TicketCreated
from monitor.sla.explained import Explained
from monitor.sla.explained_clocks import Moved
from monitor.sla.span_engine import span_key, ticket_of
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CLOCKED, PLAIN, START, runs, talks

ticket_ids = st.sampled_from("abc")


def explained(steps, ticket_id):
    """Explain one ticket of a history, by the clock that all of it moved."""
    one, read = Explained(CLOCKED, ticket_id), []
    for step in steps:
        mine = [event for event in step.events if event.ticket_id == ticket_id]
        for event in mine:
            one.take(event, one.clock)
        read += mine
        one.advance(step.now)
    return one, read


def truths(read, clock):
    return {
        (name, key): true
        for name in CLOCKED.clocks
        for key, true in oracle.clock_truths(read, CLOCKED, name, clock).items()
    }


@given(runs(of=talks()), ticket_ids)
def test_what_is_explained_is_what_the_engines_told_of_the_ticket(steps, ticket_id):
    engine, told = ClockedEngine(CLOCKED), []
    for step in steps:
        told += engine.apply(step.events) + engine.advance(step.now)
    one, _ = explained(steps, ticket_id)
    mine = [effect for step in one.steps for effect in step.told]
    assert mine == [effect for effect in told if effect.ticket_id == ticket_id]


@given(runs(of=talks()), ticket_ids)
def test_each_run_is_explained_as_it_truly_is(steps, ticket_id):
    one, read = explained(steps, ticket_id)
    expected = truths(read, one.clock)
    found = {(run.clock, span_key(ticket_id, run.number)): run for run in one.runs()}
    assert found.keys() == expected.keys()
    for key, true in expected.items():
        run = found[key]
        promise = CLOCKED.clocks[key[0]].channels[true.channel]
        assert (run.span.began, run.target) == (true.created, promise)
        assert (run.state.phase, run.state.ended_at) == (true.phase, true.ended)
        assert run.ran == true.waited
        late = run.state.breached_at is not None
        assert (run.state.at_risk_at is not None, late) == (true.passed_at_risk, true.passed_limit)
        until = one.clock if true.ended is None else true.ended
        gone = tuple(at for at in true.pauses if at <= until)
        assert run.stands == (true.ended is None and len(gone) % 2 == 1)
        by_then = (*gone, until) if len(gone) % 2 else gone
        for said, span in (
            (run.at_risk_after, run.target.at_risk),
            (run.due_at, run.target.limit),
        ):
            assert said == oracle.due(run.target, true.created, span, by_then)


@given(runs(of=talks()), ticket_ids)
def test_what_has_become_of_each_clock_is_what_the_story_says(steps, ticket_id):
    one, read = explained(steps, ticket_id)
    stands = Counter()
    for step in one.steps:
        for move in step.moves:
            stands[move[:4]] += move.sign
            assert stands[move[:4]] in (0, 1)
    first, _ = oracle.runs(read, ticket_id, "next_reply", pausing=False)
    expected = set()
    for clock, promises in CLOCKED.clocks.items():
        if first is not None and first.channel in promises.channels:
            pausing = promises.channels[first.channel].pauses
            found = oracle.runs(read, ticket_id, clock, pausing=pausing)[1]
            for number, run in enumerate(found, clock == "next_reply"):
                expected |= {(clock, number, *each) for each in happened(run, read)}
    assert {fact for fact, count in stands.items() if count} == expected


def happened(run, read):
    """Return what happens to a run, from the oracle's story of it."""
    ended, closed = run.ended or NEVER, run.closed or NEVER
    end = min(ended, closed)
    yield Moved.STARTS, run.began
    for number, at in enumerate(run.pauses):
        if at < end:
            yield (Moved.STANDS, Moved.GOES_ON)[number % 2], at
    if ended == end < NEVER:
        yield Moved.ENDS, end
    elif end in [event.at for event in read if type(event).__name__ == "TicketClosed"]:
        yield Moved.CLOSED, end


@given(runs(of=talks()), ticket_ids)
def test_what_is_booked_of_each_clock_is_what_is_true(steps, ticket_id):
    one, read = explained(steps, ticket_id)
    booked = {name: Counter() for name in CLOCKED.clocks}
    for step in one.steps:
        for name, booking, sign in step.others:
            booked[name][booking] += sign
    for name, found in booked.items():
        true = oracle.clock_truths(read, CLOCKED, name, one.clock)
        assert all(ticket_of(key)[0] == ticket_id for key in true)
        expected = Counter(booking for each in true.values() for booking in each.booked)
        assert Counter({tuple(k): n for k, n in found.items() if n}) == expected


def test_a_policy_with_the_first_response_only_explains_no_other_clock():
    one = Explained(PLAIN, "a")
    one.take(TicketCreated("a", "chat", START), START)
    one.take(CustomerReplied("a", START + SECOND), START + SECOND)
    one.advance(START + DAY)
    assert one.runs() == []
    assert not [step for step in one.steps if step.moves or step.others]


def test_a_clock_that_stands_is_due_as_if_it_went_on_now():
    one = Explained(CLOCKED, "a")
    one.take(TicketCreated("a", "chat", START), START)
    one.take(AgentReplied("a", START + 40 * SECOND), START + 40 * SECOND)
    one.advance(START + 100 * SECOND)
    (run,) = one.runs()
    assert (run.clock, run.stands, run.ran) == ("resolution", True, 40 * SECOND)
    assert run.due_at == START + (100 + 300 - 40) * SECOND
