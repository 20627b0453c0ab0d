"""Lists of targets, hours and rules as people write them: each mistake with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import PolicyError
from monitor.sla.calendar import Calendar
from monitor.sla.events import SECOND
from monitor.sla.policy import Goal, Policy, Rule, Target
from monitor.sla.policy_file import dump_policy, parse_policy
from tests.unit.sla.test_promises import rule_sets

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
OFFICE = "calendars:\n  office: {zone: UTC, hours: {mon-fri: 09:00-17:00}}\n"
CALENDAR = Calendar("UTC", (*(((9 * HOUR, 17 * HOUR),),) * 5, (), ()), name="office")
CHAT = "channels:\n  chat: {at_risk: 90s, limit: 2m}\n"


def chat(fields: str) -> str:
    return f"{OFFICE}channels:\n  chat: {fields}\n"


def rule(fields: str) -> str:
    return f"{OFFICE}{CHAT}rules:\n  - {fields}\n"


BROKEN = {
    "a list with nothing": (
        chat("{targets: []}"),
        4,
        "targets: names no target; write [50% within",
    ),
    "one target alone": (chat("{targets: 50% within 2h}"), 4, "targets: is a single value; write"),
    "no within": (
        chat("{targets: [50% in 2h]}"),
        4,
        '"50% in 2h" is no target; write 50% within 2h',
    ),
    "no time": (chat("{targets: [50% within soon]}"), 4, '"soon" is not a duration'),
    "no share": (chat("{targets: [half within 2h]}"), 4, '"half" is not a percentage'),
    "less time": (
        chat("{targets: [50% within 2h, 80% within 1h]}"),
        4,
        'targets[1]: "80% within 1h" has no more time than the one before; go up',
    ),
    "no greater share": (
        chat("{targets: [50% within 2h, 50% within 3h]}"),
        4,
        "asks for no more than the one before, in more time; leave it out",
    ),
    "a limit beside": (
        chat("{targets: [50% within 2h, 80% within 3h], limit: 3h}"),
        4,
        "chat.limit: stands beside targets, whose last one it is; keep one of them",
    ),
    "a share beside": (
        chat("{targets: [50% within 2h, 80% within 3h], share: 80%}"),
        4,
        "chat.share: stands beside targets",
    ),
    "at risk at the last": (
        chat("{targets: [50% within 2h, 80% within 3h], at_risk: 3h}"),
        4,
        '"3h" is not below the limit of 3 h',
    ),
    "unknown hours": (
        chat("{limit: 2h, hours: offices}"),
        4,
        'chat.hours: "offices" is no calendar of this policy; did you mean office?',
    ),
    "hours like no others": (
        chat("{limit: 2h, hours: 9-5}"),
        4,
        "is no calendar of this policy; write the name of a calendar, or always",
    ),
    "a limit too long for its hours": (
        chat("{limit: 172h, hours: office}"),
        4,
        "office longer than 30 d, and a ticket expires then; write less than 7d3h25m, or more",
    ),
    "a clock with no limit": (
        chat("{limit: 2m, next_reply: {share: 90%}}"),
        4,
        "chat.next_reply: limit is missing; write {at_risk: 80%, limit: 2m}",
    ),
    "a clock as one value": (
        chat("{limit: 2m, resolution: 3d}"),
        4,
        "resolution: is a single value",
    ),
    "a pause of another clock": (
        chat("{limit: 2m, next_reply: {limit: 1h, pause: waiting_for_customer}}"),
        4,
        "next_reply.pause: is no key here; the keys are",
    ),
    "a pause for another reason": (
        chat("{limit: 2m, resolution: {limit: 1h, pause: lunch}}"),
        4,
        'resolution.pause: "lunch" stops no clock; write waiting_for_customer',
    ),
    "a misspelt clock": (
        chat("{limit: 2m, resolutions: {limit: 1h}}"),
        4,
        "chat.resolutions: is no key here; did you mean resolution?",
    ),
    "a rule as one value": (
        f"{OFFICE}{CHAT}rules: fast\n",
        5,
        "rules: is a single value; write a l",
    ),
    "a rule with nothing to say": (
        rule("{when: {priority: high}}"),
        6,
        "rules[0]: says neither limit nor targets nor hours; write {when:",
    ),
    "a rule for nobody": (
        rule("{limit: 1m}"),
        6,
        "when is missing: whose rule is it; write {when:",
    ),
    "a rule that asks nothing": (
        rule("{when: {}, limit: 1m}"),
        6,
        "when: asks nothing of a ticket",
    ),
    "a rule that asks by name": (
        rule("{when: {prio: high}, limit: 1m}"),
        6,
        "when.prio: is no key here; did you mean priority?",
    ),
    "a rule for an unknown channel": (
        rule("{when: {channel: chatt}, limit: 1m}"),
        6,
        'when.channel: "chatt" is no channel of this policy; did you mean chat?',
    ),
    "a rule for another channel": (
        rule("{when: {channel: [chat, fax]}, limit: 1m}"),
        6,
        'when.channel[1]: "fax" is no channel of this policy; the channels are chat',
    ),
    "a value twice": (
        rule("{when: {priority: [high, high]}, limit: 1m}"),
        6,
        '"high" is listed twice; keep one of them',
    ),
    "an empty value": (rule("{when: {priority: ''}, limit: 1m}"), 6, "a value is empty; write one"),
    "at risk with no limit": (
        rule("{when: {priority: high}, hours: office, at_risk: 10s}"),
        6,
        "at_risk: goes with a limit; write that here too",
    ),
    "the same rule twice": (
        rule("{when: {priority: high}, limit: 1m}\n  - {when: {priority: high}, limit: 2m}"),
        7,
        "rules[1]: asks the same as the rule on line 6; keep one",
    ),
    "a rule too long for its hours": (
        rule("{when: {priority: low}, limit: 20d, hours: office}"),
        6,
        "a limit of 20 d takes the hours of office longer than 30 d",
    ),
    "two rules that are too long together": (
        rule("{when: {priority: low}, limit: 20d}\n  - {when: {team: a}, hours: office}"),
        4,
        "channels.chat: a limit of 20 d takes the hours of office longer than 30 d",
    ),
}


@pytest.mark.parametrize(("text", "line", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_told_with_its_line_and_the_way_out(text, line, sentence):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "team.yaml")
    lines = str(caught.value).splitlines()
    assert any(told.startswith(f"team.yaml:{line}: ") and sentence in told for told in lines), lines
    assert len(lines) <= 2


GOOD = {
    "a list of targets": (
        "{targets: [50% within 2h, 80% within 12h, 100% within 24h], hours: office}",
        Target(
            24 * HOUR * 4 // 5,
            24 * HOUR,
            1.0,
            (Goal(2 * HOUR, 0.5), Goal(12 * HOUR, 0.8), Goal(24 * HOUR, 1.0)),
            CALENDAR,
        ),
    ),
    "one target is a limit and a share": (
        "{targets: [80% within 30s]}",
        Target(24 * SECOND, 30 * SECOND, 0.8),
    ),
    "at risk beside targets": (
        "{targets: [0.5 within 2m, 90% within 4m], at_risk: 50%}",
        Target(2 * MINUTE, 4 * MINUTE, 0.9, (Goal(2 * MINUTE, 0.5), Goal(4 * MINUTE, 0.9))),
    ),
    "hours that never end": ("{limit: 2m, hours: always}", Target(96 * SECOND, 2 * MINUTE)),
}


@pytest.mark.parametrize(("fields", "target"), GOOD.values(), ids=GOOD)
def test_a_promise_is_read_as_it_is_written(fields, target):
    policy = parse_policy(chat(fields))
    assert policy.channels == {"chat": target}
    assert parse_policy(dump_policy(policy)) == policy


def test_a_rule_is_read_with_its_line():
    policy = parse_policy(
        rule(
            "{when: {channel: chat, priority: [high, 1]}, limit: 1m, at_risk: 50%, share: 95%}\n"
            "  - {when: {tier: 'gold, silver'}, hours: office}\n"
            "  - {when: {team: a}, targets: [50% within 30s, 90% within 1m], hours: always}"
        )
    )
    one, two, three = policy.rules
    when = {"channel": ("chat",), "priority": ("high", "1")}
    assert one == Rule(when, MINUTE, 30 * SECOND, 0.95)
    assert two == Rule({"tier": ("gold, silver",)}, hours="office")
    goals = (Goal(30 * SECOND, 0.5), Goal(MINUTE, 0.9))
    assert three == Rule({"team": ("a",)}, MINUTE, None, 0.9, goals, "always")
    assert [each.line for each in policy.rules] == [6, 7, 8]
    assert policy.lines == {"chat": 4}
    assert parse_policy(dump_policy(policy)) == policy


@given(rule_sets(), st.data())
def test_any_rules_written_read_back_the_same(rules, data):
    distinct = {tuple(sorted(each.when.items())): each for each in rules}
    channels = {name: Target(MINUTE, 2 * MINUTE) for name in ("chat", "email", "phone")}
    shifts = Calendar("UTC", (((0, HOUR),),) * 7, name="shifts")
    policy = Policy(channels, calendars={"shifts": shifts}, rules=tuple(distinct.values()))
    assert parse_policy(dump_policy(policy)) == policy


def test_goals_that_make_no_sense_cannot_be_made():
    for goals in ((Goal(1, 0.5), Goal(9, 0.8)), (Goal(9, 0.5), Goal(9, 0.9))):
        with pytest.raises(PolicyError):
            Target(5, 9, 0.9, goals)


def test_the_other_clocks_of_a_channel_have_promises_of_their_own():
    policy = parse_policy(
        f"{OFFICE}channels:\n"
        "  chat: {limit: 2m, next_reply: {limit: 5m, at_risk: 50%}}\n"
        "  email:\n"
        "    limit: 24h\n"
        "    next_reply: {limit: 8h, hours: office}\n"
        "    resolution: {targets: [50% within 1d, 90% within 3d], pause: waiting_for_customer}\n"
        "teams: [billing]\n"
    )
    days = 24 * HOUR
    goals = (Goal(days, 0.5), Goal(3 * days, 0.9))
    assert policy.clocks == {
        "next_reply": Policy(
            {
                "chat": Target(150 * SECOND, 5 * MINUTE),
                "email": Target(8 * HOUR * 4 // 5, 8 * HOUR, calendar=CALENDAR),
            },
            teams=("billing",),
        ),
        "resolution": Policy(
            {"email": Target(3 * days * 4 // 5, 3 * days, 0.9, goals, pauses=True)},
            teams=("billing",),
        ),
    }
    assert parse_policy(dump_policy(policy)) == policy
