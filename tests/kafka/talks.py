"""Tickets that are talked about, with everything else that can be read, and a tally of its own.

The tally knows nothing of the program: each clock is told as a story of who speaks when.
"""

import random
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from tests.kafka.faults import Limits, Record, Truth
from tests.support.clock import iso

NEVER = float("inf")

LIMITS = {
    ("chat", "first_response"): Limits(90, 120),
    ("chat", "next_reply"): Limits(45, 60),
    ("chat", "resolution"): Limits(150, 240),
    ("phone", "first_response"): Limits(120, 240),
    ("phone", "next_reply"): Limits(60, 120),
    ("phone", "resolution"): Limits(200, 400),
}
PAUSES = {"chat"}
"""The channels whose resolution waits for the customer."""

LASTS = 900
"""Seconds after which a ticket is decided, if it ever is."""


def policy_text():
    lines = ["channels:"]
    for channel in ("chat", "phone"):
        of = {clock: limits for (name, clock), limits in LIMITS.items() if name == channel}
        lines += [f"  {channel}:"]
        for clock, (at_risk, limit) in of.items():
            promise = f"at_risk: {at_risk}s, limit: {limit}s"
            if clock == "first_response":
                lines += [f"    {each}" for each in promise.split(", ")]
            else:
                paused = clock == "resolution" and channel in PAUSES
                pause = ", pause: waiting_for_customer" if paused else ""
                lines.append(f"    {clock}: {{{promise}{pause}}}")
    return "\n".join([*lines, ""])


class Talk(NamedTuple):
    """What is said of one ticket; moments in order."""

    key: str
    channel: str
    created: float
    replies: list[float]
    asked: list[float]
    closed: float


def make(seed, tickets, *, begin, seconds):
    """Return talks, and all their records in order of time, surveys and customers among them."""
    rng = random.Random(seed)
    talks = [_talk(rng, f"T-{seed}-{n}", begin + seconds * n / tickets) for n in range(tickets)]
    records = [record for talk in talks for record in _records(talk)]
    answers, customers = [], []
    for number, talk in enumerate(talks):
        if rng.random() < 0.5:
            at = max(talk.created, *talk.replies, 0) + rng.uniform(1, 60)
            answers.append(rng.choice((1, 5)))
            fields = {"survey_id": f"S-{number}", "ticket_id": talk.key, "kind": "csat"}
            fields |= {"score": answers[-1], "answered_at": iso(at)}
            records.append(Record(at, "survey-answered", fields))
        if number % 3 == 0:
            stays = rng.random() < 0.7
            customers.append(stays)
            for change, at in (("joined", talk.created), ("left", talk.created + 30)):
                if change == "joined" or not stays:
                    fields = {"customer_id": f"c{number}", "change": change, "at": iso(at)}
                    records.append(Record(at, "customer-changed", fields))
    return talks, sorted(records, key=lambda record: record.at), answers, customers


def _talk(rng, key, at):
    channel, created = rng.choice(("chat", "phone")), at
    replies, asked = [], []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 4, 5))):
        at += rng.expovariate(1 / 70) + 0.01
        (replies if rng.random() < 0.6 else asked).append(at)
    closed = at + rng.uniform(0.01, 150) if rng.random() < 0.8 else NEVER
    return Talk(key, channel, created, replies, asked, closed)


def _records(talk):
    key = {"ticket_id": talk.key}
    fields = key | {"channel": talk.channel, "created_at": iso(talk.created)}
    yield Record(talk.created, "ticket-created", fields)
    for at in talk.replies:
        yield Record(at, "agent-replied", key | {"replied_at": iso(at)})
    for at in talk.asked:
        yield Record(at, "customer-replied", key | {"replied_at": iso(at)})
    if talk.closed < NEVER:
        yield Record(talk.closed, "ticket-closed", key | {"closed_at": iso(talk.closed)})


class Run(NamedTuple):
    """One run of a clock: for how long it ran, and how it ended, if it did."""

    clock: str
    number: int
    ran: float
    how: str = ""


def runs(talk):
    """Tell the story of each clock of a talk."""
    first = min(talk.replies, default=NEVER)
    how = "closed" if talk.closed < NEVER else ""
    if first < NEVER and first <= talk.closed:
        how = "answered"
    yield Run("first_response", 0, min(first, talk.closed) - talk.created, how)
    number, since = 0, None
    for at, who in _turns(talk):
        if at >= talk.closed and since is None:
            break
        if who == "asks" and since is None:
            number, since = number + 1, at
        elif who == "replies" and since is not None:
            how = "answered" if at <= talk.closed else "closed"
            yield Run("next_reply", number, min(at, talk.closed) - since, how)
            since = None
    if since is not None:
        how = "closed" if talk.closed < NEVER else ""
        yield Run("next_reply", number, talk.closed - since, how)
    yield Run("resolution", 0, _open_for(talk), "closed" if talk.closed < NEVER else "")


def _turns(talk):
    """Return what is said from the first reply on: before it a customer starts no clock."""
    said = sorted([(at, "replies") for at in talk.replies] + [(at, "asks") for at in talk.asked])
    begin = next((n for n, (_, who) in enumerate(said) if who == "replies"), len(said))
    return said[begin:]


def _open_for(talk):
    """Return for how long a ticket was open, less the time in which its customer had to answer."""
    if talk.channel not in PAUSES:
        return talk.closed - talk.created
    moments = [(talk.created, "asks"), *_turns(talk), (NEVER, "")]
    ran = 0.0
    for (at, who), (until, _) in pairwise(moments):
        if who == "asks" and at < talk.closed:
            ran += min(until, talk.closed) - at
    return ran


def truth_of(talks, records):
    """Return what has to be told and counted, and how many kept and missed each other promise."""
    events, others = set(), Counter()
    tallies = {channel: Counter() for channel in ("chat", "phone")}
    for talk in talks:
        for run in runs(talk):
            at_risk, limit = LIMITS[talk.channel, run.clock]
            passed, late = run.ran > at_risk, run.ran > limit
            told = ["at_risk"] * passed + ["breached"] * late
            told += [run.how] * (passed and bool(run.how))
            events |= {(talk.key, f"sla.{run.clock}.{kind}", run.number) for kind in told}
            if run.clock == "first_response":
                tally = tallies[talk.channel]
                tally.update(created=1, passed_at_risk=passed, breached=late)
                tally.update(answered=run.how == "answered", abandoned=run.how == "closed")
                tally.update(answered_within_limit=run.how == "answered" and not late, expired=0)
                continue
            done = "answered" if run.clock == "next_reply" else "closed"
            others[talk.channel, run.clock, "missed"] += late
            others[talk.channel, run.clock, "met"] += run.how == done and not late
    topics = Counter(record.topic for record in records)
    tallies = {channel: dict(tally) for channel, tally in tallies.items()}
    return Truth(tallies, events, topics), +others
