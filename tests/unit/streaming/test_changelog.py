"""What a partition keeps is read back as it was."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.cohorts import Cohort
from monitor.sla.forecast import Record as ForecastRecord
from monitor.sla.policy import DEFAULT_POLICY
from monitor.sla.ticket import Kind, Telling, Ticket
from monitor.sla.totals import GroupTotals, Totals
from monitor.streaming.changelog import (
    COUNTERS_KEY,
    Counters,
    Kept,
    forecast_key,
    pack_counters,
    pack_forecast,
    pack_ticket,
)
from tests.support.kept import unpack


class KeptRecord(NamedTuple):
    key: bytes
    value: bytes | None


times = st.none() | st.integers(0, 2**53)
texts = st.text(max_size=8)
tellings = st.builds(Telling, st.sampled_from(Kind), st.integers(0, 2**53), st.integers(1, 9))
tickets = st.builds(
    Ticket,
    ticket_id=st.text(min_size=1, max_size=8),
    created=times,
    channel=texts,
    team=texts,
    priority=texts,
    replied=times,
    closed=times,
    conflict=st.booleans(),
    touched=st.integers(0, 2**53),
    told=st.lists(tellings, max_size=3).map(tuple),
    revisions=st.just(()) | st.tuples(*[st.integers(0, 9)] * len(Kind)),
)
counts = st.lists(st.integers(0, 2**53), min_size=3, max_size=3)
groups = st.builds(
    GroupTotals, counts.map(tuple), counts, st.integers(0, 2**60), counts, counts, counts
)


@given(st.lists(tickets, unique_by=lambda ticket: ticket.ticket_id, max_size=4))
def test_tickets_are_read_back_as_they_were(kept):
    packed = {ticket.ticket_id.encode(): pack_ticket(ticket) for ticket in kept}
    read = unpack(packed).tickets
    assert read == {ticket.ticket_id: ticket for ticket in kept}
    for ticket in read.values():
        assert all(type(telling) is Telling for telling in ticket.told)
        assert all(type(telling.kind) is Kind for telling in ticket.told)


@given(
    st.dictionaries(texts, groups, max_size=3),
    st.dictionaries(texts, st.dictionaries(texts, st.integers(0, 2**53), max_size=2), max_size=3),
)
def test_counters_are_read_back_as_they_were(by_group, records):
    counters = Counters(by_group, records)
    assert unpack({COUNTERS_KEY: pack_counters(counters)}).counters == counters


def test_totals_go_on_from_what_was_kept():
    totals = Totals(DEFAULT_POLICY)
    totals.by_group[1].booked[0] = 7
    packed = pack_counters(Counters(totals.stored(), {}))
    read = unpack({COUNTERS_KEY: packed}).counters
    assert Totals(DEFAULT_POLICY, read.groups).stored() == totals.stored()


@given(st.dictionaries(st.text(max_size=9), st.integers(1, 2**40), max_size=3))
def test_what_forecasts_rest_on_is_read_back_by_group(limits):
    records = {name: a_record(limit) for name, limit in limits.items()}
    packed = {forecast_key(name): pack_forecast(record) for name, record in records.items()}
    kept = unpack(packed)
    assert kept.forecasts == records
    assert kept.tickets == {}


def a_record(limit):
    record = ForecastRecord(limit)
    record.experience.learn([Cohort(7, {1: 3}, 2)], 9)
    record.trust.judge(0.2, 0.7, 10, 5)
    record.likely_late.judge([(1, 0.7)], Cohort(7, {1: 3}, 2))
    return record


@given(st.text(min_size=1))
def test_no_ticket_id_is_the_key_of_a_forecast(ticket_id):
    key = ticket_id.encode(errors="surrogatepass")
    assert not key.startswith(forecast_key(""))


def test_what_a_later_version_keeps_beside_the_tickets_is_left_alone():
    packed = {b"\xff something new": b"\x90", b"T1": pack_ticket(Ticket("T1", 1, "chat"))}
    assert list(unpack(packed).tickets) == ["T1"]


def test_an_empty_changelog_is_a_new_beginning():
    kept = unpack({})
    assert kept.tickets == {}
    assert kept.counters == Counters()


def test_a_tombstone_is_no_ticket():
    packed = {b"T1": None, b"T2": pack_ticket(Ticket("T2", 1, "chat"))}
    assert list(unpack(packed).tickets) == ["T2"]


def test_of_a_ticket_the_last_that_was_kept_counts_however_it_is_read():
    records = [
        KeptRecord(b"T1", pack_ticket(Ticket("T1", 1, "chat"))),
        KeptRecord(b"T2", pack_ticket(Ticket("T2", 1, "chat"))),
        KeptRecord(COUNTERS_KEY, pack_counters(Counters(records={"ticket-created": {"ok": 2}}))),
        KeptRecord(b"T1", pack_ticket(Ticket("T1", 1, "chat", replied=9, touched=9))),
        KeptRecord(b"T2", None),
        KeptRecord(b"T3", None),
        KeptRecord(b"T3", pack_ticket(Ticket("T3", 2, "chat"))),
    ]
    whole, one_by_one = Kept(), Kept()
    whole.take_all(records)
    for record in records:
        one_by_one.take(record.key, record.value)
        assert "T9" not in one_by_one.tickets  # looked at between any two
    assert whole.tickets == one_by_one.tickets
    assert whole.tickets == {
        "T1": Ticket("T1", 1, "chat", replied=9, touched=9),
        "T3": Ticket("T3", 2, "chat"),
    }
    assert whole.counters == one_by_one.counters == Counters(records={"ticket-created": {"ok": 2}})


def test_a_tombstone_of_the_counters_is_a_new_beginning():
    assert unpack({COUNTERS_KEY: None}).counters == Counters()


@given(st.text(min_size=1))
def test_no_ticket_id_is_the_key_of_the_counters(ticket_id):
    assert ticket_id.encode(errors="surrogatepass") != COUNTERS_KEY


def test_two_beginnings_share_no_counters():
    unpack({}).counters.records["ticket-created"] = {"ok": 1}
    assert unpack({}).counters.records == {}


def test_a_ticket_kept_by_an_older_version_with_fewer_fields_is_read():
    older = b"\x92\xa2T1\x01"  # ["T1", 1]
    assert unpack({b"T1": older}).tickets["T1"] == Ticket("T1", 1)
