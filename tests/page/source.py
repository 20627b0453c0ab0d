"""A snapshot source that a test can turn: four channels of a team on a busy morning."""

import random
import time

PROMISES = {
    "phone": (120, 240),
    "chat": (90, 120),
    "social": (2880, 3600),
    "email": (69120, 86400),
}
WAITS = {
    "phone": (262, 251, 96, 31, 12),
    "chat": (101, 44, 20),
    "social": (),
    "email": (64213, 51020, 40770, 30112, 22004, 9120, 3100, 400),
}
CHANCES = {
    "phone": (1.0, 1.0, 0.62, 0.31, 0.04),
    "chat": (0.96, 0.57, 0.2),
    "social": (),
    "email": (0.41, 0.38, 0.36, 0.33, 0.31, 0.18, 0.11, 0.09),
}
LIKELY_LATE = {"phone": 1, "chat": 2, "social": 0, "email": 0}
BUDGETS = {"phone": 3, "chat": 12, "social": 2, "email": 27}
SHARES = {
    "phone": (0.714, 0.883, 0.912),
    "chat": (0.952, 0.9997, 0.934),
    "social": (None, 0.9, 0.958),
    "email": (1.0, 0.981, 0.976),
}


class Source:
    """Calls to it are snapshots; its attributes are what the next one says."""

    def __init__(self):
        self.state = "live"
        self.notice = ""
        self.clock_age_seconds = 0.02
        self.lag_records = 0
        self.version = "0.1.0"
        self.offset_seconds = 0.0
        self.measures = None
        self.calls = 0
        self.started_at = time.time()
        self.channels = [channel(name, self.started_at) for name in PROMISES]

    def __call__(self):
        self.calls += 1
        now = time.time() + self.offset_seconds
        return {
            "now": now,
            "state": self.state,
            "clock": None if self.clock_age_seconds is None else now - self.clock_age_seconds,
            "clock_age_seconds": self.clock_age_seconds,
            "lag_records": self.lag_records,
            "partitions": 12,
            "partitions_caught_up": 12 if self.state == "live" else 9,
            "version": self.version,
            "notice": self.notice,
            "channels": self.channels,
            "measures": self.measures,
        }

    def channel(self, name):
        return next(each for each in self.channels if each["channel"] == name)


def channel(name, now, team=""):
    at_risk, limit = PROMISES[name]
    waits = WAITS[name]
    overdue = sum(wait > limit for wait in waits)
    return {
        "channel": name,
        "team": team,
        "target": {"at_risk_seconds": at_risk, "limit_seconds": limit, "ratio": 0.9},
        "open": len(waits) + 9,
        "waiting": len(waits) * (14 if name == "email" else 1),
        "at_risk": sum(at_risk < wait <= limit for wait in waits),
        "overdue": overdue,
        "likely_late": LIKELY_LATE[name],
        "error_budget": BUDGETS[name],
        "oldest_waiting": now - waits[0] if waits else None,
        "next_deadline": now + 20.0,
        "tickets": [
            ticket(
                f"{name[0].upper()}-{48213 + n}",
                now - wait,
                name,
                chance=chance,
            )
            for n, (wait, chance) in enumerate(zip(waits, CHANCES[name], strict=True))
        ],
        "clocks": [],
        "windows": windows(name, limit),
        "hour": hour(name, now),
    }


MEASURES = {
    "window": "24h",
    "resolution_seconds": {
        "all": 5112.0,
        "channels": {"phone": 271.0, "chat": 301.0, "social": 3911.0, "email": 26_100.0},
    },
    "tickets_ratio": {"phone": 0.257, "chat": 0.543, "social": 0.09, "email": 0.11},
    "csat_ratio": {"all": 0.874, "channels": {"chat": 0.86, "email": 0.91}},
    "net_promoter_score": {"all": 31.6, "channels": {"phone": 42.0, "chat": -3.6}},
    "unresolved": [
        {"older_than_seconds": 3600.0, "tickets": 152},
        {"older_than_seconds": 28_800.0, "tickets": 61},
        {"older_than_seconds": 86_400.0, "tickets": 0},
    ],
    "customers": 1944,
    "omnichannel_ratio": 0.214,
    "customer_base": 4021,
    "retention_ratio": 0.9923,
    "churn_ratio": 0.0076,
}


def clock(name, channel_name, now, *waits, limit=14_400):
    """Return one more clock of a channel, and those for whom it runs."""
    return {
        "clock": name,
        "target": {"at_risk_seconds": limit * 0.8, "limit_seconds": limit, "ratio": 0.9},
        "waiting": len(waits) + 2,
        "at_risk": sum(wait > limit * 0.8 for wait in waits),
        "overdue": sum(wait > limit for wait in waits),
        "next_deadline": now + 20.0,
        "tickets": [
            {
                **ticket(f"{channel_name[0].upper()}-{47000 + n}", now - wait, channel_name),
                "at_risk_at": now - wait + limit * 0.8,
                "due_at": now - wait + limit,
            }
            for n, wait in enumerate(waits)
        ],
    }


def ticket(ticket_id, created_at, name="chat", priority="", team="", chance=None):
    at_risk, limit = PROMISES[name]
    return {
        "ticket_id": ticket_id,
        "created_at": created_at,
        "at_risk_at": created_at + at_risk,
        "due_at": created_at + limit,
        "team": team,
        "priority": priority,
        "chance_of_missing": chance,
        "is_likely_late": chance is not None and chance >= 0.5,
    }


def windows(name, limit):
    return {
        window: {
            "service_level_ratio": share,
            "created": 40,
            "answered": 38,
            "closed": 21,
            "met": 37,
            "missed": 1,
            "p50_seconds": None if share is None else limit * 0.34,
            "p90_seconds": None if share is None else limit * (1.6 - share * 0.8),
        }
        for window, share in zip(("5m", "1h", "24h"), SHARES[name], strict=True)
    }


def hour(name, now):
    rate = {"phone": 9, "chat": 14, "social": 3, "email": 6}[name]
    dice = random.Random(name)
    wave = [max(0, round(dice.gauss(rate, rate**0.5))) for _ in range(60)]
    return {
        "start": now - 3570,
        "step_seconds": 60,
        "created": wave,
        "answered": [max(0, each + dice.choice((-2, -1, 0, 0, 1, 2))) for each in wave],
        "missed": [max(0, n % 11 - 8) if name in ("phone", "chat") else 0 for n in range(60)],
        "p90_seconds": [None] * 60,
    }
