"""The rules as Prometheus evaluates them: each alert fires when it should, and only then."""

from dataclasses import dataclass, field

import pytest

from monitor.cli.rules import rule_file
from monitor.observability.rules import Links, rule_groups
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy
from tests.observability.promtool import (
    CHAT_ONLY,
    EMAIL_ONLY,
    SMS_80,
    TALKS,
    TEAMS,
    UP,
    at_risk,
    check,
    decided,
    overdue,
    waiting,
)
from tests.observability.tools import PROMETHEUS, run


@dataclass(frozen=True)
class Case:
    """What Prometheus sees, and which alerts of a name are to fire at some times after it began.

    Series are written as promtool does: `0+2x10` is 0, 2, ... 20; `_` is nothing, `stale` the end.
    """

    alert: str
    series: dict[str, str]
    fires: dict[str, list[dict[str, str]]]
    """By time, the labels that tell those that fire apart; an empty list where none does."""
    every: str = "30s"
    """Between two values, and between two evaluations."""
    policy: Policy = field(default=DEFAULT_POLICY)


CHAT = {"channel": "chat", "severity": "warning"}
CHAT_LOUD = {"channel": "chat", "severity": "critical"}
LOUD = {"severity": "critical"}
SOFT = {"severity": "warning"}


HERE = 'channel="chat",partition="3",instance="a"'
THERE = 'channel="chat",partition="3",instance="b"'

