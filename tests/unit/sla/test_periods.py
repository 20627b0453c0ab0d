"""Periods of local days, and what was counted in each of them."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.periods import Calendar, Per, PeriodTally
from monitor.sla.views import Book
from tests.unit.sla import oracle
from tests.unit.sla.strategies import PLAIN, START, histories

BUCHAREST = ZoneInfo("Europe/Bucharest")
HOUR = 3600 * SECOND


def moment(*local, zone=UTC):
    return int(datetime(*local, tzinfo=zone).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("per", "at", "start", "end"),
    [
        (Per.DAY, (2026, 1, 31, 23, 59), (2026, 1, 31), (2026, 2, 1)),
        (Per.WEEK, (2026, 2, 1, 12), (2026, 1, 26), (2026, 2, 2)),
        (Per.MONTH, (2026, 2, 28, 12), (2026, 2, 1), (2026, 3, 1)),
        (Per.MONTH, (2026, 12, 31, 12), (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_a_period_is_the_one_in_which_a_moment_lies(per, at, start, end):
    period = Calendar(per, BUCHAREST).period(moment(*at, zone=BUCHAREST))
    assert period.start == moment(*start, zone=BUCHAREST)
    assert period.end == moment(*end, zone=BUCHAREST)
    assert period.name == "-".join(f"{part:02}" for part in start)


def test_days_are_as_long_as_the_clocks_are_turned():
    days = Calendar(Per.DAY, BUCHAREST)
    spring = days.period(moment(2026, 3, 29, 12, zone=BUCHAREST))
    autumn = days.period(moment(2026, 10, 25, 12, zone=BUCHAREST))
    assert spring.end - spring.start == 23 * HOUR
    assert autumn.end - autumn.start == 25 * HOUR


@given(
    st.sampled_from(Per),
    st.sampled_from(("UTC", "Europe/Bucharest", "Pacific/Auckland", "America/Sao_Paulo")),
    st.integers(START - 3000 * DAY, START + 3000 * DAY),
)
def test_periods_follow_each_other_without_a_gap(per, zone, at):
    periods = list(Calendar(per, ZoneInfo(zone)).until(at, at + 70 * DAY))
    assert periods[0].start <= at < periods[0].end
    assert periods[-1].start <= at + 70 * DAY < periods[-1].end
    for one, other in pairwise(periods):
        assert one.end == other.start
        assert one.name < other.name


def tally_of(events, per=Per.DAY, until=START + 70 * DAY):
    tally = PeriodTally(PLAIN, Calendar(per, BUCHAREST))
    engine = Engine(PLAIN, views=(tally,))
    for instant in sorted({event.at for event in events}):
        engine.advance(instant - 1)
        engine.apply(event for event in events if event.at == instant)
        engine.advance(instant)
    engine.advance(until)
    return tally


@given(histories(), st.sampled_from(Per))
def test_each_period_counts_what_was_decided_in_it_and_all_of_them_everything(events, per):
    tally, end = tally_of(events, per), START + 70 * DAY
    true = list(oracle.truths(events, PLAIN, end).values())
    periods = tally.periods
    assert bool(periods) == bool(true)
    for channel in PLAIN.channels:
        mine = [one for one in true if one.channel == channel]
        for period in periods:
            booked = [
                (what, value)
                for one in mine
                for what, at, value in one.booked
                if period.start <= at < period.end
            ]
            found = tally.tally([period], [channel])
            assert found.counts == [sum(w is book for w, _ in booked) for book in Book]
            assert found.sum_us == sum(v for w, v in booked if w is Book.ANSWERED)
            assert found.resolution_us == sum(v for w, v in booked if w is Book.RESOLVED)
        whole = tally.tally(periods, [channel])
        counts = oracle.counts(mine)
        assert whole.counts == [counts[book] for book in Book]


@given(histories(), st.integers(0, 40))
def test_what_is_unresolved_at_the_end_of_a_period_is_what_is_open_then(events, days):
    closing = any(isinstance(event, TicketClosed) for event in events)
    tally = tally_of(events, until=START + days * DAY)
    periods = tally.periods
    for period, found in zip(periods, tally.unresolved(periods), strict=True):
        now = min(period.end - 1, tally._last)
        counted = any(tally._over[Book.CLOSED].values())
        if closing and not counted:
            return  # no close was booked: tickets are taken to be over at their reply
        true = oracle.truths(events, PLAIN, now, over_at_reply=not counted)
        for channel in PLAIN.channels:
            still = [one for one in true.values() if one.channel == channel and one.is_open]
            assert found[channel].every == len(still)
            older = [sum(now - one.created > age for one in still) for age in PLAIN.backlog_ages]
            assert found[channel].older == older


def test_a_week_with_nothing_in_it_is_one_too():
    events = [TicketCreated("a", "chat", START), AgentReplied("a", START)]
    events += [TicketCreated("b", "chat", START + 15 * DAY), AgentReplied("b", START + 15 * DAY)]
    tally = tally_of(events, Per.WEEK)
    assert [sum(tally.tally([each], ["chat"]).counts) for each in tally.periods] == [3, 0, 3]
