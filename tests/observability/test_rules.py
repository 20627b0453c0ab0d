"""The rules as Prometheus evaluates them: each alert fires when it should, and only then."""

from dataclasses import dataclass, field

import pytest

from monitor.cli.rules import rule_file
from monitor.observability.rules import Links, rule_groups
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy
from monitor.sla.policy_file import parse_policy
from tests.observability.tools import run, save

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing",))
CHAT_ONLY = Policy({"chat": DEFAULT_POLICY.channels["chat"]})
EMAIL_ONLY = Policy({"email": DEFAULT_POLICY.channels["email"]})
SMS_80 = parse_policy("channels: {sms: {limit: 5m, share: 80%}}")

UP = {'up{job="sla-monitor",instance="a"}': "1+0x9000"}
"""One monitor that answers all the time."""


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


def at_risk(values, labels='channel="chat",instance="a"'):
    return {f"sla_tickets_at_risk{{{labels}}}": values}


def overdue(values, labels='channel="chat",instance="a"'):
    return {f"sla_tickets_overdue{{{labels}}}": values}


def decided(met, missed, *, abandoned="0+0x9000", taken_back="0+0x9000", labels="", end=""):
    """Return a channel's counters as one partition on one host shows them."""
    labels = labels or 'channel="chat",partition="3",instance="a"'
    outcomes = {"met": met, "missed": missed, "abandoned": abandoned}
    series = {
        f'sla_first_responses_total{{{labels},outcome="{outcome}"}}': values + end
        for outcome, values in outcomes.items()
    }
    kinds = {"met": "0+0x9000", "breached": taken_back, "abandoned": "0+0x9000"}
    for kind, values in kinds.items():
        values = "0+0x120" + end if end else values  # noqa: PLW2901
        series[f'sla_retractions_total{{{labels},kind="{kind}"}}'] = values
    return series


def waiting(values):
    return {'sla_tickets_waiting{channel="chat",instance="a"}': values}


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
    "breached: when the monitor is back and all are answered, it is over": Case(
        "FirstResponseBreached",
        {'up{job="sla-monitor",instance="a"}': "1 1 0 0 0 0 1+0x9"}
        | overdue("0 1 stale _ _ _ 0+0x9"),
        {"2m": [CHAT_LOUD], "4m": []},
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
        decided("0+1x100 101+10x80", "0+2x100 200+0x80"),
        {"50m": [CHAT_LOUD], "75m": []},
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


@pytest.fixture
def promtool_test(tmp_path):
    async def tested(policy, every, tests):
        rules = tmp_path / "rules.yml"
        rules.write_text(rule_file(rule_groups(policy, Links())))
        groups = [group.name for group in rule_groups(policy, Links())]
        file = {
            "rule_files": [str(rules)],
            "evaluation_interval": every,
            "group_eval_order": groups,
            "tests": tests,
        }
        code, said = await run("promtool", "test", "rules", save(tmp_path / "test.yml", file))
        assert code == 0, said

    return tested


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_fires_when_it_should_and_only_then(case, promtool_test):
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
    await promtool_test(case.policy, case.every, [test])


def firing(alert):
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


def matcher(labels):
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inside}}}"


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_stays_quiet():
    names = {rule.name for group in rule_groups(DEFAULT_POLICY, Links()) for rule in group.rules}
    for name in (name for name in names if ":" not in name):
        told = [
            bool(fires) for c in CASES.values() if c.alert == name for fires in c.fires.values()
        ]
        assert True in told, name
        assert False in told or name == "Watchdog", name  # which is never quiet


async def test_promtool_has_nothing_to_say_of_what_is_shipped(tmp_path):
    for policy in (DEFAULT_POLICY, TEAMS, SMS_80):
        path = tmp_path / "rules.yml"
        path.write_text(rule_file(rule_groups(policy, Links())))
        code, said = await run("promtool", "check", "rules", path)
        assert code == 0, said
        assert "SUCCESS" in said


WAITING_SINCE_100_S = {
    'sla_oldest_waiting_timestamp_seconds{channel="chat",instance="a"}': "NaN NaN 100+0x20",
    'sla_oldest_waiting_timestamp_seconds{channel="chat",instance="b"}': "NaN+0x20",
    'sla_next_deadline_timestamp_seconds{channel="chat",instance="a"}': "NaN+0x20",
    'sla_next_deadline_timestamp_seconds{channel="chat",instance="b"}': "NaN 325.5+0x20",
}


async def test_a_page_says_who_waits_how_long_what_is_promised_and_what_to_do(promtool_test):
    series = UP | at_risk("0 0 4+0x20") | overdue("0 0 1+0x20") | WAITING_SINCE_100_S
    labels = {"channel": "chat", "audience": "support", "pace": "minutes"}
    links = "http://localhost:3000/d/sla-channel?var-channel=chat"
    tests = [
        {
            "interval": "30s",
            "input_series": [{"series": name, "values": v} for name, v in series.items()],
            "alert_rule_test": [
                {
                    "eval_time": "5m",
                    "alertname": "FirstResponseAtRisk",
                    "exp_alerts": [
                        {
                            "exp_labels": labels | {"severity": "warning"},
                            "exp_annotations": {
                                "summary": "chat: 4 tickets about to miss the 2 min limit, "
                                "the next in 25s",
                                "description": "4 tickets in chat unanswered for more than "
                                "1 min 30 s, the longest for 3m 20s. Promised: a first reply "
                                "within 2 min to 90 % of tickets. Answer the one that waits "
                                "longest now; it is at the top of the wall.",
                                "runbook_url": "docs/runbook/FirstResponseAtRisk.md",
                                "dashboard_url": links,
                            },
                        }
                    ],
                },
                {
                    "eval_time": "5m",
                    "alertname": "FirstResponseBreached",
                    "exp_alerts": [
                        {
                            "exp_labels": labels | {"severity": "critical"},
                            "exp_annotations": {
                                "summary": "chat: 1 ticket past the 2 min limit, "
                                "the longest for 3m 20s",
                                "description": "1 ticket in chat still unanswered after 2 min, "
                                "the longest for 3m 20s. Promised: a first reply within 2 min "
                                "to 90 % of tickets. Answer the one that waits longest now; if "
                                "there are more than you have people, call for help.",
                                "runbook_url": "docs/runbook/FirstResponseBreached.md",
                                "dashboard_url": links,
                            },
                        }
                    ],
                },
            ],
        }
    ]
    await promtool_test(DEFAULT_POLICY, "30s", tests)
