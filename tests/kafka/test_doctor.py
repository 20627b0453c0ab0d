"""`doctor` on Apache Kafka: all well, and each thing that is wrong with its sentence and code."""

import asyncio
import json
import shutil

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monitor.streaming.doctor.asking import examine
from monitor.streaming.settings import Settings
from tests.kafka.secured import (
    DESCRIBE_CONFIGS,
    LITERAL,
    MONITOR_MAY,
    PASSWORD,
    TOPIC,
    WRITE,
    allow,
)
from tests.support.kafka import producing, read_all
from tests.support.program import COMMAND, ROOT, Run, run_command

OUTPUTS = ["sla-monitor-tickets-changelog", "sla-breaches", "sla-dead-letters"]


async def examined(bootstrap, *options):
    """Run it; return the exit code and the checks by name."""
    code, out, err = await run_command("doctor", "--broker", bootstrap, "--json", *options)
    assert "Traceback" not in err
    told = json.loads(out)
    assert told["exit_code"] == code
    return code, {each["check"]: each for each in told["checks"]}


def states(checks, state):
    return [name for name, each in checks.items() if each["state"] == state]


async def create(bootstrap, **partitions):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = {name.replace("_", "-"): count for name, count in partitions.items()}
        await admin.create_topics([NewTopic(name, count, 1) for name, count in names.items()])
    finally:
        await admin.close()


@pytest.fixture
async def prepared(broker):
    code, _, err = await run_command(
        "topics", "create", "--broker", broker.bootstrap, "--partitions", "2"
    )
    assert code == 0, err
    return broker.bootstrap


async def test_all_is_well_in_one_line_each_and_a_running_monitor_does_not_notice(prepared):
    async with Run(prepared) as run:
        await run.until(lambda s: s.get("sla_caught_up") == 1)
        async with producing(prepared) as send:
            for topic in ("ticket-created", "agent-replied"):
                await send(topic, "T-1", b"{}")
        before = await run.until(
            lambda s: s.sum("sla_records_total", topic="agent-replied", outcome="dead_letter") == 1
        )
        records = [len(await read_all(prepared, topic)) for topic in OUTPUTS]
        log = len(run.log)
        code, out, err = await run_command("doctor", "--broker", prepared)
        assert (code, err) == (0, "")
        assert [line[:6] for line in out.splitlines()] == ["ok    "] * 16
        assert "1 ticket has all events in one partition number, among the newest 2 events" in out
        assert "sla-monitor: 1 member now" in out
        assert "this host and the broker agree to within" in out

        # Nothing was written, nobody was fenced, and no partition moved.
        assert [len(await read_all(prepared, topic)) for topic in OUTPUTS] == records
        async with producing(prepared) as send:
            await send("ticket-created", "T-2", b"{}")
        await run.until(
            lambda s: s.sum("sla_records_total", topic="ticket-created", outcome="dead_letter") == 2
        )
        assert before.get("sla_caught_up") == 1
        assert run.log[log:] == []
        assert (await run.stop())[0] == 0


async def test_a_broker_that_is_away_is_3_with_what_can_be_told_without_it():
    code, checks = await examined("127.0.0.1:1", "--connect-timeout", "0")
    assert code == 3
    assert states(checks, "fail") == ["broker"]
    assert checks["broker"]["found"] == "no Kafka broker answers at 127.0.0.1:1"
    assert checks["broker"]["mend"] == "check --broker, and that the broker runs"
    assert states(checks, "ok") == ["packages", "policy"]


async def test_topics_that_are_missing_are_named_with_the_command_that_makes_them(broker):
    code, checks = await examined(broker.bootstrap)
    assert code == 1
    assert states(checks, "fail") == ["input topics"]
    assert checks["input topics"]["found"] == (
        f"ticket-created, agent-replied are not on {broker.bootstrap}"
    )
    assert (
        f"sla-monitor topics create --broker {broker.bootstrap}" in checks["input topics"]["mend"]
    )
    # Being asked what it would create, it has created nothing.
    assert (await examined(broker.bootstrap))[1] == checks


