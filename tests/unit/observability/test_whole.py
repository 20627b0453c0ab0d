"""The whole picture over hosts: what others say is added, and who is silent is named."""

import msgspec

from monitor.observability.figures import Health, State, overview
from monitor.observability.stats import Counts, partition_stats
from monitor.observability.whole import Elsewhere, Published
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, TicketCreated
from monitor.sla.policy import DEFAULT_POLICY

T0 = 1_800_000_000


def part(number, *, at=T0, tickets=1, caught_up=True):
    engine = Engine(DEFAULT_POLICY)
    engine.apply(
        TicketCreated(f"T-{number}-{n}", "chat", (T0 - 60) * SECOND) for n in range(tickets)
    )
    engine.advance(at * SECOND)
    return partition_stats(
        number, engine, counts=Counts(), lag=number, caught_up=caught_up, last_commit=number
    )


def health(*owned, **changes):
    values = {
        "now": T0 + 1,
        "state": State.LIVE,
        "clock": T0 + 0.5 if owned else None,
        "lag_records": 0,
        "partitions": len(owned),
        "partitions_caught_up": len(owned),
        "last_commit": 0.0,
        "owned": owned,
    }
    return Health(**(values | changes))


def listening(*published, partitions=4, at=0.0):
    elsewhere = Elsewhere("here")
    elsewhere.listening(partitions, at)
    for each in published:
        elsewhere.heard(Published("there", each, DEFAULT_POLICY), at)
    return elsewhere


def waiting(parts, view_health):
    view = overview(DEFAULT_POLICY, parts, view_health)
    return sum(group.waiting for group in view.groups)


def test_what_other_hosts_serve_is_added_to_what_this_one_serves():
    elsewhere = listening(part(2), part(3, at=T0 - 9))
    parts, whole = elsewhere.whole([part(0), part(1)], health(0, 1), 1.0)
    assert waiting(parts, whole) == 4
    assert (whole.state, whole.partitions, whole.partitions_caught_up) == (State.LIVE, 4, 4)
    assert (whole.lag_records, whole.unserved, whole.clock) == (5, (), T0 + 0.5)


def test_one_that_is_behind_elsewhere_holds_the_clock_and_is_said():
    elsewhere = listening(part(1, at=T0 - 9, caught_up=False))
    _, whole = elsewhere.whole([part(0)], health(0), 1.0)
    assert (whole.state, whole.clock) == (State.BEHIND, T0 - 9)


def test_what_this_host_says_of_itself_and_what_it_owns_comes_from_itself_alone():
    elsewhere = listening(part(0, tickets=5))
    elsewhere.heard(Published("here", part(1, tickets=5), DEFAULT_POLICY), 0.0)
    parts, whole = elsewhere.whole([part(0)], health(0), 1.0)
    assert (waiting(parts, whole), whole.partitions) == (1, 1)


def test_a_partition_silent_for_ten_seconds_is_served_by_nobody_and_no_longer_counted():
    elsewhere = listening(part(1), partitions=3)
    assert elsewhere.whole([part(0)], health(0), 9.9)[1].unserved == ()
    parts, whole = elsewhere.whole([part(0)], health(0), 10.1)
    assert (whole.unserved, whole.state, whole.partitions) == ((1, 2), State.BEHIND, 3)
    assert waiting(parts, whole) == 1
    elsewhere.heard(Published("there", part(1), DEFAULT_POLICY), 11.0)
    assert elsewhere.whole([part(0)], health(0), 11.0)[1].unserved == (2,)


def test_a_partition_that_this_hosts_dead_worker_left_is_not_missed_where_another_host_took_it():
    lost = health(0, unserved=(1, 2))
    assert listening(part(1)).whole([part(0)], lost, 1.0)[1].unserved == (2,)


def test_silence_says_nothing_while_nothing_can_be_heard():
    elsewhere = listening(part(1))
    away = health(0, state=State.BROKER_AWAY)
    assert elsewhere.whole([part(0)], away, 60.0)[1].unserved == ()
    assert elsewhere.whole([part(0)], health(0), 69.0)[1].unserved == ()
    elsewhere.deaf()
    assert elsewhere.whole([part(0)], health(0), 999.0)[1].unserved == ()


def test_the_word_of_a_former_owner_does_not_replace_that_of_the_new_one():
    elsewhere = listening(part(1, at=T0 + 5, tickets=2))
    elsewhere.heard(Published("zombie", part(1, at=T0, tickets=1), DEFAULT_POLICY), 1.0)
    parts, whole = elsewhere.whole([], health(), 1.0)
    assert waiting(parts, whole) == 2


def test_a_host_with_nothing_to_do_shows_the_whole_as_of_now():
    parts, whole = listening(part(0), partitions=1).whole([], health(), 60.0)
    assert (whole.state, whole.unserved) == (State.BEHIND, (0,))
    parts, whole = listening(part(0), partitions=1).whole([], health(), 1.0)
    assert (whole.state, whole.clock, waiting(parts, whole)) == (State.LIVE, T0 + 1, 1)


def test_what_is_published_comes_back_from_its_bytes():
    published = Published("there", part(3), DEFAULT_POLICY)
    body = msgspec.msgpack.encode(published)
    assert msgspec.msgpack.decode(body, type=Published) == published
