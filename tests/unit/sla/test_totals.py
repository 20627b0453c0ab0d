"""Counters that only grow, and go on after a restart, under another policy too."""

from itertools import accumulate

import pytest

from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY, Policy, Target
from monitor.sla.ticket import Kind
from monitor.sla.totals import Totals, edges
from monitor.sla.views import Book, Booking

CHAT = Policy({"chat": Target(90 * SECOND, 120 * SECOND)})
STRICT = Policy({"chat": Target(7 * SECOND, 11 * SECOND)})


def answered(totals, *seconds):
    for value in seconds:
        totals.book(0, Booking(Book.ANSWERED, 0, int(value * SECOND)), 1)


def test_every_threshold_is_an_edge_of_the_histogram():
    for target in (*DEFAULT_POLICY.channels.values(), STRICT.channels["chat"]):
        found = edges(target)
        assert {target.at_risk, target.limit} <= set(found)
        assert list(found) == sorted(set(found))


@pytest.mark.parametrize(("us", "edge"), [(119_999_999, 0), (120_000_000, 0), (120_000_001, 1)])
def test_an_answer_exactly_on_an_edge_is_within_it(us, edge):
    totals = Totals(CHAT)
    totals.book(0, Booking(Book.ANSWERED, 0, us), 1)
    group = totals.by_group[0]
    assert group.buckets.index(1) == group.edges.index(120 * SECOND) + edge


def test_an_answer_beyond_all_edges_is_in_the_last_bucket():
    totals = Totals(CHAT)
    answered(totals, 10_000_000)
    assert totals.by_group[0].buckets[-1] == 1


def test_what_is_taken_back_is_counted_beside_and_nothing_shrinks():
    totals = Totals(CHAT)
    answered(totals, 5, 6)
    totals.book(0, Booking(Book.ANSWERED, 0, 5 * SECOND), -1)
    group = totals.by_group[0]
    assert (group.booked[Book.ANSWERED], group.taken_back[Book.ANSWERED]) == (2, 1)
    assert group.net(Book.ANSWERED) == 1
    assert (sum(group.buckets), group.sum_us) == (2, 11 * SECOND)


def test_events_told_are_counted_by_kind():
    totals = Totals(CHAT)
    totals.tell(0, Kind.BREACHED)
    assert totals.by_group[0].told == [0, 1, 0, 0, 0, 0]


def test_they_go_on_from_what_was_kept():
    totals = Totals(CHAT)
    answered(totals, 5)
    again = Totals(CHAT, totals.stored())
    answered(again, 5)
    assert again.by_group[0].booked[Book.ANSWERED] == 2
    assert sum(again.by_group[0].buckets) == 2


def test_under_a_policy_with_other_edges_no_bucket_falls_and_nothing_is_counted_anew():
    totals = Totals(CHAT)
    answered(totals, 5, 100, 10_000_000)
    before = cumulative(totals)
    again = Totals(STRICT, totals.stored())
    kept = again.by_group[0]
    assert kept.edges == edges(STRICT.channels["chat"])
    after = cumulative(again)
    assert all(after[edge] == count for edge, count in before.items() if edge in after)
    assert sorted(after.values()) == list(after.values())
    assert sum(kept.buckets) == kept.booked[Book.ANSWERED] == 3
    assert kept.sum_us == 10_000_105 * SECOND
    answered(again, 5)
    assert sum(kept.buckets) == 4


def cumulative(totals):
    group = totals.by_group[0]
    return dict(zip(group.edges, accumulate(group.buckets), strict=False))


def test_a_new_channel_begins_at_zero_and_a_dropped_one_is_let_go():
    totals = Totals(CHAT)
    answered(totals, 5)
    other = Policy({"phone": CHAT.channels["chat"]})
    again = Totals(other, totals.stored())
    assert sum(again.by_group[0].booked) == 0
    assert list(again.stored()) == ["phone\0"]


def test_teams_are_kept_apart():
    policy = Policy(CHAT.channels, teams=("billing",))
    totals = Totals(policy)
    answered(totals, 5)
    assert [group.booked[Book.ANSWERED] for group in totals.by_group] == [1, 0]
    assert list(Totals(policy, totals.stored()).stored()) == ["chat\0billing", "chat\0other"]


def test_what_an_older_version_kept_goes_on_with_the_bookings_that_it_did_not_know():
    stored = Totals(CHAT).stored()
    for group in stored.values():
        group.booked, group.taken_back = group.booked[:12], group.taken_back[:12]
    totals = Totals(CHAT, stored)
    totals.book(0, Booking(Book.SHORT_ABANDONED, 0), 1)
    assert totals.by_group[0].net(Book.SHORT_ABANDONED) == 1
    assert len(totals.by_group[0].taken_back) == len(Book)
