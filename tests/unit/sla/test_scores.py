"""The record of forecasts: worked examples of each measure."""

import msgspec
import pytest

from monitor.sla.cohorts import TICKS, Cohort
from monitor.sla.events import SECOND
from monitor.sla.scores import BINS, Scores

LIMIT = 1000 * SECOND


def judged(*cohorts):
    scores = Scores()
    for said, cohort in cohorts:
        scores.judge(said, cohort)
    return scores


def test_the_brier_score_is_the_mean_squared_error():
    # Ten waited at the first tick, four at the second, and three of them missed.
    scores = judged(([(1, 0.3), (2, 0.8)], Cohort(0, {1: 6, 2: 1}, 3)))
    squared = 3 * 0.7**2 + 7 * 0.3**2 + 3 * 0.2**2 + 1 * 0.8**2
    assert scores.brier_score == pytest.approx(squared / 14)


def test_who_always_says_one_half_gets_a_quarter():
    assert judged(([(1, 0.5)], Cohort(0, {1: 5}, 8))).brier_score == 0.25


def test_a_ticket_is_warned_of_once_when_it_is_first_likely_late():
    said = [(tick, 0.2 if tick < 15 else 0.9) for tick in range(1, TICKS + 1)]
    scores = judged((said, Cohort(0, {3: 80, 16: 1}, 4)))
    assert (scores.true_positive, scores.false_positive, scores.false_negative) == (4, 1, 0)
    assert scores.precision == 0.8
    assert scores.recall == 1.0
    # The 15th tick is 14.5 twentieths after the creation in the mean.
    assert scores.lead(0.5) == pytest.approx((TICKS - 14.5) / TICKS)


def test_misses_that_nothing_warned_of_lower_the_recall():
    scores = judged(([(1, 0.6)], Cohort(0, {}, 3)), ([(1, 0.4), (2, 0.49)], Cohort(1, {1: 1}, 1)))
    assert scores.recall == 0.75
    assert scores.precision == 1.0


def test_nine_of_ten_true_warnings_come_at_least_the_tenth_percentile_ahead():
    early = ([(1, 0.9)], Cohort(0, {}, 90))
    late = ([(1, 0.1), (TICKS, 0.9)], Cohort(1, {}, 10))
    scores = judged(early, late)
    assert scores.lead(0.1) == pytest.approx(0.5 / TICKS)
    assert scores.lead(0.11) == scores.lead(0.5) == pytest.approx(1 - 0.5 / TICKS)


def test_the_reliability_table_holds_what_was_said_against_what_came():
    scores = judged(([(1, 0.31), (2, 0.39)], Cohort(0, {1: 5, 2: 4}, 1)))
    row = scores.reliability()[3]
    assert [each for each in scores.reliability() if each] == [row]
    assert row.forecasts == 15
    assert row.mean_chance == pytest.approx((10 * 0.31 + 5 * 0.39) / 15)
    assert row.missed_ratio == pytest.approx(2 / 15)
    assert len(scores.reliability()) == BINS


def test_certainty_has_a_row_too():
    assert judged(([(1, 1.0)], Cohort(0, {}, 2))).reliability()[-1].missed_ratio == 1.0


def test_of_nothing_there_is_no_score():
    figures = Scores().figures(LIMIT)
    assert figures["forecasts"] == 0
    assert {figures[key] for key in ("brier_score", "recall_ratio", "lead_p50_seconds")} == {None}


def test_leads_are_shown_in_seconds():
    figures = judged(([(11, 0.5)], Cohort(0, {}, 1))).figures(LIMIT)
    assert figures["lead_p50_seconds"] == 475.0


def test_records_add_up_and_come_back_from_their_bytes():
    one = judged(([(1, 0.9)], Cohort(0, {1: 1}, 2)))
    other = judged(([(1, 0.2)], Cohort(0, {1: 3}, 1)))
    both = judged(([(1, 0.9)], Cohort(0, {1: 1}, 2)), ([(1, 0.2)], Cohort(0, {1: 3}, 1)))
    total = one.copy()
    total.add(other)
    assert total == both
    assert one != both
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(total), type=Scores) == both