CASES = {
    # FirstResponseAtRisk
    "at risk: somebody waits too long": Case(
        "FirstResponseAtRisk", UP | at_risk("0 0 2 2"), {"30s": [], "1m": [CHAT]}
    ),
    "at risk: nobody waits": Case("FirstResponseAtRisk", UP | at_risk("0+0x20"), {"5m": []}),
    "at risk: it is over half a minute after the reply": Case(
        "FirstResponseAtRisk",
        UP | at_risk("0 2 0 0 0 0"),
        {"30s": [CHAT], "1m": [CHAT], "90s": [], "2m": []},
    ),
    "at risk: hosts are added up, and told of once": Case(
        "FirstResponseAtRisk",
        UP | at_risk("1 1 1") | at_risk("1 1 1", 'channel="chat",instance="b"'),
        {"1m": [CHAT]},
    ),
    "at risk: each team has its own": Case(
        "FirstResponseAtRisk",
        UP
        | at_risk("1 1 1", 'channel="chat",team="billing"')
        | at_risk("0 0 0", 'channel="chat",team="other"'),
        {"1m": [CHAT | {"team": "billing"}]},
        policy=TEAMS,
    ),
    # FirstResponseBreached
    "breached: the limit is passed": Case(
        "FirstResponseBreached", UP | overdue("0 0 1 1"), {"30s": [], "1m": [CHAT_LOUD]}
    ),
    "breached: at risk is no breach": Case(
        "FirstResponseBreached", UP | at_risk("9+0x9") | overdue("0+0x9"), {"4m": []}
    ),
    "breached: a monitor that does not answer has not seen the reply": Case(
        "FirstResponseBreached",
        {'up{job="sla-monitor",instance="a"}': "1 1 0+0x60"} | overdue("0 1 stale"),
        {"1m": [CHAT_LOUD], "20m": [CHAT_LOUD]},
    ),
    "breached: a restart is no reply": Case(
        "FirstResponseBreached",
        {'up{job="sla-monitor",instance="a"}': "1 1 0 1 1 1 1"} | overdue("0 1 stale 0 1 1 1"),
        {"30s": [CHAT_LOUD], "1m": [CHAT_LOUD], "90s": [CHAT_LOUD], "2m": [CHAT_LOUD]},
    ),
    "breached: nor is a partition that moves": Case(
        "FirstResponseBreached",
        UP | overdue("1 1 0 0 0 0 1 1 1 1"),
        {"5s": [CHAT_LOUD], "15s": [CHAT_LOUD], "25s": [CHAT_LOUD], "35s": [CHAT_LOUD]},
        every="5s",
    ),
    "breached: what was seen before nobody looked is not told": Case(
        "FirstResponseBreached", overdue("3 3 stale"), {"30s": [CHAT_LOUD], "2m": []}
    ),
    "breached: when the monitor is back and all are answered, it is over": Case(
        "FirstResponseBreached",
        {'up{job="sla-monitor",instance="a"}': "1 1 0 0 0 0 1+0x9"}
        | overdue("0 1 stale _ _ _ 0+0x9"),
        {"2m": [CHAT_LOUD], "4m": []},
    ),
    # NextReplyAtRisk, NextReplyBreached, ResolutionAtRisk, ResolutionBreached
    **{
        f"{name}: it is told, and over half a minute later": Case(
            name,
            UP | {f'sla_{series}{{channel="chat",instance="a"}}': "0 2 0 0 0 0"},
            {"0s": [], "30s": [labels], "1m": [labels], "90s": []},
            policy=TALKS,
        )
        for name, series, labels in (
            ("NextReplyAtRisk", "next_reply_tickets_at_risk", CHAT),
            ("NextReplyBreached", "next_reply_tickets_overdue", CHAT_LOUD),
            ("ResolutionAtRisk", "resolution_tickets_at_risk", CHAT),
            ("ResolutionBreached", "resolution_tickets_overdue", CHAT_LOUD),
        )
    },
    "next reply: the first response is another matter": Case(
        "NextReplyBreached", UP | overdue("9+0x9"), {"4m": []}, policy=TALKS
    ),
    "next reply: a monitor that does not answer has not seen it": Case(
        "NextReplyBreached",
        {
            'up{job="sla-monitor",instance="a"}': "1 1 0+0x60",
            'sla_next_reply_tickets_overdue{channel="chat",instance="a"}': "0 1 stale",
        },
        {"1m": [CHAT_LOUD], "20m": [CHAT_LOUD]},
        policy=TALKS,
    ),
    # ServiceLevelBurnFast
    "burn fast: most are missed, and still are": Case(
        "ServiceLevelBurnFast", decided("0+1x180", "0+2x180"), {"90m": [CHAT_LOUD]}
    ),
    "burn fast: the promise is kept": Case(
        "ServiceLevelBurnFast", decided("0+10x180", "0+1x180"), {"90m": []}
    ),
    "burn fast: it was bad, and is well again": Case(
        "ServiceLevelBurnFast",
        # The long window still is: without the short one this would go on for an hour.
        decided("0+1x180", "0+2x100 200+0x80"),
        {"50m": [CHAT_LOUD], "66m": []},
    ),
    "burn fast: three misses among five tickets are bad luck": Case(
        "ServiceLevelBurnFast",
        decided("0 1 2 2+0x180", "0 1 2 3 3+0x180"),
        {"2m": [], "5m": [], "10m": []},
    ),
    "burn fast: a partition that goes on at another host is no rush of misses": Case(
        "ServiceLevelBurnFast",
        decided("1000+1x120", "5000+0x120", labels=HERE, end=" stale")
        | decided("_x120 1121+1x120", "_x120 5000+0x120", labels=THERE),
        {"59m": [], "61m": [], "65m": [], "90m": []},
    ),
    "burn fast: a counter that begins again is none either": Case(
        "ServiceLevelBurnFast",
        decided("1000+1x120 0+1x120", "5000+0x120 0+0x120"),
        {"59m": [], "61m": [], "65m": [], "90m": []},
    ),
    "burn fast: what was taken back was no miss": Case(
        "ServiceLevelBurnFast",
        decided("0+1x180", "0+2x180", taken_back="0+2x180"),
        {"90m": []},
    ),
    "burn fast: with 80 % it can fire too": Case(
        "ServiceLevelBurnFast",
        decided("0+1x180", "0+2x180", labels='channel="sms",partition="0"'),
        {"90m": [{"channel": "sms", "severity": "critical"}]},
        policy=SMS_80,
    ),
    "burn fast: an abandoned chat is a miss where the formula says so": Case(
        "ServiceLevelBurnFast",
        decided("0+1x180", "0+0x180", abandoned="0+2x180"),
        {"90m": [CHAT_LOUD]},
        policy=Policy(DEFAULT_POLICY.channels, Formula.ABANDON_NEGATIVE),
    ),
    "burn fast: and is left out where it does not": Case(
        "ServiceLevelBurnFast",
        decided("0+1x180", "0+0x180", abandoned="0+2x180"),
        {"90m": []},
    ),
    # ServiceLevelBurnSlow
    "burn slow: four of ten are missed for hours": Case(
        "ServiceLevelBurnSlow", decided("0+6x600", "0+4x600"), {"4h": [CHAT]}, policy=CHAT_ONLY
    ),
    "burn slow: which is not fast": Case(
        "ServiceLevelBurnFast", decided("0+6x600", "0+4x600"), {"4h": []}, policy=CHAT_ONLY
    ),
    "burn slow: one of ten is what was promised": Case(
        "ServiceLevelBurnSlow", decided("0+9x600", "0+1x600"), {"4h": []}, policy=CHAT_ONLY
    ),
    "burn slow: e-mail looks back for days": Case(
        "ServiceLevelBurnFast",
        decided("0+1x3600", "0+2x3600", labels='channel="email",partition="0"'),
        {"8h": [{"channel": "email", "severity": "critical"}]},
        policy=EMAIL_ONLY,
    ),
    # BacklogGrowing
    "backlog: more come than are answered": Case(
        "BacklogGrowing", waiting("10+0x40 10+1x40"), {"20m": [], "40m": [CHAT]}
    ),
    "backlog: many wait, but no more than before": Case(
        "BacklogGrowing", waiting("80+0x120"), {"40m": [], "1h": []}
    ),
    "backlog: a few more than before": Case(
        "BacklogGrowing", waiting("80+0x40 80+0.5x40"), {"30m": [], "40m": []}
    ),
    "backlog: from two to six is no rush": Case(
        "BacklogGrowing", waiting("2+0x40 2+0.1x40"), {"30m": [], "40m": []}
    ),
    # MonitorDown
    "down: it does not answer": Case(
        "MonitorDown",
        {'up{job="sla-monitor",instance="a"}': "1 1 0+0x40"},
        {"10s": [], "20s": [], "25s": [LOUD]},
        every="5s",
    ),
    "down: Prometheus knows of none": Case(
        "MonitorDown", {'up{job="prometheus"}': "1+0x40"}, {"1m": [LOUD]}
    ),
    "down: one scrape that fails is nothing": Case(
        "MonitorDown",
        {'up{job="sla-monitor",instance="a"}': "1 1 0 0 1 1 1 1 1 1"},
        {"15s": [], "30s": [], "45s": []},
        every="5s",
    ),
    "down: one of two is no reason to wake anybody": Case(
        "MonitorDown",
        UP | {'up{job="sla-monitor",instance="b"}': "1 1 0+0x40"},
        {"4m": [], "8m": [SOFT]},
    ),
    # MonitorStalled
    "stalled: it commits nothing": Case(
        "MonitorStalled",
        {'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="a"}': "1+0x20"},
        {"90s": [], "2m": [LOUD]},
    ),
    "stalled: an idle one commits every 30 s": Case(
        "MonitorStalled",
        {'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="a"}': "1+30x20"},
        {"2m": [], "8m": []},
    ),
    "stalled: one that has only begun has committed nothing yet": Case(
        "MonitorStalled",
        {'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="a"}': "0+0x20"},
        {"2m": [], "8m": []},
    ),
    "stalled: one of two": Case(
        "MonitorStalled",
        {
            'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="a"}': "1+0x20",
            'sla_last_commit_timestamp_seconds{job="sla-monitor",instance="b"}': "1+30x20",
        },
        {"2m": [], "4m": [SOFT]},
    ),
    # MonitorBehind
    "behind: for more than five minutes": Case(
        "MonitorBehind",
        {'sla_caught_up{job="sla-monitor",instance="a"}': "1 0+0x20"},
        {"5m": [], "6m": [SOFT]},
    ),
    "behind: catching up is its business": Case(
        "MonitorBehind",
        {'sla_caught_up{job="sla-monitor",instance="a"}': "1 0 0 0 0 0 1+0x20"},
        {"5m": [], "6m": []},
    ),
    # PartitionUnserved
    "unserved: for a minute, however many hosts tell of it": Case(
        "PartitionUnserved",
        {
            'sla_partitions_unserved{job="sla-monitor",instance="a"}': "0 2+0x20",
            'sla_partitions_unserved{job="sla-monitor",instance="b"}': "0 2+0x20",
        },
        {"1m": [], "2m": [LOUD]},
    ),
    "unserved: while a partition moves": Case(
        "PartitionUnserved",
        {'sla_partitions_unserved{job="sla-monitor",instance="a"}': "0 4 4 0+0x20"},
        {"30s": [], "1m": [], "2m": []},
    ),
    # DeadLetters
    "dead letters: one is enough, and it ends": Case(
        "DeadLetters",
        {
            'sla_records_total{topic="agent-replied",partition="1",outcome="dead_letter"}': (
                "0 0 1+0x60"
            )
        },
        {"30s": [], "2m": [SOFT], "15m": []},
    ),
    "dead letters: old ones that another host tells of are not new": Case(
        "DeadLetters",
        {
            'sla_records_total{topic="agent-replied",instance="a",partition="1",'
            'outcome="dead_letter"}': "7 7 7 stale",
            'sla_records_total{topic="agent-replied",instance="b",partition="1",'
            'outcome="dead_letter"}': "_x3 7+0x60",
        },
        {"1m": [], "2m": [], "10m": []},
    ),
    "dead letters: usable records are none": Case(
        "DeadLetters",
        {'sla_records_total{topic="agent-replied",outcome="ok"}': "0+90x60"},
        {"10m": []},
    ),
    # Watchdog
    "watchdog: it fires when nothing else is there": Case(
        "Watchdog", {}, {"0s": [{"severity": "none"}], "1h": [{"severity": "none"}]}
    ),
    "watchdog: and when all else fails": Case(
        "Watchdog",
        {'up{job="sla-monitor",instance="a"}': "0+0x20"},
        {"5m": [{"severity": "none"}]},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_fires_when_it_should_and_only_then(case, tmp_path):
    expected = [
        {
            "expr": f"count by (channel, team, severity) ({firing(case.alert)})",
            "eval_time": at,
            "exp_samples": [{"labels": matcher(labels), "value": 1} for labels in fires],
        }
        for at, fires in case.fires.items()
    ]
    test = {
        "interval": case.every,
        "input_series": [{"series": name, "values": v} for name, v in case.series.items()],
        "promql_expr_test": expected,
    }
    await check(tmp_path, case.policy, [test], case.every)


def firing(alert):
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


def matcher(labels):
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inside}}}"


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_stays_quiet():
    names = {rule.name for group in rule_groups(TALKS, Links()) for rule in group.rules}
    for name in (name for name in names if ":" not in name):
        told = [
            bool(fires) for c in CASES.values() if c.alert == name for fires in c.fires.values()
        ]
        assert True in told, name
        assert False in told or name == "Watchdog", name  # which is never quiet


async def test_promtool_has_nothing_to_say_of_what_is_shipped():
    code, said = await run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert code == 0, said
    assert f"SUCCESS: {PROMETHEUS / 'prometheus.yml'} is valid" in said


async def test_promtool_has_nothing_to_say_of_the_rules_of_any_policy(tmp_path):
    for policy in (DEFAULT_POLICY, TEAMS, SMS_80, TALKS):
        path = tmp_path / "rules.yml"
        path.write_text(rule_file(rule_groups(policy, Links())))
        code, said = await run("promtool", "check", "rules", path)
        assert code == 0, said
        assert "SUCCESS" in said
