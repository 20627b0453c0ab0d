"""Figures as values: parts add up to the whole, and survive being sent."""

import random

import msgspec
import pytest

from monitor.observability.figures import Health, State, last_hour, longest_waiting, overview
from monitor.observability.snapshot import snapshot
from monitor.observability.stats import (
    DELAY_EDGES,
    Delays,
    PartitionStats,
    Sums,
    count,
    partition_stats,
)
from monitor.sla.engine import Engine
from monitor.sla.events import (
    SECOND,
    AgentReplied,
    CustomerChanged,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.measures import Measures
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy, Target

T0 = 1_800_000_000 * SECOND
NOW = T0 + 3000 * SECOND
POLICY = Policy(DEFAULT_POLICY.channels, teams=("billing",))


def history(seed, tickets=400):
    """Return the events of some tickets, each ticket's together."""
    rng = random.Random(seed)
    for number in range(tickets):
        ticket_id = f"T-{number}"
        created = T0 + rng.randrange(2990) * SECOND + rng.randrange(1000)
        channel = rng.choice(list(POLICY.channels))
        team = rng.choice(["", "billing", "sales"])
        events = [TicketCreated(ticket_id, channel, created, team=team)]
        if rng.random() < 0.7:
            events.append(AgentReplied(ticket_id, created + int(rng.expovariate(1 / 90) * SECOND)))
        if rng.random() < 0.3:
            events.append(TicketClosed(ticket_id, created + rng.randrange(600) * SECOND))
        yield events


def engine_of(groups, policy=POLICY):
    engine = Engine(policy)
    events = sorted((event for events in groups for event in events), key=lambda event: event.at)
    for event in events:
        engine.step(event, max(engine.clock, min(event.at, NOW)))
    engine.advance(NOW)
    return engine


def stats(number, engine, **changes):
    values = {
        "counts": count(engine, {"ticket-created": {"ok": 3, "dead_letter": number}}),
        "lag": number,
        "caught_up": True,
        "last_commit": 5.0,
    }
    return partition_stats(number, engine, **(values | changes))


def health(**changes):
    values = {
        "now": NOW / SECOND,
        "state": State.LIVE,
        "clock": NOW / SECOND,
        "lag_records": 0,
        "partitions": 1,
        "partitions_caught_up": 1,
        "last_commit": 5.0,
    }
    return Health(**(values | changes))


@pytest.mark.parametrize("seed", range(3))
def test_parts_added_up_are_the_overview_of_all_tickets_in_one(seed):
    groups = list(history(seed))
    whole = overview(POLICY, [stats(0, engine_of(groups))], health())
    parts = [stats(number, engine_of(groups[number::5])) for number in range(5)]
    together = overview(POLICY, parts, health())
    assert without_forecasts(snapshot(together)) == without_forecasts(snapshot(whole))
    for one, other in zip(together.groups, whole.groups, strict=True):
        assert [ticket[:4] for ticket in map(msgspec.structs.astuple, longest_waiting(one))] == [
            ticket[:4] for ticket in map(msgspec.structs.astuple, longest_waiting(other))
        ]
        assert last_hour(one, NOW) == last_hour(other, NOW)
        assert one.windows == other.windows


def without_forecasts(shown):
    """Leave out what each part judges by its own share of the queue, and so a little otherwise."""
    for channel in shown["channels"]:
        del channel["likely_late"]
        for ticket in channel["tickets"]:
            del ticket["chance_of_missing"], ticket["is_likely_late"]
    return shown


def test_tickets_that_are_likely_late_and_what_is_left_to_miss_add_up():
    waiting = [[TicketCreated(f"T-{n}", "phone", NOW - 230 * SECOND + n)] for n in range(10)]
    answered = [
        [TicketCreated(f"A-{n}", "phone", T0 + n), AgentReplied(f"A-{n}", T0 + SECOND)]
        for n in range(19)
    ]
    parts = [
        stats(0, engine_of([*waiting[:3], *answered[:7]])),
        stats(1, engine_of([*waiting[3:], *answered[7:]])),
    ]
    shown = snapshot(overview(POLICY, parts, health()))["channels"]
    (phone,) = [each for each in shown if (each["channel"], each["team"]) == ("phone", "other")]
    assert phone["likely_late"] == 10
    assert phone["error_budget"] == 2  # 19 of 21 are 90.5 %
    assert all(ticket["is_likely_late"] for ticket in phone["tickets"])
    assert all(0.5 < ticket["chance_of_missing"] < 1 for ticket in phone["tickets"])


def test_of_a_ticket_that_has_missed_its_limit_there_is_no_doubt():
    late = [[TicketCreated("T-1", "phone", NOW - 300 * SECOND)]]
    (ticket,) = stats(0, engine_of(late, DEFAULT_POLICY)).groups[0].longest
    assert ticket.chance == 1.0
    assert stats(0, engine_of(late, DEFAULT_POLICY)).groups[0].likely_late == 0


def test_a_part_comes_back_from_its_bytes_as_it_was():
    part = stats(3, engine_of(history(1)))
    body = msgspec.msgpack.encode(part)
    assert msgspec.msgpack.decode(body, type=PartitionStats) == part


def test_health_comes_back_from_its_bytes_as_it_was():
    delays = Delays()
    delays.counts[3], delays.sum_seconds = 2, 0.5
    sick = health(delays=delays, unserved=(1, 2), state=State.BROKER_AWAY)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sick), type=Health) == sick


