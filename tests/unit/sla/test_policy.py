import pytest

from monitor.errors import PolicyError
from monitor.sla.events import DAY, SECOND
from monitor.sla.policy import DEFAULT_POLICY, EXPIRES_AFTER, Formula, Policy, Target
from monitor.sla.policy_file import parse_policy

DESIGN_DEFAULTS = """
channels:
  phone:  {at_risk: 2 min, limit: 4 min}
  chat:   {at_risk: 90 s, limit: 2 min}
  social: {at_risk: 48 min, limit: 1 h}
  email:  {at_risk: 19 h 12 min, limit: 24 h}
"""


def test_the_defaults_are_the_numbers_of_the_contract():
    assert parse_policy(DESIGN_DEFAULTS) == DEFAULT_POLICY


def test_the_defaults_promise_nine_of_ten_and_leave_out_who_left_early():
    assert {target.share for target in DEFAULT_POLICY.channels.values()} == {0.9}
    assert DEFAULT_POLICY.formula is Formula.ABANDON_IGNORED
    assert DEFAULT_POLICY.teams == ()


@pytest.mark.parametrize(
    ("at_risk", "limit", "share", "reason"),
    [
        (0, 2, 0.9, "at_risk"),
        (-1, 2, 0.9, "at_risk"),
        (2, 2, 0.9, "at_risk"),
        (3, 2, 0.9, "at_risk"),
        (1, EXPIRES_AFTER, 0.9, "limit"),
        (1, 2, 0.0, "share"),
        (1, 2, 1.01, "share"),
        (1, 2, float("nan"), "share"),
    ],
)
def test_a_promise_that_makes_no_sense_cannot_be_made(at_risk, limit, share, reason):
    with pytest.raises(PolicyError, match=reason):
        Target(at_risk, limit, share)


def test_a_promise_may_be_as_long_as_a_ticket_can_wait():
    assert Target(DAY, EXPIRES_AFTER - 1, 1.0).limit < EXPIRES_AFTER


def test_without_teams_every_ticket_counts_in_its_channel_alone():
    policy = Policy({"chat": Target(1, 2), "email": Target(1, 2)})
    assert policy.groups == (("chat", ""), ("email", ""))
    assert policy.group("chat", "billing") == ("chat", "")


def test_with_teams_those_not_named_count_as_other():
    policy = Policy({"chat": Target(1, 2)}, teams=("billing",))
    assert policy.groups == (("chat", "billing"), ("chat", "other"))
    assert policy.group("chat", "billing") == ("chat", "billing")
    assert policy.group("chat", "sales") == ("chat", "other")
    assert policy.group("chat", "") == ("chat", "other")


def test_a_scaled_policy_keeps_everything_but_its_times():
    kept = Formula.ANSWERED_ONLY, ("billing",)
    more = {"satisfied_from": 3, "backlog_ages": (SECOND,)}
    policy = Policy(
        {"chat": Target(90 * SECOND, 120 * SECOND, 0.8)}, *kept, short_abandon=6 * SECOND, **more
    )
    assert policy.scaled(0.5) == Policy(
        {"chat": Target(45 * SECOND, 60 * SECOND, 0.8)}, *kept, short_abandon=3 * SECOND, **more
    )
