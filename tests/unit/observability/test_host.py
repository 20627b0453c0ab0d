"""Workers of one host seen as one: sums, and what is said of those that are missing."""

import msgspec
import pytest

from monitor.observability.figures import Health, State, overview
from monitor.observability.host import Host, Report
from monitor.observability.stats import Delays, count, partition_stats
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, TicketCreated
from monitor.sla.policy import DEFAULT_POLICY

T0 = 1_800_000_000


def part(number, *, at=T0, last_commit=1.0, tickets=1):
    engine = Engine(DEFAULT_POLICY)
    engine.apply(TicketCreated(f"T-{number}-{n}", "chat", T0 * SECOND) for n in range(tickets))
    engine.advance(at * SECOND)
    return partition_stats(
        number,
        engine,
        counts=count(engine, {"ticket-created": {"ok": tickets, "dead_letter": 0}}),
        lag=number,
        caught_up=True,
        last_commit=last_commit,
    )


def report(*parts, state=State.LIVE, owned=None, delays=0):
    owned = [each.partition for each in parts] if owned is None else owned
    counts = Delays()
    counts.counts[0] = delays
    return Report(
        Health(
            now=T0,
            state=state,
            clock=min((each.clock / SECOND for each in parts), default=None),
            lag_records=0,
            partitions=len(owned),
            partitions_caught_up=len(parts),
            last_commit=max((each.last_commit for each in parts), default=0.0),
            delays=counts,
            owned=tuple(owned),
        ),
        list(parts),
    )


def host_of(*reports, at=0.0):
    host = Host(len(reports))
    for member, said in zip(host.members, reports, strict=True):
        if said is not None:
            member.heard(said, at)
    return host


def waiting(host, at):
    parts, health = host.read(at, T0)
    view = overview(DEFAULT_POLICY, parts, health)
    return sum(group.waiting for group in view.groups)


def test_what_the_workers_say_adds_up():
    host = host_of(report(part(0), part(1), delays=2), report(part(2, at=T0 - 5), delays=3))
    parts, health = host.read(1.0, T0)
    assert [each.partition for each in parts] == [0, 1, 2]
    assert (health.state, health.partitions, health.partitions_caught_up) == (State.LIVE, 3, 3)
    assert health.clock == T0 - 5
    assert health.lag_records == 3
    assert health.delays.counts[0] == 5
    assert health.unserved == ()


def test_a_report_comes_back_from_its_bytes_as_it_was():
    said = report(part(0), part(3), state=State.BEHIND, delays=1)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=Report) == said


def test_the_partitions_of_a_worker_that_ended_are_served_by_nobody_until_another_has_them():
    host = host_of(report(part(0)), report(part(1), delays=4))
    host.read(0.0, T0)
    first, second = host.members
    second.ended()
    _, health = host.read(1.0, T0)
    assert (health.state, health.unserved, health.partitions) == (State.BEHIND, (1,), 2)
    assert waiting(host, 1.0) == 1
    first.heard(report(part(0), owned=[0, 1], state=State.STARTING), 2.0)
    _, health = host.read(2.0, T0)
    assert (health.state, health.unserved) == (State.BEHIND, ())
    first.heard(report(part(0), part(1)), 3.0)
    _, health = host.read(3.0, T0)
    assert (health.state, health.unserved, health.delays.counts[0]) == (State.LIVE, (), 4)


def test_a_new_process_clears_what_its_predecessor_left_only_when_it_has_joined():
    host = host_of(report(part(0)), report(part(1)))
    host.read(0.0, T0)
    first, second = host.members
    second.ended()
    first.heard(report(part(0)), 1.0)
    second.heard(report(state=State.STARTING), 1.0)
    assert host.read(1.0, T0)[1].unserved == (1,)
    second.heard(report(), 2.0)  # idle: a worker on another host has the partition
    _, health = host.read(2.0, T0)
    assert (health.state, health.unserved) == (State.LIVE, ())


def test_a_silent_worker_is_missing_after_three_seconds_and_back_when_it_is_heard():
    host = host_of(report(part(0)), report(part(1)))
    host.read(0.0, T0)
    host.members[0].heard(report(part(0)), 3.1)
    _, health = host.read(3.1, T0)
    assert (health.unserved, health.partitions, waiting(host, 3.1)) == ((1,), 2, 1)
    host.members[1].heard(report(part(1)), 3.2)
    _, health = host.read(3.2, T0)
    assert (health.unserved, waiting(host, 3.2)) == ((), 2)


def test_a_partition_that_two_workers_speak_of_is_counted_once_and_the_newer_word_holds():
    old, new = part(0, at=T0, tickets=1), part(0, at=T0 + 1, tickets=2)
    for reports in ((report(old), report(new)), (report(new), report(old))):
        host = host_of(*reports)
        assert waiting(host, 0.0) == 2
        assert host.read(0.0, T0)[1].partitions == 1


def test_a_former_owner_whose_clock_is_ahead_of_what_it_committed_is_not_believed():
    zombie, owner = part(0, at=T0 + 9, tickets=1), part(0, at=T0, tickets=2)
    for reports in ((report(zombie), report(owner)), (report(owner), report(zombie))):
        assert host_of(*reports).read(0.0, T0)[0] == [owner]


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ((None, None), State.STARTING),
        ((report(part(0)), None), State.LIVE),
        ((report(), None), State.STARTING),
        ((report(), report()), State.LIVE),
        ((report(part(0)), report(owned=[1], state=State.STARTING)), State.STARTING),
        ((report(part(0)), report(part(1), state=State.BEHIND)), State.BEHIND),
        ((report(part(0)), report(part(1), state=State.BROKER_AWAY)), State.BROKER_AWAY),
    ],
)
def test_the_state_of_a_host_that_starts_is_that_of_its_partitions(reports, state):
    assert host_of(*reports).read(0.0, T0)[1].state is state


def test_a_host_that_was_live_and_has_lost_all_its_workers_is_starting():
    host = host_of(report(part(0)))
    assert host.read(0.0, T0)[1].state is State.LIVE
    host.members[0].ended()
    _, health = host.read(0.1, T0)
    assert (health.state, health.unserved, health.clock) == (State.STARTING, (0,), None)