async def test_unequal_partitions_and_tickets_that_part_are_found_with_a_bad_policy(
    broker, tmp_path
):
    await create(broker.bootstrap, ticket_created=2, agent_replied=3)
    async with producing(broker.bootstrap) as send:
        for n in range(8):
            for topic in ("ticket-created", "agent-replied"):
                await send(topic, f"T-{n}", b"{}")
    policy = tmp_path / "policy.yaml"
    policy.write_text("channels:\n  chat: {at_risk: 3m, limit: 2m}\n")
    code, checks = await examined(broker.bootstrap, "--policy", policy)
    assert code == 4
    assert states(checks, "fail") == ["policy", "partitions", "keys"]
    assert f"{policy}:2: " in checks["policy"]["found"]
    found = checks["partitions"]["found"]
    assert found.startswith("the input topics differ, ticket-created has 2, agent-replied has 3")
    assert "its events never meet" in checks["keys"]["found"]


async def test_topics_of_the_wrong_kind_are_found_with_what_to_set(broker):
    changelog = Settings("").changelog.replace("-", "_")
    await create(broker.bootstrap, ticket_created=2, agent_replied=2, **{changelog: 4})
    code, checks = await examined(broker.bootstrap)
    assert code == 1
    assert states(checks, "fail") == ["changelog"]
    assert "has 4 partitions, the input topics have 2" in checks["changelog"]["found"]
    code, checks = await examined(broker.bootstrap, "--app-id", "other")
    assert (code, states(checks, "fail")) == (0, [])


async def test_a_clock_five_minutes_ahead_is_found(prepared):
    """The program's clock is turned by libfaketime, which leaves the broker's as it is."""
    faketime = shutil.which("faketime")
    assert faketime, "faketime is missing: install the Debian package of that name"
    process = await asyncio.create_subprocess_exec(
        *(faketime, "--exclude-monotonic", "-f", "+300s"),
        *(*COMMAND, "doctor", "--broker", prepared),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 1
    (line,) = [line for line in out.decode().splitlines() if line.startswith("fail")]
    assert "this host is 300 s ahead of the broker: tickets are told early by as much" in line
    assert "NTP" in line


async def test_several_at_once_never_take_each_other_for_a_missing_right(prepared):
    found = await asyncio.gather(*(examine(Settings(prepared)) for _ in range(4)))
    trials = [each.trial for each in found]
    assert any(trial.disturbed for trial in trials)
    for trial in trials:
        assert (trial.stuck, trial.transactional_id) == ("", "")
        assert set(trial.writes.values()) <= {""}
        assert not trial.group


@pytest.fixture
def as_user(tmp_path, secured):
    secured.authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def as_user(name, password=PASSWORD):
        path = tmp_path / f"{name}.properties"
        path.write_text(
            f"security.protocol=SASL_SSL\nssl.ca.location={tmp_path}/ca.pem\n"
            f"sasl.mechanism=SCRAM-SHA-512\nsasl.username={name}\nsasl.password={password}\n"
        )
        path.chmod(0o600)
        return "--kafka-config", path

    return as_user


async def test_what_a_user_may_not_do_is_said_right_by_right(secured, as_user):
    users, config = secured.at("users"), as_user("reader")
    code, checks = await examined(users, *config)
    assert code == 1
    assert states(checks, "fail") == ["input topics", "output topics", "transactions"]
    assert "this user may not see it" in checks["input topics"]["found"]

    await run_command("topics", "create", "--broker", secured.bootstrap, "--partitions", "1")
    read_only = [right for right in MONITOR_MAY if right[0] != TOPIC or right[3] != WRITE]
    await allow(secured.bootstrap, "reader", read_only)
    code, checks = await examined(users, *config)
    assert code == 1
    assert states(checks, "fail") == ["may write"]
    assert checks["may write"]["found"].startswith("this user may not write sla-monitor-tickets-ch")
    assert "(topic authorization failed)" in checks["may write"]["found"]
    assert "--allow-principal User:reader --operation Write --topic" in checks["may write"]["mend"]

    code, checks = await examined(users, *as_user("monitor"))
    assert (code, states(checks, "fail")) == (0, [])
    assert states(checks, "warn") == ["retention", "record times", "changelog"]
    topics = (*Settings("").topics.inputs, "sla-monitor-tickets-changelog")
    may_look = [(TOPIC, name, LITERAL, DESCRIBE_CONFIGS) for name in topics]
    await allow(secured.bootstrap, "monitor", may_look)
    code, checks = await examined(users, *as_user("monitor"))
    assert (code, states(checks, "ok")) == (0, list(checks))


async def test_a_password_that_is_not_taken_is_3(secured, as_user):
    code, checks = await examined(secured.at("users"), *as_user("monitor", "wrong"))
    assert code == 3
    assert "does not take user monitor with this password" in checks["broker"]["found"]
    assert checks["broker"]["mend"] == "check sasl.username and sasl.password"
