"""The dashboards: current, complete, and right for any number of hosts and teams."""

import re
from itertools import combinations

import pytest

from monitor.cli.dashboards import RUNBOOK
from monitor.observability.dashboards import render
from monitor.sla.clocked import ClockedEngine
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy, Target
from monitor.sla.policy_file import parse_policy
from tests.support.boards import COMMITTED, boards, queries
from tests.unit.observability.test_metrics import shown

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing", "technical"))
HOSTILE = Policy({'we"b, \\chat': Target(SECOND, 2 * SECOND)})
MANY = Policy({f"channel{n}": Target(SECOND, 2 * SECOND) for n in range(9)})
TALKS = parse_policy(
    """
channels:
  chat:  {limit: 2m, next_reply: {limit: 3m}}
  email: {limit: 24h, next_reply: {limit: 8h}, resolution: {limit: 3d}}
teams: [billing]
"""
)
POLICIES = {
    "default": DEFAULT_POLICY,
    "teams": TEAMS,
    "hostile": HOSTILE,
    "many": MANY,
    "other clocks": TALKS,
}

every_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


def test_the_committed_files_are_current():
    text = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.glob("*.json")}
    assert text == render(DEFAULT_POLICY, RUNBOOK), "run: sla-monitor dashboards"


@every_policy
def test_every_panel_says_what_it_shows_in_which_unit_and_what_no_data_means(policy):
    for name, board in boards(policy).items():
        for panel in board["panels"]:
            defaults = panel["fieldConfig"]["defaults"]
            where = f"{name}: {panel['title']}"
            assert panel["title"] or panel["options"]["textMode"] == "name", where
            assert len(panel["description"]) > 20, where
            assert defaults["unit"], where
            assert defaults["noValue"], where
            assert defaults["thresholds"]["steps"][0]["value"] is None, where
            assert panel["targets"], where


@every_policy
def test_panels_lie_side_by_side_on_the_grid(policy):
    for board in boards(policy).values():
        cells = [panel["gridPos"] for panel in board["panels"]]
        assert all(cell["x"] + cell["w"] <= 24 for cell in cells)
        assert not [pair for pair in combinations(cells, 2) if overlap(*pair)]
        numbers = [panel["id"] for panel in board["panels"]]
        assert sorted(set(numbers)) == numbers


def overlap(one, other):
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


@every_policy
def test_every_query_adds_up_over_hosts_partitions_and_teams(policy):
    """So it is right with any number of them: each selector is inside an aggregation."""
    inside = re.compile(
        r"(sum|min|max|avg|count) ?(by \([^)]*\) )?\((rate\(|increase\()?sla_\w+(\{[^}]*\})?"
    )
    for board, panel, expression in queries(boards(policy)):
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
        assert len(inside.findall(bare)) == len(re.findall(r"\bsla_\w+", bare)), (
            board,
            panel,
            bare,
        )


@pytest.mark.parametrize("formula", Formula)
def test_the_channel_shows_the_service_level_by_every_formula_and_says_which_is_the_policys(
    formula,
):
    """Each of sums, for ratios of hosts and teams cannot be added up."""
    policy = Policy(DEFAULT_POLICY.channels, formula)
    assert not [q for q in queries(boards(policy)) if "service_level_ratio" in q.expression]
    (panel,) = [
        panel
        for panel in boards(policy)["channel.json"]["panels"]
        if "every formula" in panel["title"]
    ]
    names = [target["legendFormat"] for target in panel["targets"]]
    expected = [f"{each} (the policy's)" if each is formula else each for each in Formula]
    assert names == expected


def test_of_what_every_host_tells_of_all_hosts_the_greatest_is_shown():
    unserved = [q for q in queries(boards(DEFAULT_POLICY)) if "partitions_unserved" in q.expression]
    assert [(q.board, q.expression) for q in unserved] == [
        ("health.json", "max(sla_partitions_unserved)")
    ]


@every_policy
def test_the_wall_has_a_column_for_every_channel_with_the_thresholds_that_are_in_force(policy):
    waits = [
        panel for panel in boards(policy)["wall.json"]["panels"] if "longest" in panel["title"]
    ]
    assert len(waits) == len(policy.channels)
    for (channel, target), panel in zip(policy.channels.items(), waits, strict=True):
        assert panel["title"].startswith(channel)
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        in_force = [target.at_risk / SECOND, target.limit / SECOND]
        assert [step["value"] for step in steps] == [None, *in_force]
        assert panel["fieldConfig"]["defaults"]["max"] == in_force[1]


def test_teams_can_be_chosen_where_the_policy_names_them():
    for name, board in boards(TEAMS).items():
        variables = {each["name"]: each for each in board["templating"]["list"]}
        assert ("team" in variables) == (name != "health.json")
        if "team" in variables:
            shown = [option["value"] for option in variables["team"]["options"]]
            assert shown == ["billing", "technical", "other"]
    tickets = [q for q in queries(boards(TEAMS)) if "sla_tickets_" in q.expression]
    assert tickets
    assert all('team=~".*"' in q.expression for q in tickets)
    assert not [q for q in queries(boards(DEFAULT_POLICY)) if "team" in q.expression]


def test_dashboards_lead_to_each_other_and_to_the_runbook():
    every = boards(DEFAULT_POLICY)
    uids = {board["uid"] for board in every.values()}
    for board in every.values():
        urls = [link["url"] for link in board["links"]]
        assert {f"/d/{uid}" for uid in uids - {board["uid"]}} < set(urls)
        assert f"{RUNBOOK}/README.md" in urls
    states = [panel for panel in every["wall.json"]["panels"] if panel["title"].endswith(": now")]
    assert [panel["fieldConfig"]["defaults"]["links"][0]["url"] for panel in states] == [
        f"/d/sla-channel?var-channel={channel}&${{__url_time_range}}"
        for channel in DEFAULT_POLICY.channels
    ]


def test_breaches_are_marked_on_the_channels_charts():
    notes = boards(DEFAULT_POLICY)["channel.json"]["annotations"]["list"]
    assert [note["name"] for note in notes] == ["Breaches"]
    assert 'kind="breached"' in notes[0]["target"]["expr"]


def test_other_clocks_are_on_the_channel_dashboard_of_a_policy_that_has_them():
    of_plain, of_talks = (
        {q.panel for q in queries(boards(policy)) if q.board == "channel.json"}
        for policy in (DEFAULT_POLICY, TALKS)
    )
    new = of_talks - of_plain
    assert of_plain <= of_talks
    for clock in ("Next reply", "Resolution"):
        mine = [title for title in new if title.startswith(f"{clock}: ")]
        assert len(mine) == 6
        new -= set(mine)
    assert not new


def test_what_is_asked_of_another_clock_is_there_to_be_asked():
    shown_names = {
        sample.name for family in shown(TALKS, [ClockedEngine(TALKS)]) for sample in family.samples
    }
    asked = [q for q in queries(boards(TALKS)) if q.panel.startswith(("Next reply", "Resolution"))]
    names = {name for q in asked for name in re.findall(r"\bsla_\w+", q.expression)}
    assert names <= shown_names
    assert all("next_rep" in name or "resolution" in name for name in names)
