"""Which promise a ticket has: the cascade of rules, held against a search from scratch."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import SECOND, TicketCreated
from monitor.sla.policy import FIELDS, Goal, Policy, Rule, Target
from monitor.sla.promises import NO_PROMISE, Promises, by_group, decide, goals_of, ranked
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CHANNELS, GOALS, HOURS, LISTS, PLAIN, RULES, SHIFTS

MINUTE = 60 * SECOND
VALUES = ("", "a", "b")


def chosen(policy, channel, team="", priority="", tier=""):
    promises = Promises(policy)
    return promises.all[promises.find(channel, team, priority, tier)]


@st.composite
def rule_sets(draw):
    """Draw rules that overlap in every way."""
    values = st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=2, unique=True).map(tuple)
    when = st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from((("chat",), ("email",), ("chat", "phone"))),
            "team": values,
            "priority": values,
            "tier": values,
        },
    ).filter(bool)
    limits = st.sampled_from((None, 40 * SECOND, 60 * SECOND, 600 * SECOND))
    hours = st.sampled_from((None, None, "always", "shifts"))
    rules = st.builds(
        lambda when, limit, hours: Rule(when, limit if limit or hours else MINUTE, hours=hours),
        when,
        limits,
        hours,
    )
    return tuple(draw(st.lists(rules, max_size=6)))


@given(rule_sets(), st.sampled_from(((), ("a",))))
def test_every_kind_of_ticket_has_the_promise_that_a_search_finds(rules, teams):
    policy = Policy(CHANNELS, teams=teams, calendars={"shifts": SHIFTS}, rules=rules)
    promises = Promises(policy)
    for channel, *rest in product(CHANNELS, VALUES, VALUES, VALUES):
        ticket = TicketCreated("t", channel, 0, *rest)
        group, target = promises.all[promises.find(channel, *rest)]
        assert target == oracle.promised(policy, ticket)
        assert target == decide(policy, dict(zip(FIELDS, (channel, *rest), strict=True))).target
        assert policy.groups[group] == policy.group(channel, ticket.team)


def test_without_rules_a_promise_is_its_group_s():
    for policy in (PLAIN, HOURS, LISTS, Policy(CHANNELS, teams=("billing",))):
        promises = Promises(policy)
        assert [promise.group for promise in promises.all] == list(range(len(policy.groups)))
        assert promises.find("fax", "", "", "") == NO_PROMISE


def test_with_rules_the_channels_own_promises_come_first():
    promises = Promises(RULES).all
    own = [(index, CHANNELS[channel]) for index, (channel, _) in enumerate(RULES.groups)]
    assert [tuple(promise) for promise in promises[: len(own)]] == own
    assert len(set(promises)) == len(promises)
    assert Promises(RULES).find("fax", "", "high", "") == NO_PROMISE


def test_the_rule_that_asks_most_of_a_ticket_wins():
    assert chosen(RULES, "chat", priority="high").target.limit == 45 * SECOND
    assert chosen(RULES, "phone", priority="high").target.limit == 60 * SECOND
    assert chosen(RULES, "chat", priority="urgent").target.limit == 45 * SECOND
    assert chosen(RULES, "phone", priority="urgent").target.limit == 240 * SECOND


def test_of_rules_that_ask_as_much_the_first_wins():
    first, second = Rule({"team": ("a",)}, 60), Rule({"tier": ("a",)}, 120)
    for rules, limit in (((first, second), 60), ((second, first), 120)):
        policy = Policy({"chat": Target(1, 20)}, rules=rules)
        assert chosen(policy, "chat", team="a", tier="a").target.limit == limit


def test_limit_and_hours_are_decided_apart():
    target = chosen(RULES, "chat", team="night", priority="high").target
    assert (target.limit, target.calendar) == (45 * SECOND, SHIFTS)
    assert chosen(RULES, "phone", team="night").target.calendar is None
    assert chosen(RULES, "phone", team="billing").target.calendar == SHIFTS


def test_what_a_rule_leaves_out_is_the_channel_s_at_risk_in_proportion():
    policy = Policy(
        {"chat": Target(90 * SECOND, 120 * SECOND, 0.8, calendar=SHIFTS)},
        calendars={"shifts": SHIFTS},
        rules=(Rule({"priority": ("high",)}, 60 * SECOND),),
    )
    expected = Target(45 * SECOND, 60 * SECOND, 0.8, calendar=SHIFTS)
    assert chosen(policy, "chat", priority="high").target == expected


def test_a_limit_of_nearly_nothing_is_at_risk_after_something():
    policy = Policy({"chat": Target(1, 20)}, rules=(Rule({"tier": ("a",)}, 2),))
    assert chosen(policy, "chat", tier="a").target.at_risk == 1


def test_a_rule_s_limit_takes_the_place_of_a_list_of_targets():
    policy = Policy(
        {"chat": Target(90 * SECOND, 120 * SECOND, 0.9, GOALS)},
        rules=(Rule({"tier": ("a",)}, 60 * SECOND), Rule({"team": ("a",)}, hours="always")),
    )
    assert chosen(policy, "chat", tier="a").target.goals == ()
    assert chosen(policy, "chat", team="a").target.goals == GOALS


def test_values_that_no_rule_names_are_all_alike():
    assert chosen(RULES, "chat", "x", "y", "z") == chosen(RULES, "chat") != chosen(RULES, "phone")


def test_the_rules_that_fit_are_listed_in_the_order_in_which_they_count():
    ticket = dict(zip(FIELDS, ("chat", "night", "high", "gold"), strict=True))
    assert [RULES.rules.index(rule) for rule in ranked(RULES, ticket)] == [1, 2, 0, 3]
    won = decide(RULES, ticket)
    assert (won.limit_by, won.hours_by) == (RULES.rules[1], RULES.rules[3])


def test_the_goals_of_a_group_are_those_of_all_its_promises_each_time_once():
    (chat, *_), _, _ = LISTS.groups, None, None
    assert chat == ("chat", "")
    assert goals_of(by_group(LISTS)[0]) == GOALS
    one = Target(1, 9, 0.9, (Goal(5, 0.5), Goal(9, 0.9)))
    other = Target(1, 9, 0.8, (Goal(4, 0.5), Goal(9, 0.8)))
    assert goals_of([one, other]) == (Goal(4, 0.5), Goal(5, 0.5), Goal(9, 0.9))
