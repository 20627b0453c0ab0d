"""Forecasts of an engine's tickets, and their record held against the tickets one by one."""

import copy
import random
from dataclasses import replace

import msgspec
import pytest

from monitor.sla.cohorts import TICKS
from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.forecast import Forecast, Record, Trust, likely_late
from monitor.sla.policy import Policy, Rule, Target
from monitor.sla.scores import LIKELY
from monitor.sla.ticket import Ticket
from tests.unit.sla.strategies import NIGHTS

T0 = 20_000 * DAY
LIMIT = 240 * SECOND
TARGET = Target(120 * SECOND, LIMIT)
POLICY = Policy({"phone": TARGET})
WIDTH = LIMIT // TICKS


def fifo(tickets, seconds_a_call=35, seed=0):
    """Yield (created, answered) of a queue that one agent serves in order; calls come in rushes."""
    dice, at, free = random.Random(seed), T0, T0
    for number in range(tickets):
        rush = number // 60 % 2
        at += int(dice.expovariate(1 / (25 if rush else 60)) * SECOND) + 1
        free = max(free, at) + int(dice.uniform(0.6, 1.4) * seconds_a_call * SECOND)
        yield at, free


def impatient(tickets, seed=0):
    """Yield (created, ended) of tickets whose fate does not depend on any queue."""
    dice, at = random.Random(seed), T0
    for _ in range(tickets):
        at += int(dice.expovariate(1 / 20) * SECOND) + 1
        yield at, at + int(dice.lognormvariate(4.2, 1.2) * SECOND)


def run(engine, tickets, until=None, said=None):
    """Let the engine read the tickets and look at every tick, as somebody would live."""
    events = []
    for number, (at, ended) in enumerate(tickets):
        events.append(TicketCreated(f"T-{at}", "phone", at))
        of = TicketClosed if number % 5 == 0 else AgentReplied
        events.append(of(f"T-{at}", ended))
    events.sort(key=lambda event: event.at)
    end = events[-1].at + LIMIT + 3 * WIDTH if until is None else until
    tick = events[0].at // WIDTH + 1
    (forecast,) = engine.forecasts.by_group
    for event in [*events, None]:
        while tick * WIDTH < (end if event is None else min(event.at, end)):
            engine.advance(tick * WIDTH)
            engine.look()
            if said is not None:
                said[tick] = {each.cohort: each for each in forecast.chances(engine.clock)}
            tick += 1
        if event is not None and event.at <= end:
            engine.step(event, event.at)
    return forecast


@pytest.mark.parametrize("of", [fifo, impatient])
def test_the_record_is_what_was_said_of_each_ticket_and_what_came_of_it(of):
    tickets, said = list(of(400)), {}
    scores = run(Engine(POLICY), tickets, said=said).record.likely_late
    forecasts, squared_error, warned, hits, misses = 0, 0.0, 0, 0, 0
    for at, ended in tickets:
        cohort, missed = (at - 1) // WIDTH, ended > at + LIMIT
        chances = [
            said[tick][cohort].blend
            for tick in range(cohort + 1, cohort + TICKS + 1)
            if at <= tick * WIDTH < ended
        ]
        forecasts += len(chances)
        squared_error += sum((missed - chance) ** 2 for chance in chances)
        is_warned = any(chance >= LIKELY for chance in chances)
        warned += is_warned
        hits += is_warned and missed
        misses += missed and not is_warned
    assert hits > 20
    assert sum(scores.forecasts) == forecasts
    assert scores.squared_error == pytest.approx(squared_error)
    assert scores.true_positive == hits
    assert scores.false_positive == warned - hits
    assert scores.false_negative == misses


def test_in_a_queue_that_is_served_in_order_the_place_earns_trust_and_improves_the_forecast():
    said = {}
    forecast = run(Engine(POLICY), list(fifo(1500)), said=said)
    assert forecast.record.trust.weight > 0.3
    assert forecast.record.likely_late.brier_score < 0.9 * age_alone(said, list(fifo(1500)))


def test_where_the_place_says_nothing_the_age_is_believed():
    forecast = run(Engine(POLICY), list(impatient(1500)))
    assert forecast.record.trust.weight < 0.1
    assert forecast.record.likely_late.brier_score < forecast.record.at_risk.brier_score


