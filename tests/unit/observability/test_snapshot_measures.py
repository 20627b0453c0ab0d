"""The measures that the wall shows: those of a day, added up over partitions and teams."""

from monitor.observability.figures import overview
from monitor.observability.snapshot import snapshot
from monitor.observability.stats import count, partition_stats
from monitor.sla.engine import Engine
from monitor.sla.events import (
    DAY,
    SECOND,
    AgentReplied,
    CustomerChanged,
    SurveyAnswered,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.measures import Measures
from monitor.sla.policy import DEFAULT_POLICY, Policy
from tests.unit.observability.test_metrics import T0, health

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing",))


def at(seconds):
    return T0 + seconds * SECOND


def resolved(ticket_id, channel, team, seconds, customer):
    yield TicketCreated(ticket_id, channel, at(0), team, customer=customer)
    yield AgentReplied(ticket_id, at(10))
    yield TicketClosed(ticket_id, at(seconds))


def part(number, events, now=4000):
    measures = Measures(Engine(TEAMS))
    for event in sorted(events, key=lambda event: event.at):
        measures.step(event, event.at)
    measures.engine.advance(at(now))
    measures.advance()
    return partition_stats(
        number,
        measures.engine,
        counts=count(measures.engine, {}),
        lag=0,
        caught_up=True,
        last_commit=0.0,
        measures=measures,
    )


def shown(*parts):
    return snapshot(overview(TEAMS, parts, health()))["measures"]


def test_of_nothing_there_is_nothing_to_show():
    found = shown(part(0, []))
    nothing = {"all": None, "channels": {}}
    assert found["resolution_seconds"] == found["csat_ratio"] == nothing
    assert found["net_promoter_score"] == nothing
    assert found["tickets_ratio"] == {}
    assert {each["tickets"] for each in found["unresolved"]} == {0}
    assert (found["customers"], found["omnichannel_ratio"]) == (0, None)
    assert (found["retention_ratio"], found["churn_ratio"]) == (None, None)


def test_partitions_and_teams_are_added_up_and_each_channel_is_told_apart():
    one = [
        *resolved("a", "chat", "billing", 100, 1),
        *resolved("b", "chat", "", 300, 2),
        SurveyAnswered("s1", "a", "csat", 5, at(200)),
        SurveyAnswered("s2", "b", "csat", 1, at(400)),
        SurveyAnswered("s3", "b", "nps", 10, at(400)),
    ]
    other = [
        *resolved("c", "phone", "", 200, 1),
        TicketCreated("d", "chat", at(20), customer=3),
        SurveyAnswered("s4", "c", "csat", 4, at(300)),
        SurveyAnswered("s5", "c", "nps", 2, at(300)),
    ]
    found = shown(part(0, one), part(1, other))
    assert found["resolution_seconds"] == {"all": 200, "channels": {"phone": 200, "chat": 200}}
    shares = {"phone": 0.25, "chat": 0.75, "social": 0, "email": 0}
    assert found["tickets_ratio"] == shares
    assert found["csat_ratio"] == {"all": 2 / 3, "channels": {"phone": 1, "chat": 0.5}}
    assert found["net_promoter_score"] == {"all": 0, "channels": {"phone": -100, "chat": 100}}
    hour, *longer = found["unresolved"]
    assert hour == {"older_than_seconds": 3600, "tickets": 1}
    assert {each["tickets"] for each in longer} == {0}
    # Whoever used two channels is one customer.
    assert (found["customers"], found["omnichannel_ratio"]) == (3, 1 / 3)


def test_who_stays_is_told_of_the_day():
    long_ago = [CustomerChanged(f"c{n}", True, T0 - 9 * DAY) for n in range(10)]
    today = [
        CustomerChanged("c0", False, at(10)),
        CustomerChanged("new", True, at(20)),
        CustomerChanged("newer", True, at(30)),
    ]
    found = shown(part(0, [*long_ago, *today]))
    assert found["customer_base"] == 11
    assert (found["retention_ratio"], found["churn_ratio"]) == (0.9, 0.1)
