"""Events of one ticket in partitions of different numbers are found, whatever the rule was."""

from monitor.streaming.doctor.findings import Sample, Stray
from monitor.streaming.doctor.sampling import compare


def test_tickets_met_in_two_topics_are_compared():
    places = [
        ("ticket-created", 1, b"T-1"),
        ("ticket-created", 1, b"T-1"),
        ("agent-replied", 1, b"T-1"),
        ("ticket-created", 2, b"T-2"),
    ]
    assert compare(places) == Sample(records=4, shared=1)


def test_a_ticket_that_parts_is_named_with_both_places():
    places = [
        ("ticket-created", 1, b"T-1"),
        ("ticket-created", 0, b"T-2"),
        ("agent-replied", 1, b"T-1"),
        ("agent-replied", 3, b"T-2"),
    ]
    found = compare(places)
    assert found.shared == 2
    assert found.stray == Stray("T-2", (("ticket-created", 0), ("agent-replied", 3)))


def test_records_with_no_key_are_told_by_topic_and_a_key_that_is_no_text_does_no_harm():
    places = [
        ("agent-replied", 0, None),
        ("ticket-created", 0, None),
        ("agent-replied", 1, None),
        ("ticket-created", 0, b"\xff"),
        ("agent-replied", 1, b"\xff"),
    ]
    found = compare(places)
    assert found.keyless == ("agent-replied", "ticket-created")
    assert found.stray.ticket_id == "\N{REPLACEMENT CHARACTER}"


def test_nothing_says_nothing():
    assert compare([]) == Sample()
