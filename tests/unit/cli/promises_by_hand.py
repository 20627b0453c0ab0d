"""The counts of a history under a policy, a second time and slowly.

Nothing of the program is used: the file is read line by line, a ticket is its earliest events, and
open time is added up day by day on the calendar of the team's own country.
"""

import gzip
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

EXPIRY = timedelta(days=30)
BUCHAREST = ZoneInfo("Europe/Bucharest")
ROMANIA = holidays.country_holidays("RO")


def tickets(path):
    """Yield of each ticket its channel, creation, first reply and close."""
    created, replied, closed, channels = {}, {}, {}, {}
    earliest = {"ticket-created": created, "agent-replied": replied, "ticket-closed": closed}
    fields = {"ticket-created": "created_at", "agent-replied": "replied_at"}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            event = json.loads(line)
            if event.get("automated"):
                continue
            kind, ticket = event["type"], event["ticket_id"]
            at = datetime.fromisoformat(event[fields.get(kind, "closed_at")])
            if ticket not in earliest[kind] or at < earliest[kind][ticket]:
                earliest[kind][ticket] = at
                if kind == "ticket-created":
                    channels[ticket] = event["channel"]
    for ticket, at in created.items():
        yield channels[ticket], at, replied.get(ticket), closed.get(ticket)


def wall_time(start, end):
    """Return the time between two moments, the team always there."""
    return end - start


def office_time(start, end):
    """Return the time between two moments that lies from 8 to 18 on Romanian working days."""
    total, day = timedelta(), start.astimezone(BUCHAREST).date()
    while day <= end.astimezone(BUCHAREST).date():
        if day.weekday() < 5 and day not in ROMANIA:
            midnight = datetime(day.year, day.month, day.day, tzinfo=BUCHAREST)
            opens = midnight.replace(hour=8).astimezone(UTC)
            closes = midnight.replace(hour=18).astimezone(UTC)
            total += max(min(closes, end) - max(opens, start), timedelta())
        day += timedelta(days=1)
    return total


def counts(path, promises, clock=wall_time):
    """Return each channel's counts; `promises` are (at risk, limit, other targets) in seconds."""
    found = defaultdict(Counter)
    for channel, created, reply, close in tickets(path):
        at_risk, limit, *targets = (timedelta(seconds=s) for s in promises[channel])
        ends = [(created + EXPIRY, 2, "expired")]
        if close is not None:
            ends.append((max(close, created), 1, "abandoned"))
        if reply is not None:
            ends.append((max(reply, created), 0, "answered"))
        end, _, how = min(ends)
        waited = clock(created, end)
        count = found[channel]
        count["created"] += 1
        count[how] += 1
        count["passed_at_risk"] += waited > at_risk
        count["breached"] += waited > limit
        count["answered_within_limit"] += how == "answered" and waited <= limit
        for target in (*targets, limit) if targets else ():
            seconds = target.total_seconds()
            count["met", seconds] += how == "answered" and waited <= target
            count["missed", seconds] += waited > target
    return found
