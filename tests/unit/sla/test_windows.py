"""Sliding windows: the sums of the last 60 panes, whatever is booked, taken back or late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND
from monitor.sla.policy import Formula
from monitor.sla.views import Book, Booking
from monitor.sla.windows import PANES, WINDOWS, Pane, Window, Windows, service_level
from tests.unit.sla.strategies import PLAIN, START

PANE = 5 * SECOND
spans = st.sampled_from((0, 1, PANE, 59 * PANE, 60 * PANE, 61 * PANE, 200 * PANE))
jitters = st.sampled_from((-1, 0, 1))
times = st.builds(lambda span, jitter: START + span + jitter, spans, jitters)
booked = st.builds(Booking, st.sampled_from(Book), times, st.sampled_from((0, 1, 7, PANE)))


def sums(window):
    return window.total.counts, window.total.sum_us, window.total.latencies


def test_the_windows_are_those_of_the_contract():
    assert WINDOWS == {"5m": 300 * SECOND, "1h": 3600 * SECOND, "24h": DAY}
    assert PANES == 60


@given(st.lists(st.tuples(booked, times), max_size=20))
def test_a_window_is_the_sum_of_what_lies_in_its_last_sixty_panes(steps):
    window, so_far, clock = Window(60 * PANE), [], 0
    for booking, now in steps:
        clock = max(clock, now, booking.at)
        window.advance(clock)
        window.add(booking, 1)
        so_far.append(booking)
        fresh = Pane()
        for one in so_far:
            if clock // PANE - 60 < one.at // PANE <= clock // PANE:
                fresh.add(one, 1)
        assert sums(window) == (fresh.counts, fresh.sum_us, fresh.latencies)
        assert len(window.panes) <= 60


@given(st.lists(booked, max_size=20), times, times)
def test_what_is_taken_back_before_or_after_it_slid_out_leaves_nothing(bookings, first, second):
    window = Window(60 * PANE)
    first, second = sorted((first, second))
    window.advance(first)
    for booking in bookings:
        window.add(booking, 1)
    window.advance(second)
    for booking in bookings:
        window.add(booking, -1)
    assert sums(window) == ([0] * len(Book), 0, {})


def test_a_booking_counts_until_its_pane_has_left():
    windows = Windows(PLAIN)
    windows.advance(START)
    windows.book(0, Booking(Book.CREATED, START), 1)
    windows.advance(START + 300 * SECOND - 1)
    assert windows.by_group[0]["5m"].total.counts[Book.CREATED] == 1
    windows.advance(START + 300 * SECOND)
    assert windows.by_group[0]["5m"].total.counts[Book.CREATED] == 0
    assert windows.by_group[0]["1h"].total.counts[Book.CREATED] == 1
    assert windows.by_group[1]["1h"].total.counts[Book.CREATED] == 0


near = st.builds(
    lambda edge, within: START - edge * SECOND + within,
    st.sampled_from((0, 5, 60, 295, 300, 305, 3540, 3600, 3660, 86_400)),
    st.integers(-70, 70).map(lambda seconds: seconds * SECOND),
)


@given(
    st.lists(st.tuples(near, st.sampled_from((0, 1, 7, PANE)), st.booleans()), max_size=20),
    st.integers(0, 400).map(lambda seconds: seconds * SECOND),
)
def test_the_two_usual_bookings_count_as_if_they_were_booked_one_by_one(steps, later):
    usual, general = Windows(PLAIN), Windows(PLAIN)
    for number, now in enumerate((START, START + later)):
        for windows in (usual, general):
            windows.advance(now)
        for at, waited, second in steps:
            if second == number:
                usual.opened(0, at)
                general.book(0, Booking(Book.CREATED, at), 1)
                usual.answered_in_time(0, at + waited, waited)
                general.book(0, Booking(Book.ANSWERED, at + waited, waited), 1)
                general.book(0, Booking(Book.MET, at + waited), 1)
        for name in WINDOWS:
            one, other = usual.by_group[0][name], general.by_group[0][name]
            assert sums(one) == sums(other)
            panes = [
                {n: (p.counts, p.sum_us, p.latencies) for n, p in w.panes.items()}
                for w in (one, other)
            ]
            assert panes[0] == panes[1]


def test_an_empty_window_has_no_ratio_and_no_quantile():
    figures = Pane().figures(Formula.ABANDON_IGNORED)
    assert figures[:7] == (0, 0, 0, 0, 0, 0, 0)
    ratios = (figures.service_level_ratio, figures.csat_ratio, figures.net_promoter_score)
    assert (figures.p50_us, figures.p90_us, *ratios) == (None,) * 5


@pytest.mark.parametrize("formula", Formula)
def test_of_nothing_decided_there_is_no_service_level(formula):
    counts = [0] * len(Book)
    counts[Book.CREATED] = 5
    assert service_level(counts, formula) is None


# answered in time, answered late, passed with no answer, abandoned in time, of them at once
@pytest.mark.parametrize(
    ("formula", "met", "late", "never", "abandoned", "short", "ratio"),
    [
        (Formula.ABANDON_IGNORED, 6, 2, 2, 10, 4, 6 / 10),
        (Formula.ANSWERED_ONLY, 6, 2, 2, 10, 4, 6 / 8),
        (Formula.ABANDON_NEGATIVE, 6, 2, 2, 10, 4, 6 / 20),
        (Formula.ABANDON_POSITIVE, 6, 2, 2, 10, 4, 16 / 20),
        (Formula.SHORT_EXCLUDED, 6, 2, 2, 10, 4, 6 / 16),
        (Formula.ABANDON_IGNORED, 0, 0, 0, 3, 0, None),
        (Formula.ANSWERED_ONLY, 0, 0, 3, 3, 0, None),
        (Formula.ABANDON_NEGATIVE, 0, 0, 0, 3, 0, 0.0),
        (Formula.ABANDON_POSITIVE, 0, 0, 0, 3, 0, 1.0),
        (Formula.SHORT_EXCLUDED, 0, 0, 0, 3, 3, None),
        (Formula.SHORT_EXCLUDED, 0, 0, 0, 3, 2, 0.0),
        (Formula.ABANDON_IGNORED, 1, 0, 0, 0, 0, 1.0),
        (Formula.ABANDON_IGNORED, 0, 0, 1, 0, 0, 0.0),
    ],
)
def test_a_service_level_is_what_its_formula_says(
    formula, met, late, never, abandoned, short, ratio
):
    counts = [0] * len(Book)
    counts[Book.MET], counts[Book.LATE] = met, late
    counts[Book.MISSED], counts[Book.ABANDONED] = late + never, abandoned
    counts[Book.SHORT_ABANDONED] = short
    assert service_level(counts, formula) == ratio