def test_a_part_does_not_change_with_the_engine_it_was_taken_from():
    engine = engine_of(history(2))
    part = stats(0, engine)
    before = msgspec.msgpack.encode(part)
    for events in history(3):
        engine.apply(events)
    engine.advance(NOW + 500 * SECOND)
    assert msgspec.msgpack.encode(part) == before


def test_of_the_longest_waiting_tickets_eight_are_named_and_the_longest_is_first():
    events = [[TicketCreated(f"T-{n}", "email", T0 + n * SECOND)] for n in range(30)]
    parts = [stats(n, engine_of(events[n::3], DEFAULT_POLICY)) for n in range(3)]
    view = overview(DEFAULT_POLICY, parts, health())
    (email,) = [group for group in view.groups if group.channel == "email"]
    assert [len(part.groups[-1].longest) <= 8 for part in parts] == [True] * 3
    assert [ticket.ticket_id for ticket in longest_waiting(email)] == [f"T-{n}" for n in range(8)]


def test_a_part_of_another_policy_adds_what_both_know_and_no_unknown_channel():
    other = Policy({"chat": Target(7 * SECOND, 77 * SECOND), "fax": Target(SECOND, 2 * SECOND)})
    engine = engine_of(
        [[TicketCreated("T-1", "chat", T0), AgentReplied("T-1", T0 + SECOND)]], other
    )
    view = overview(DEFAULT_POLICY, [stats(0, engine)], health())
    (chat,) = [group for group in view.groups if group.channel == "chat"]
    assert chat.windows["24h"].answered == 1
    assert {group.channel for group in view.groups} == set(DEFAULT_POLICY.channels)


def test_partitions_that_nobody_serves_are_named_in_the_notice():
    said = snapshot(overview(POLICY, [], health(unserved=(1, 4, 6))), "Demo.")["notice"]
    assert said.startswith("Demo. Nobody serves partitions 1, 4 and 6 just now")
    said = snapshot(overview(POLICY, [], health(unserved=(2,))))["notice"]
    assert said.startswith("Nobody serves partition 2 just now")
    assert snapshot(overview(POLICY, [], health()))["notice"] == ""


def test_delays_add_up_bucket_by_bucket():
    one, other = Delays(), Delays()
    one.counts[0], one.sum_seconds = 2, 0.01
    other.counts[0], other.counts[-1], other.sum_seconds = 1, 1, 700.0
    one.add(other)
    assert (one.counts[0], one.counts[-1], one.sum_seconds) == (3, 1, 700.01)
    assert len(one.counts) == len(DELAY_EDGES) + 1


def test_a_ticket_id_of_a_megabyte_is_shown_by_its_beginning():
    engine = engine_of([[TicketCreated("x" * 1_000_000, "chat", T0, priority="y" * 1000)]])
    part = stats(0, engine)
    (ticket,) = next(group.longest for group in part.groups if group.longest)
    assert ticket.ticket_id == "x" * 120 + "…"
    assert ticket.priority == "y" * 120 + "…"
    assert len(msgspec.msgpack.encode(part)) < 100_000


def test_customers_and_the_base_are_sent_and_read_back_as_they_were():
    measures = Measures(engine_of(history(1)))
    measures.engine.customers.noted[0].append((NOW, 2**32 - 1))
    measures.step(CustomerChanged("c", joined=True, at=T0), NOW)
    part = stats(0, measures.engine, measures=measures)
    sent = msgspec.msgpack.encode(part)
    read = msgspec.msgpack.decode(sent, type=PartitionStats)
    assert read == part
    assert read.base["1h"].customers == 1
    assert read.groups[0].customers["5m"] == b"\xff\xff\xff\xff"


def test_what_another_version_counts_is_not_taken_for_ours():
    sent = msgspec.msgpack.encode(([0] * 7, 0, {}))
    with pytest.raises(msgspec.ValidationError, match="another version"):
        msgspec.msgpack.decode(sent, type=Sums)


def test_what_was_added_up_before_is_taken_over_where_its_parts_are_the_same():
    engines = [engine_of(list(history(seed))) for seed in (1, 2)]
    parts = [stats(number, engine) for number, engine in enumerate(engines)]
    first = overview(POLICY, parts, health())
    again = overview(POLICY, [msgspec.structs.replace(part) for part in parts], health(now=NOW))
    kept = overview(POLICY, parts, health(now=NOW), before=first)
    assert snapshot(kept) == snapshot(again)
    assert all(new is old for new, old in zip(kept.groups, first.groups, strict=True))
    assert kept.customers is first.customers


def test_nothing_is_taken_over_from_other_parts_or_another_policy():
    engines = [engine_of(list(history(seed))) for seed in (1, 2, 3)]
    parts = [stats(number, engine) for number, engine in enumerate(engines)]
    before = overview(POLICY, parts[:2], health())
    for chosen in (parts, parts[:1], parts[1:], [parts[0], stats(1, engines[2])], []):
        kept = overview(POLICY, chosen, health(), before=before)
        assert snapshot(kept) == snapshot(overview(POLICY, chosen, health()))
        assert kept.customers == overview(POLICY, chosen, health()).customers
    other = Policy(DEFAULT_POLICY.channels, teams=("billing",), formula=Formula.ANSWERED_ONLY)
    kept = overview(other, parts[:2], health(), before=before)
    assert snapshot(kept) == snapshot(overview(other, parts[:2], health()))
    assert snapshot(kept) != snapshot(before)
