"""Rules tried out by promtool on made-up series.

Series are written as promtool does: `0+2x10` is 0, 2, ... 20; `_` is nothing, `stale` the end.
"""

from monitor.cli.rules import rule_file
from monitor.observability.rules import Links, rule_groups
from monitor.sla.policy import DEFAULT_POLICY, Policy
from monitor.sla.policy_file import parse_policy
from tests.observability.tools import run, save

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing",))
CHAT_ONLY = Policy({"chat": DEFAULT_POLICY.channels["chat"]})
EMAIL_ONLY = Policy({"email": DEFAULT_POLICY.channels["email"]})
SMS_80 = parse_policy("channels: {sms: {limit: 5m, share: 80%}}")

TALKS = parse_policy(
    "channels: {chat: {limit: 2m, next_reply: {limit: 3m}, "
    "resolution: {limit: 3d, pause: waiting_for_customer}}}"
)

UP = {'up{job="sla-monitor",instance="a"}': "1+0x9000"}
"""One monitor that answers all the time."""


async def check(folder, policy, tests, every="30s"):
    """Have promtool test the rules of a policy; fail with what it says."""
    groups = rule_groups(policy, Links())
    rules = folder / "rules.yml"
    rules.write_text(rule_file(groups))
    file = {
        "rule_files": [str(rules)],
        "evaluation_interval": every,
        "group_eval_order": [group.name for group in groups],
        "tests": tests,
    }
    code, said = await run("promtool", "test", "rules", save(folder / "test.yml", file))
    assert code == 0, said


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
