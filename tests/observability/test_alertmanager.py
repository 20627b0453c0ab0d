"""The shipped Alertmanager configuration: it is right, every route leads where it should, and
what it says can be read on a lock screen."""

import json

import pytest

from monitor.observability.rules import Links, rule_groups
from monitor.observability.rules.model import Alert
from monitor.sla.policy import DEFAULT_POLICY
from tests.observability.tools import ALERTMANAGER, load, run

CONFIG = ALERTMANAGER / "alertmanager.yml"

ROUTES = [
    ("leads", "alertname=Unheard"),
    ("deadman", "alertname=Watchdog audience=monitor severity=none"),
    ("monitor-team", "alertname=MonitorDown audience=monitor severity=critical"),
    ("monitor-team", "alertname=MonitorStalled audience=monitor severity=critical"),
    ("monitor-team", "alertname=PartitionUnserved audience=monitor severity=critical"),
    ("monitor-team-later", "alertname=MonitorBehind audience=monitor severity=warning"),
    ("monitor-team-later", "alertname=DeadLetters audience=monitor severity=warning"),
    ("planning", "alertname=ServiceLevelBurnSlow audience=support pace=minutes channel=chat"),
    ("planning", "alertname=BacklogGrowing audience=support pace=days channel=email"),
    ("leads-phone", "alertname=FirstResponseBreached audience=support pace=minutes channel=phone"),
    ("leads-chat", "alertname=FirstResponseAtRisk audience=support pace=minutes channel=chat"),
    ("leads-chat", "alertname=ServiceLevelBurnFast audience=support pace=minutes channel=chat"),
    (
        "leads-chat",
        "alertname=FirstResponseBreached audience=support pace=minutes channel=chat team=other",
    ),
    (
        "leads-billing",
        "alertname=FirstResponseBreached audience=support pace=minutes channel=chat team=billing",
    ),
    ("leads", "alertname=FirstResponseBreached audience=support pace=minutes channel=sms"),
    ("leads-social", "alertname=FirstResponseBreached audience=support pace=hours channel=social"),
    (
        "leads-billing",
        "alertname=FirstResponseAtRisk audience=support pace=hours channel=social team=billing",
    ),
    ("leads-email", "alertname=FirstResponseBreached audience=support pace=days channel=email"),
    (
        "leads-email",
        "alertname=FirstResponseAtRisk audience=support pace=days channel=email team=billing",
    ),
]


async def test_amtool_has_nothing_to_say_of_the_configuration():
    code, said = await run("amtool", "check-config", CONFIG)
    assert code == 0, said
    assert f"{len(load(CONFIG)['receivers'])} receivers" in said


@pytest.mark.parametrize(("receiver", "labels"), ROUTES)
async def test_every_route_leads_to_its_receiver(receiver, labels):
    code, said = await run(
        *("amtool", "config", "routes", "test", f"--config.file={CONFIG}"),
        *(f"--verify.receivers={receiver}", *labels.split()),
    )
    assert code == 0, said


def test_every_receiver_has_a_route_that_is_tested():
    assert {receiver for receiver, _ in ROUTES} == {r["name"] for r in load(CONFIG)["receivers"]}


@pytest.mark.parametrize("alert", ["FirstResponseAtRisk", "FirstResponseBreached"])
async def test_the_alerts_of_the_default_policy_reach_the_leads_of_their_channel(alert):
    rules = [rule for group in rule_groups(DEFAULT_POLICY, Links()) for rule in group.rules]
    found = {}
    for rule in (rule for rule in rules if isinstance(rule, Alert) and rule.name == alert):
        labels = {"alertname": rule.name} | rule.as_data()["labels"]
        given = [f"{name}={value}" for name, value in labels.items()]
        _, said = await run("amtool", "config", "routes", "test", f"--config.file={CONFIG}", *given)
        found[labels["channel"]] = said.split()[-1]
    assert found == {channel: f"leads-{channel}" for channel in DEFAULT_POLICY.channels}


def test_phone_and_chat_are_told_within_ten_seconds_and_often_and_email_is_not():
    by_matcher = {route["matchers"][0]: route for route in load(CONFIG)["route"]["routes"]}
    fast, slow = by_matcher['pace="minutes"'], by_matcher['pace="days"']
    assert (fast["group_wait"], fast["group_interval"]) == ("200ms", "10s")
    assert fast["repeat_interval"] == "5m"
    assert (slow["group_wait"], slow["repeat_interval"]) == ("5m", "12h")


SECRETS = {
    *("api_url", "routing_key", "service_key", "smtp_auth_password", "auth_password"),
    *("credentials", "password", "bearer_token", "client_secret"),
}


def test_no_secret_is_in_the_file():
    assert not SECRETS & set(keys(load(CONFIG)))


def keys(node):
    """Yield every key of a file, however deep."""
    if isinstance(node, dict):
        yield from node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from keys(value)


def alert(status="firing", **labels):
    return {
        "status": status,
        "labels": {
            "alertname": "FirstResponseBreached",
            "channel": "chat",
            "severity": "critical",
            **labels,
        },
        "annotations": {
            "summary": "chat: 3 tickets past the 2 min limit, the longest for 3m 20s",
            "description": "3 tickets in chat still unanswered after 2 min. Call for <help>.",
            "runbook_url": "https://example.org/runbook",
            "dashboard_url": "https://example.org/d/sla-channel",
        },
        "startsAt": "2026-01-31T12:00:00Z",
        "endsAt": "2026-01-31T12:05:06Z",
    }


@pytest.fixture
def render(tmp_path):
    async def rendered(name, *alerts, kind="text"):
        firing = any(each["status"] == "firing" for each in alerts)
        data = {
            "receiver": "leads",
            "status": "firing" if firing else "resolved",
            "alerts": alerts,
            "groupLabels": {},
            "commonLabels": alerts[0]["labels"],
            "commonAnnotations": {},
            "externalURL": "",
        }
        path = tmp_path / "data.json"
        path.write_text(json.dumps(data))
        code, said = await run(
            *("amtool", "template", "render", f"--template.data={path}"),
            *(f"--template.glob={ALERTMANAGER}/templates/*.tmpl", f"--template.type={kind}"),
            f'--template.text={{{{ template "{name}" . }}}}',
        )
        assert code == 0, said
        return said.strip()

    return rendered


async def test_the_first_line_says_it_all(render):
    said = await render("sla.title", alert())
    assert said == "!! chat: 3 tickets past the 2 min limit, the longest for 3m 20s"
    assert len(said) < 80


async def test_a_group_is_one_line_too(render):
    assert (await render("sla.title", alert(), alert())).endswith("3m 20s (and 1 more)")


async def test_the_text_says_what_to_do_and_where_to_look(render):
    assert (await render("sla.text", alert())).splitlines() == [
        "3 tickets in chat still unanswered after 2 min. Call for <help>.",
        "Wall and figures: https://example.org/d/sla-channel",
        "What to do: https://example.org/runbook",
    ]


async def test_the_end_is_told_as_an_end(render):
    over = alert("resolved", team="billing")
    assert await render("sla.title", over) == (
        "Over: chat (billing): nobody waits past the limit any more"
    )
    assert (await render("sla.text", over)).endswith("since 12:05:06 UTC.")


async def test_the_mail_is_html_with_everything_escaped(render):
    said = await render("sla.html", alert(), kind="html")
    assert "Call for &lt;help&gt;." in said
    assert '<a href="https://example.org/runbook">' in said