def age_alone(said, tickets):
    errors = [
        ((ended > at + LIMIT) - said[tick][(at - 1) // WIDTH].age) ** 2
        for at, ended in tickets
        for tick in range((at - 1) // WIDTH + 1, (at - 1) // WIDTH + TICKS + 1)
        if at <= tick * WIDTH < ended
    ]
    return sum(errors) / len(errors)


def test_the_weight_is_the_one_with_the_least_squared_error():
    trust = Trust()
    said = [(0.2, 0.7, 10, 4), (0.5, 0.1, 20, 9), (0.3, 0.9, 400, 200)]
    for each in said * 10:
        trust.judge(*each)

    def error(weight):
        blends = [(age + weight * (queue - age), n, missed) for age, queue, n, missed in said]
        return sum(missed * (1 - p) ** 2 + (n - missed) * p**2 for p, n, missed in blends)

    best = min((weight / 1000 for weight in range(1001)), key=error)
    # What the prior takes off: nothing is trusted before it has told something.
    assert trust.weight == pytest.approx(best * trust.told / (trust.told + 200), abs=0.001)
    assert Trust().weight == 0.0


def test_a_restart_loses_nothing_that_was_learned_and_learns_nothing_twice():
    tickets = list(impatient(600))
    middle = tickets[300][0]
    whole = run(Engine(POLICY), tickets)
    before = Engine(POLICY)
    run(before, tickets, until=middle)
    stored = msgspec.msgpack.decode(
        msgspec.msgpack.encode(before.forecasts.changes()), type=dict[str, Record]
    )
    kept = copy.deepcopy(list(before.tickets.values()))
    after = Engine(
        POLICY, clock=before.clock, tickets=kept, totals=before.totals.stored(), forecasts=stored
    )
    later = [(at, ended) for at, ended in tickets if ended > middle]
    resumed = run(after, later)
    for table in ("whole", "recent"):
        one = getattr(resumed.record.experience, table)
        other = getattr(whole.record.experience, table)
        assert one.ended == pytest.approx(other.ended)
        assert one.missed == pytest.approx(other.missed)
    # What was said before is not known any more: those who waited then are not judged.
    assert (
        0
        < sum(whole.record.likely_late.forecasts) - sum(resumed.record.likely_late.forecasts)
        < 25 * (TICKS + 1)
    )


def test_cohorts_whose_tickets_may_be_forgotten_at_a_restart_teach_nothing():
    slow = Policy({"phone": Target(2 * DAY, 3 * DAY)})
    tickets = [Ticket(f"T-{n}", T0 - n * DAY // 10, "phone") for n in range(1, 25)]
    engine = Engine(slow, clock=T0, tickets=tickets)
    engine.look()
    (forecast,) = engine.forecasts.by_group
    # All of them wait, and are forecast; but who was answered more than a day ago is forgotten.
    assert sum(waiting for _, waiting in forecast.cohorts.standing()) == 24
    engine.advance(T0 + 4 * DAY)
    engine.look()
    assert forecast.record.experience.whole.missed == 9


def test_of_another_limit_nothing_is_kept():
    record = Record(LIMIT)
    record.experience.whole.missed = 7.0
    assert Forecast(TARGET, record).record is record
    assert Forecast(Target(SECOND, LIMIT + 1), record).record.experience.whole.missed == 0.0


RUSH = Rule({"priority": ("urgent",)}, limit=LIMIT // 2)


@pytest.mark.parametrize(
    "policy",
    [
        Policy({"phone": TARGET}, rules=(RUSH,)),
        Policy({"phone": replace(TARGET, calendar=NIGHTS)}, calendars={"nights": NIGHTS}),
    ],
    ids=["limits that differ", "a clock that stops"],
)
def test_where_limits_differ_or_clocks_stop_nothing_is_forecast(policy):
    engine = Engine(policy)
    engine.step(TicketCreated("T-1", "phone", T0), T0)
    engine.advance(T0 + LIMIT - SECOND)
    engine.look()
    (forecast,) = engine.forecasts.by_group
    assert forecast.is_blind
    chances = forecast.chances(engine.clock)
    assert (chances, likely_late(chances), forecast.of(chances)(T0)) == ([], 0, None)
    engine.advance(T0 + 10 * DAY)
    engine.look()
    assert engine.forecasts.changes() == {}


def test_looking_twice_at_a_tick_is_looking_once():
    one, other = Engine(POLICY), Engine(POLICY)
    tickets = list(impatient(100))
    run(one, tickets)
    forecast = run(other, tickets)
    before = msgspec.msgpack.encode(forecast.record)
    other.look()
    assert msgspec.msgpack.encode(forecast.record) == before
    assert msgspec.msgpack.encode(one.forecasts.by_group[0].record) == before


def test_nobody_who_was_not_watched_from_the_beginning_is_judged():
    engine = Engine(POLICY)
    engine.step(TicketCreated("T-1", "phone", T0), T0)
    for tick in range(T0 // WIDTH + 5, T0 // WIDTH + 2 * TICKS):
        engine.advance(tick * WIDTH)
        engine.look()
    (forecast,) = engine.forecasts.by_group
    assert sum(forecast.record.likely_late.forecasts) == 0
    assert forecast.record.experience.whole.missed == 1


def test_what_is_likely_late_is_counted_by_ticket_and_ends_at_the_limit():
    engine = Engine(POLICY)
    for number in range(7):
        engine.step(TicketCreated(f"T-{number}", "phone", T0 + number), T0 + number)
    (forecast,) = engine.forecasts.by_group
    found = []
    for age in (10, 230, 252):
        engine.advance(T0 + age * SECOND)
        engine.look()
        found.append(likely_late(forecast.chances(engine.clock)))
    assert found == [0, 7, 0]


def test_the_next_look_is_the_next_tick_while_somebody_waits():
    engine = Engine(POLICY)
    assert engine.forecasts.next_look(T0) is None
    engine.step(TicketCreated("T-1", "phone", T0), T0)
    engine.windows.count()
    first = engine.forecasts.next_look(engine.clock)
    assert first == -(-T0 // WIDTH) * WIDTH
    engine.advance(first)
    engine.look()
    assert engine.forecasts.next_look(first) == first + WIDTH
