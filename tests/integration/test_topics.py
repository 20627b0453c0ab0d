"""`topics create` on the embedded broker."""

import json

import pytest
from aiokafka.admin import NewTopic

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.program import run_command

ALL = {
    "ticket-created",
    "agent-replied",
    "ticket-closed",
    "sla-monitor-tickets-changelog",
    "sla-breaches",
    "sla-dead-letters",
    "sla-channel-stats",
}


async def create(broker, *options):
    return await run_command("topics", "create", "--broker", broker.bootstrap, *options)


async def test_it_creates_what_is_missing_and_leaves_what_is_there(broker):
    code, out, _ = await create(broker, "--partitions", "4", "--json")
    assert code == 0
    assert json.loads(out) == {"created": dict.fromkeys(ALL, 4), "existing": {}}

    code, out, _ = await create(broker)
    assert code == 0
    assert {tuple(line.split(maxsplit=2)[2:]) for line in out.splitlines()} == {
        (f"{name} (4 partitions)",) for name in ALL
    }
    assert all(line.startswith("already there") for line in out.splitlines())


async def test_another_number_of_partitions_is_an_error_that_creates_nothing(broker):
    await create(broker, "--partitions", "4", "--no-ticket-closed")
    code, out, err = await create(broker, "--partitions", "3")
    assert (code, out) == (1, "")
    assert "here 3, but those that are there have 4; use --partitions 4" in err
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        assert not await topics.partition_counts(admin, ["ticket-closed"])


async def test_topics_that_differ_among_themselves_are_named(broker):
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        await admin.create_topics([NewTopic("ticket-created", 2, 1)])
        await admin.create_topics([NewTopic("agent-replied", 3, 1)])
    code, _, err = await create(broker)
    assert code == 1
    assert "agent-replied has 3" in err


@pytest.mark.parametrize(("retention", "expected"), [("12h", "43200000"), ("forever", "-1")])
async def test_input_topics_keep_their_events_as_long_as_asked_for(broker, retention, expected):
    await create(broker, "--partitions", "1", "--retention", retention)
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        configs = await topics.configs(admin, ["ticket-created", "sla-breaches"])
    assert configs["ticket-created"].own["retention.ms"] == expected
    assert configs["sla-breaches"].own["retention.ms"] != expected


async def test_a_setting_is_changed_without_losing_the_others_of_the_topic(broker):
    spec = topics.TopicSpec("t", 1, {"retention.ms": "5000", "segment.ms": "7000"})
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        await topics.create(admin, [spec])
        before = (await topics.configs(admin, ["t"]))["t"]
        await topics.set_config(admin, "t", before, {"retention.ms": "-1"})
        after = (await topics.configs(admin, ["t"]))["t"]
    assert after.own == {"retention.ms": "-1", "segment.ms": "7000"}


async def test_the_changelog_is_named_for_the_application(broker):
    _, out, _ = await create(broker, "--app-id", "team-a", "--json")
    assert "team-a-tickets-changelog" in json.loads(out)["created"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--app-id", "a b"), "cannot begin a topic's name"),
        (("--retention", "7"), "has no unit"),
        (("--retention", "0s"), "too short"),
        (("--partitions", "0"), "not in the range"),
    ],
)
async def test_options_that_cannot_work_are_wrong_usage(option, said):
    code, _, err = await run_command("topics", "create", "--broker", "localhost:1", *option)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("command", [("topics", "create"), ("tail",)])
async def test_without_a_broker_it_ends_with_3_and_a_sentence(command):
    code, out, err = await run_command(
        *command, "--broker", "127.0.0.1:1", "--connect-timeout", "0"
    )
    assert (code, out) == (3, "")
    assert err == (
        "sla-monitor: no Kafka broker answers at 127.0.0.1:1; "
        "check --broker, and that the broker runs\n"
    )
