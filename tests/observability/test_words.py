"""The words of each alert, as those read them who are woken by it."""

from dataclasses import dataclass, field

import pytest

from monitor.sla.policy import Policy
from tests.observability.promtool import (
    CHAT_ONLY,
    TALKS,
    TEAMS,
    UP,
    at_risk,
    check,
    decided,
    overdue,
    waiting,
)

PROMISE = "Promised: a first reply within 2 min to 90 % of tickets."
CHAT = {"channel": "chat", "audience": "support", "pace": "minutes"}
ITSELF = {"audience": "monitor", "job": "sla-monitor"}
BOARD = "http://localhost:3000/d/sla-channel?var-channel=chat"
HEALTH = "http://localhost:3000/d/sla-health"


@dataclass(frozen=True)
class Case:
    series: dict[str, str]
    at: str
    labels: dict[str, str]
    summary: str
    description: str
    board: str = HEALTH
    policy: Policy = field(default=CHAT_ONLY)


A = 'channel="chat",instance="a"'
RESOLUTION = (
    "Promised: a resolution within 3 d to 90 % of tickets, not counting the time in which the "
    "customer has to answer."
)
BILLING = 'channel="chat",team="billing"'
LOUD, SOFT = {"severity": "critical"}, {"severity": "warning"}

CASES = {
    "FirstResponseAtRisk": Case(
        UP
        | at_risk("0 0 4+0x20")
        | {
            'sla_oldest_waiting_timestamp_seconds{channel="chat",instance="a"}': "NaN NaN 100+0x20",
            'sla_oldest_waiting_timestamp_seconds{channel="chat",instance="b"}': "NaN+0x20",
            'sla_next_deadline_timestamp_seconds{channel="chat",instance="a"}': "NaN+0x20",
            'sla_next_deadline_timestamp_seconds{channel="chat",instance="b"}': "NaN 325.5+0x20",
        },
        "5m",
        CHAT | SOFT,
        "chat: 4 tickets about to miss the 2 min limit, the next in 25s",
        "4 tickets in chat unanswered for more than 1 min 30 s, the longest for 3m 20s. "
        f"{PROMISE} Answer the one that waits longest now; it is at the top of the wall.",
        BOARD,
    ),
    "FirstResponseBreached": Case(
        UP
        | overdue("1+0x20", BILLING)
        | {f"sla_oldest_waiting_timestamp_seconds{{{BILLING}}}": "40+0x20"},
        "4m",
        CHAT | LOUD | {"team": "billing"},
        "chat (billing): 1 ticket past the 2 min limit, the longest for 3m 20s",
        "1 ticket in chat (billing) still unanswered after 2 min, the longest for 3m 20s. "
        f"{PROMISE} Answer the one that waits longest now; if there are more than you have "
        "people, call for help.",
        f"{BOARD}&var-team=billing",
        TEAMS,
    ),
    "NextReplyAtRisk": Case(
        UP
        | {f"sla_next_reply_tickets_at_risk{{{A}}}": "0 0 4+0x20"}
        | {f"sla_next_reply_oldest_waiting_timestamp_seconds{{{A}}}": "NaN NaN 100+0x20"}
        | {f"sla_next_reply_next_deadline_timestamp_seconds{{{A}}}": "NaN 325.5+0x20"},
        "5m",
        CHAT | SOFT,
        "chat: 4 tickets about to miss the 3 min next-reply limit, the next in 25s",
        "4 tickets in chat without the next reply for more than 2 min 24 s, the longest for "
        "3m 20s. Promised: the next reply within 3 min to 90 % of tickets. Answer the one that is "
        "due first; the wall names it.",
        BOARD,
        TALKS,
    ),
    "NextReplyBreached": Case(
        UP
        | {f"sla_next_reply_tickets_overdue{{{A}}}": "1+0x20"}
        | {f"sla_next_reply_oldest_waiting_timestamp_seconds{{{A}}}": "40+0x20"},
        "4m",
        CHAT | LOUD,
        "chat: 1 ticket past the 3 min next-reply limit, the longest for 3m 20s",
        "1 ticket in chat still without the next reply after 3 min, the longest for 3m 20s. "
        "Promised: the next reply within 3 min to 90 % of tickets. Answer the one that is due "
        "first; the wall names it. If there are more than you have people, call for help.",
        BOARD,
        TALKS,
    ),
    "ResolutionAtRisk": Case(
        UP
        | {f"sla_resolution_tickets_at_risk{{{A}}}": "2+0x20"}
        | {f"sla_resolution_oldest_waiting_timestamp_seconds{{{A}}}": "-216000+0x20"}
        | {f"sla_resolution_next_deadline_timestamp_seconds{{{A}}}": "NaN+0x20"},
        "4m",
        CHAT | {"pace": "days"} | SOFT,
        "chat: 2 tickets about to miss the 3 d resolution limit",
        "2 tickets in chat unresolved for more than 2 d 9 h 36 min, the oldest 2d 12h 4m 0s "
        f"old. {RESOLUTION} Resolve the one that is due first; the wall names it.",
        BOARD,
        TALKS,
    ),
    "ResolutionBreached": Case(
        UP
        | {f"sla_resolution_tickets_overdue{{{A}}}": "2+0x20"}
        | {f"sla_resolution_oldest_waiting_timestamp_seconds{{{A}}}": "-300000+0x20"},
        "4m",
        CHAT | {"pace": "days"} | LOUD,
        "chat: 2 tickets past the 3 d resolution limit, the oldest 3d 11h 24m 0s old",
        "2 tickets in chat still unresolved after 3 d, the oldest 3d 11h 24m 0s old. "
        f"{RESOLUTION} Resolve the one that is due first; the wall names it. If there are more "
        "than you have people, call for help.",
        BOARD,
        TALKS,
    ),
    "ServiceLevelBurnFast": Case(
        decided("0+1x180", "0+3x180"),
        "45m",
        CHAT | LOUD,
        "chat: 75% of tickets missed the 2 min limit in the last 1 h",
        "Of about 342 tickets decided in chat in the last 1 h, 75% missed the limit of 2 min; "
        "10 % may. That is more than 5.5 times as fast as the promise of 90 % allows. Something "
        "is wrong right now: look who is on shift, what came in, what is down.",
        BOARD,
    ),
    "ServiceLevelBurnSlow": Case(
        decided("0+6x600", "0+4x600"),
        "4h",
        CHAT | SOFT,
        "chat: 40% of tickets missed the 2 min limit in the last 6 h",
        "Of about 4755 tickets decided in chat in the last 6 h, 40% missed the limit of 2 min; "
        "10 % may. That is more than 3.25 times as fast as the promise of 90 % allows. Nobody "
        "has to be woken: plan the shifts of the next days with it.",
        BOARD,
    ),
    "BacklogGrowing": Case(
        waiting("10+0x40 10+1x40"),
        "40m",
        CHAT | SOFT,
        "chat: backlog growing, about 44 waiting",
        "About 44 tickets in chat wait for a first reply, half as many again as 15 min ago, and "
        f"still more come than are answered. {PROMISE} Put more people on chat before they run "
        "out of time.",
        BOARD,
    ),
    "MonitorDown": Case(
        {'up{job="sla-monitor",instance="a"}': "0+0x20"},
        "5m",
        ITSELF | LOUD,
        "SLA monitor down: nobody watches the tickets",
        "No monitor has answered Prometheus for 15 s. Breaches go unseen and SLA pages are held "
        "back. Look whether its process runs and answers on /healthz, then start it again: it "
        "goes on where it stopped. Tell the leads to watch by hand meanwhile.",
    ),
    "MonitorStalled": Case(
        {'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="a"}': "60+0x20"},
        "5m",
        ITSELF | LOUD,
        "SLA monitor stalled: last commit 4m 0s ago",
        "The monitor answers, but has committed nothing to Kafka for 4m 0s; even an idle one "
        "does every 30 s. Its figures stand still and SLA pages are held back. Look whether "
        "Kafka answers and what the monitor logs.",
    ),
    "MonitorBehind": Case(
        {
            'sla_caught_up{job="sla-monitor",instance="a:6066"}': "0+0x20",
            'sla_lag_records{job="sla-monitor",instance="a:6066"}': "123456+0x20",
        },
        "6m",
        ITSELF | SOFT | {"instance": "a:6066"},
        "SLA monitor on a:6066 behind for 5 min",
        "a:6066 has not read all there is in Kafka for 5 min, so it tells of breaches late. "
        "123.5k records are still to be read. Look whether the lag shrinks; if not, add workers "
        "or look at the broker.",
    ),
    "PartitionUnserved": Case(
        {'sla_partitions_unserved{job="sla-monitor",instance="a"}': "2+0x20"},
        "4m",
        ITSELF | LOUD,
        "2 partitions of tickets served by nobody",
        "Tickets in 2 partitions have been watched by nobody for 1 min: their breaches go "
        "unseen. The wall names them. Look which worker or host is gone and start it again.",
    ),
    "DeadLetters": Case(
        {'sla_records_total{topic="agent-replied",outcome="dead_letter"}': "0 0 3+0x60"},
        "4m",
        {"audience": "monitor", "topic": "agent-replied"} | SOFT,
        "Unusable events in agent-replied",
        "About 3 records of agent-replied in 10 min could not be used and went to "
        "sla-dead-letters: their tickets are missing or wrong in all figures. The header "
        "sla.reason of each says what to mend; tell whoever sends them.",
    ),
    "Watchdog": Case(
        {},
        "5m",
        {"audience": "monitor", "severity": "none"},
        "Alerting works",
        "Always firing. Whoever receives it must raise the alarm when it stops coming: then "
        "Prometheus or Alertmanager is down, and no page of any kind would come.",
    ),
}


@pytest.mark.parametrize("alert", CASES)
async def test_it_says_who_waits_how_long_what_is_promised_and_what_to_do(alert, tmp_path):
    case = CASES[alert]
    expected = {
        "exp_labels": case.labels,
        "exp_annotations": {
            "summary": case.summary,
            "description": case.description,
            "runbook_url": f"docs/runbook/{alert}.md",
            "dashboard_url": case.board,
        },
    }
    test = {
        "interval": "30s",
        "input_series": [{"series": name, "values": v} for name, v in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": alert, "exp_alerts": [expected]}],
    }
    await check(tmp_path, case.policy, [test])


def test_a_line_on_a_lock_screen_is_short():
    assert max(len(case.summary) for case in CASES.values()) < 80
