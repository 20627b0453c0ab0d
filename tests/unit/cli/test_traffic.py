"""The demo's traffic: deterministic, believable, and a rush that breaks the chat promise."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile, zip_longest

import pytest

from monitor.cli.traffic import Message, traffic
from monitor.cli.traffic_channels import CHANNELS
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY

MIDNIGHT = 1_800_057_600.0
HOUR = 3600.0
DAY = 24 * HOUR
MINUTE = 60.0
NEVER = float("inf")


@dataclass
class Seen:
    """A ticket as its messages tell of it."""

    channel: str = ""
    created_at: float = NEVER
    replied_at: float = NEVER
    closed_at: float = NEVER
    reason: str = ""

    @property
    def waited(self) -> float:
        return min(self.replied_at, self.closed_at) - self.created_at


@pytest.fixture(scope="module")
def day() -> list[Message]:
    return until(MIDNIGHT + DAY, traffic(MIDNIGHT, 7, live_from=MIDNIGHT + DAY))


def test_messages_come_in_order_of_time(day):
    times = [message.at for message in day]
    assert times == sorted(times)
    assert times[0] >= MIDNIGHT


def test_the_same_seed_gives_the_same_messages_and_another_gives_others():
    def first(seed: int) -> list[Message]:
        return list(islice(traffic(MIDNIGHT, seed), 500))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_every_message_has_the_fields_of_its_topic(day):
    fields = {
        "ticket-created": {
            *("ticket_id", "channel", "created_at"),
            *("priority", "team", "customer_id"),
        },
        "agent-replied": {"ticket_id", "replied_at", "agent_id", "automated"},
        "ticket-closed": {"ticket_id", "closed_at", "reason"},
        "customer-replied": {"ticket_id", "replied_at"},
        "survey-answered": {"survey_id", "ticket_id", "kind", "score", "answered_at"},
        "customer-changed": {"customer_id", "change", "at"},
    }
    assert {message.topic for message in day} == fields.keys()
    for message in day:
        assert message.fields.keys() == fields[message.topic]
        id_field = "customer_id" if message.topic == "customer-changed" else "ticket_id"
        assert message.fields[id_field] == message.key
        assert message.fields.get("channel", "chat") in DEFAULT_POLICY.channels


def test_times_are_utc_with_milliseconds_and_are_those_of_the_message(day):
    repeats = 0
    for message in day:
        text = message.fields[time_field(message)]
        assert len(text) == len("2027-01-15T08:00:00.000Z")
        assert text.endswith("Z")
        assert seconds(text) <= message.at + 1e-6
        is_there = message.topic == "customer-changed" and message.at == MIDNIGHT
        repeats += not is_there and seconds(text) < message.at - 0.001
    assert 0 < repeats < len(day) / 100


@pytest.mark.parametrize(
    ("channel", "tickets"),
    [("phone", 700), ("chat", 1500), ("social", 240), ("email", 290)],
)
def test_a_day_has_a_believable_number_of_tickets(day, channel, tickets):
    created = sum(ticket.channel == channel for ticket in tickets_of(day).values())
    assert created == pytest.approx(tickets, rel=0.25)


@pytest.mark.parametrize("channel", ["phone", "social", "email"])
def test_the_night_is_quieter_than_the_morning(day, channel):
    hours = Counter(
        int((ticket.created_at - MIDNIGHT) // HOUR)
        for ticket in tickets_of(day).values()
        if ticket.channel == channel
    )
    assert sum(hours[hour] for hour in (1, 2, 3)) < sum(hours[hour] for hour in (9, 10, 11)) / 3


def test_social_is_busier_in_the_evening_and_the_others_in_the_morning():
    for channel in CHANNELS:
        evening, morning = channel.per_hour(20 * HOUR), channel.per_hour(10 * HOUR)
        assert (evening > morning) == (channel.name == "social")


@pytest.mark.parametrize(
    ("channel", "median"),
    [("phone", 10), ("chat", 38), ("social", 13 * MINUTE), ("email", 4 * HOUR)],
)
def test_first_responses_are_mostly_well_within_the_target(day, channel, median):
    tickets = [ticket for ticket in tickets_of(day).values() if ticket.channel == channel]
    waits = sorted(ticket.waited for ticket in tickets if ticket.replied_at < NEVER)
    limit = DEFAULT_POLICY.channels[channel].limit / SECOND
    assert waits[len(waits) // 2] == pytest.approx(median, rel=0.3)
    assert sum(wait <= limit for wait in waits) / len(waits) > 0.85


def test_some_customers_leave_unanswered_and_many_emails_get_an_automated_reply(day):
    tickets = tickets_of(day).values()
    abandoned = Counter(t.channel for t in tickets if t.reason == "abandoned")
    assert abandoned["phone"] > 0
    assert abandoned["chat"] > 0
    assert abandoned.total() < len(tickets) / 8
    automated = {m.key for m in day if m.fields.get("automated")}
    emails = [t for t in tickets if t.channel == "email"]
    assert len(emails) / 2 < len(automated) < len(emails)


def test_some_tickets_have_a_second_reply_and_most_are_resolved(day):
    replies = Counter(m.key for m in day if m.topic == "agent-replied")
    assert sum(n > 1 for n in replies.values()) > 100
    reasons = Counter(ticket.reason for ticket in tickets_of(day).values())
    assert reasons["resolved"] > 0.7 * reasons.total()
    assert reasons["merged"] > 0


def test_now_and_then_a_reply_has_no_ticket(day):
    created = {m.key for m in day if m.topic == "ticket-created"}
    unknown = {m.key for m in day if m.topic != "customer-changed"} - created
    assert 0 < len(unknown) < 20


@pytest.mark.parametrize("hour", [0, 3, 7, 10, 13, 18, 21])
def test_within_the_first_four_minutes_live_chats_pass_both_thresholds(hour):
    live = MIDNIGHT + hour * HOUR
    for seed in range(5):
        chats = chats_from(live, seed, minutes=4)
        assert any(chat.waited > 90 and chat.created_at + 90 < live + 210 for chat in chats)
        assert any(chat.waited > 120 and chat.created_at + 120 < live + 240 for chat in chats)


@pytest.mark.parametrize("seed", range(5))
def test_a_good_part_of_a_rush_breaches_and_the_team_recovers_before_the_next(seed):
    live = MIDNIGHT + 10 * HOUR
    chats = chats_from(live, seed, minutes=20.5)
    rush = [chat for chat in chats if 40 < chat.created_at - live <= 340]
    late = [chat for chat in chats if 13 < (chat.created_at - live) / MINUTE <= 18]
    assert len(rush) == pytest.approx(50, rel=0.5)
    assert 0.3 < sum(chat.waited > 120 for chat in rush) / len(rush) < 0.95
    assert sum(chat.waited <= 120 for chat in late) / len(late) > 0.8


def test_a_live_rush_comes_every_twenty_minutes():
    live = MIDNIGHT + 2 * HOUR
    chats = chats_from(live, 3, minutes=62)
    for start in (40, 1240, 2440):
        in_rush = sum(start < chat.created_at - live <= start + 300 for chat in chats)
        before_next = sum(start + 600 < chat.created_at - live <= start + 900 for chat in chats)
        assert in_rush > 10 * before_next


def test_with_speed_the_same_day_runs_faster():
    live = MIDNIGHT + 9 * HOUR
    usual = traffic(live - 2 * HOUR, 5, live_from=live)
    fast = traffic(live - 2 * HOUR / 60, 5, live_from=live, speed=60)
    for slow, quick in islice(zip_longest(usual, fast), 2000):
        assert quick.at - live == pytest.approx((slow.at - live) / 60, abs=0.002)
        assert (quick.topic, quick.fields.keys()) == (slow.topic, slow.fields.keys())
        assert seconds(quick.fields[time_field(quick)]) <= quick.at + 1e-6


def test_live_begins_at_the_start_unless_told():
    told = traffic(MIDNIGHT, 1, live_from=MIDNIGHT)
    assert list(islice(traffic(MIDNIGHT, 1), 100)) == list(islice(told, 100))


def until(end: float, messages) -> list[Message]:
    return list(takewhile(lambda message: message.at < end, messages))


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def time_field(message: Message) -> str:
    return next(name for name in message.fields if name.endswith("_at") or name == "at")


def tickets_of(messages: list[Message]) -> dict[str, Seen]:
    """Join messages to tickets; those never created are left out."""
    seen: dict[str, Seen] = {}
    for message in messages:
        if message.topic == "customer-changed":
            continue
        ticket = seen.setdefault(message.key, Seen())
        moment = seconds(message.fields[time_field(message)])
        match message.topic:
            case "ticket-created":
                ticket.channel = message.fields["channel"]
                ticket.created_at = moment
            case "agent-replied" if not message.fields["automated"]:
                ticket.replied_at = min(ticket.replied_at, moment)
            case "ticket-closed":
                ticket.closed_at = moment
                ticket.reason = message.fields["reason"]
    return {ticket_id: ticket for ticket_id, ticket in seen.items() if ticket.channel}


def chats_from(live: float, seed: int, minutes: float) -> list[Seen]:
    """Return the chats that came live, as somebody who looks after these minutes knows them."""
    messages = until(live + minutes * MINUTE, traffic(live - HOUR, seed, live_from=live))
    return [
        ticket
        for ticket in tickets_of(messages).values()
        if ticket.channel == "chat" and ticket.created_at >= live
    ]


def test_whatever_the_time_the_demo_can_go_live_in_the_busy_morning():
    live = MIDNIGHT + 4 * HOUR
    calls = {
        hour: sum(
            message.topic == "ticket-created" and message.fields["channel"] == "phone"
            for message in takewhile(
                lambda message: message.at < live + 2 * HOUR,
                traffic(live, 1, live_from=live, hour=hour),
            )
        )
        for hour in (4, 10)
    }
    assert calls[10] > 4 * calls[4]


def test_who_asks_again_is_answered_before_the_ticket_is_closed(day):
    waiting, asked = set(), 0
    for message in day:
        at = seconds(message.fields[time_field(message)])
        if abs(at - message.at) > 0.001:
            continue  # said a second time
        if message.topic == "customer-replied":
            waiting.add(message.key)
            asked += 1
        elif message.topic == "agent-replied" and not message.fields["automated"]:
            waiting.discard(message.key)
        elif message.topic == "ticket-closed" and message.fields["reason"] == "resolved":
            assert message.key not in waiting
    assert asked > 500


def test_most_customers_are_satisfied_and_would_recommend(day):
    answers = {m.fields["survey_id"]: m.fields for m in day if m.topic == "survey-answered"}
    csat = [a["score"] for a in answers.values() if a["kind"] == "csat"]
    nps = [a["score"] for a in answers.values() if a["kind"] == "nps"]
    assert len(csat) > 200
    assert 0.7 < sum(score >= 4 for score in csat) / len(csat) < 0.95
    assert all(1 <= score <= 5 for score in csat)
    score = 100 * (sum(s >= 9 for s in nps) - sum(s <= 6 for s in nps)) / len(nps)
    assert 10 < score < 70


@pytest.mark.parametrize("speed", [1, 60])
def test_there_are_customers_from_the_start_and_some_come_and_go(speed):
    messages = until(MIDNIGHT + DAY / speed, traffic(MIDNIGHT, 7, speed=speed))
    changes = [m for m in messages if m.topic == "customer-changed"]
    there = [m for m in changes if m.at == MIDNIGHT]
    assert len(there) == 2000
    assert all(MIDNIGHT - seconds(m.fields["at"]) > 2 * DAY for m in there)
    joined = [m.fields["change"] for m in changes[len(there) :]]
    assert 30 < joined.count("joined") < 100
    assert 10 < joined.count("left") < 45
