"""TLS and SASL on Apache Kafka: the whole way through each, and each way in which it goes wrong."""

import asyncio
import json
import time

import pytest
import trustme

from monitor.streaming.client_properties import read_client_properties
from monitor.streaming.refusal import why_not
from monitor.streaming.settings import Settings
from tests.kafka.secured import NOWHERE, PASSWORD
from tests.support.clock import iso
from tests.support.kafka import read_all
from tests.support.program import Run, run_command

QUICK = "channels:\n  chat: {at_risk: 2s, limit: 3s}\n"


@pytest.fixture
def files(secured, tmp_path):
    """Write a file of client properties and return its path; `{ca}` and the like are filled in."""
    authority, stranger = secured.authority, trustme.CA()
    names = {"ca": authority.cert_pem, "other_ca": stranger.cert_pem}
    for who, issuer in (("operator", authority), ("stranger", stranger)):
        leaf = issuer.issue_cert(f"{who}@example.org", common_name=who)
        names[who] = leaf.private_key_and_cert_chain_pem
    paths = {name: tmp_path / f"{name}.pem" for name in names}
    for name, path in paths.items():
        names[name].write_to_path(path)
        path.chmod(0o600)

    def write(text, name="client"):
        path = tmp_path / f"{name}.properties"
        path.write_text(text.format(**paths, password=PASSWORD))
        path.chmod(0o600)
        return path

    return write


TLS = "security.protocol=SSL\nssl.ca.location={ca}\n"
WITH_CERTIFICATE = f"{TLS}ssl.keystore.location={{operator}}\n"
SCRAM = (
    "security.protocol=SASL_SSL\nssl.ca.location={ca}\nsasl.mechanism=SCRAM-SHA-512\n"
    "sasl.username=monitor\nsasl.password={password}\n"
)
PLAIN = (
    "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=\\\n"
    " org.apache.kafka.common.security.plain.PlainLoginModule required \\\n"
    ' username="operator" password="plain";\n'
)


async def sends_and_sees(broker, kafka, producing, tmp_path, *options):
    """Replay a ticket nobody answers, and see it breach in the metrics and in `tail`."""
    policy, history = tmp_path / "quick.yaml", tmp_path / "one.jsonl"
    policy.write_text(QUICK)
    async with Run(broker, *kafka, "--policy", policy, *options) as run:
        await run.until(lambda s: s.get("sla_caught_up") == 1)
        event = {"type": "ticket-created", "ticket_id": "T-1", "channel": "chat"}
        history.write_text(json.dumps({**event, "created_at": iso(time.time())}))
        code, _, err = await run_command("replay", history, "--broker", broker, *producing)
        assert code == 0, err
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 1)
        assert (await run.stop())[0] == 0
    assert PASSWORD not in "".join(run.log)
    code, out, err = await run_command("tail", "--broker", broker, *kafka, "--no-follow", "--json")
    assert code == 0, err
    kinds = [json.loads(line)["type"].rpartition(".")[2] for line in out.splitlines()]
    assert kinds == ["at_risk", "breached"]


async def test_everything_goes_over_tls_with_a_certificate_by_several_workers(
    secured, files, tmp_path
):
    kafka = ("--kafka-config", files(WITH_CERTIFICATE))
    broker = secured.at("tls")
    code, _, err = await run_command(
        "topics", "create", "--broker", broker, *kafka, "--partitions", "2"
    )
    assert (code, err) == (0, "")
    await sends_and_sees(broker, kafka, kafka, tmp_path, "--workers", "2")
    assert await read_all(secured.bootstrap, "sla-channel-stats")


async def test_everything_goes_over_sasl_with_no_more_rights_than_the_monitor_needs(
    secured, files, tmp_path, monkeypatch
):
    code, _, err = await run_command("topics", "create", "--broker", secured.bootstrap)
    assert code == 0, err
    monkeypatch.setenv("SLA_MONITOR_KAFKA_CONFIG", str(files(SCRAM)))
    # Who sends tickets is another user: the monitor has no right to write them.
    producing = ("--kafka-config", files(SCRAM.replace("=monitor", "=operator"), "producer"))
    await sends_and_sees(secured.at("users"), (), producing, tmp_path, "--verbose")


async def test_made_up_traffic_goes_over_sasl_without_tls_and_that_is_warned_of(secured, files):
    kafka = ("--broker", secured.at("clear"), "--kafka-config", files(PLAIN))
    code, _, err = await run_command("topics", "create", *kafka, "--partitions", "1")
    assert code == 0
    assert "warning: the password goes over the network unencrypted" in err
    sending = asyncio.create_task(run_command("traffic", *kafka))
    async with asyncio.timeout(30):
        while not await read_all(secured.bootstrap, "ticket-created"):
            assert not sending.done()
            await asyncio.sleep(0.2)
    sending.cancel()
    await asyncio.wait([sending])


@pytest.mark.parametrize(
    ("listener", "text", "said"),
    [
        ("users", SCRAM.replace("{password}", "wrong"), "does not take user monitor with this"),
        ("clear", PLAIN.replace('"plain"', '"wrong"'), "does not take user operator with this"),
        ("users", SCRAM.replace("{ca}", "{other_ca}"), "has a certificate that is not trusted"),
        ("users", SCRAM.replace("SCRAM-SHA-512", "PLAIN"), "does not offer PLAIN; set sasl.mech"),
        ("users", TLS, "asks for a user; set security.protocol=SASL_SSL"),
        ("users", "", "speaks TLS only; set security.protocol=SSL or SASL_SSL"),
        ("clear", "", "asks for a user; set security.protocol=SASL_PLAINTEXT"),
        ("tls", "", "speaks TLS only; set security.protocol=SSL or SASL_SSL"),
        ("tls", TLS, "if it asks for a certificate of ours, name it and its key in"),
        ("tls", f"{TLS}ssl.keystore.location={{stranger}}", "does not take our certificate"),
        (
            "tls",
            f"{WITH_CERTIFICATE}{SCRAM}".replace(TLS, "", 1),
            "asks for no user at this port; set security.protocol=SSL",
        ),
        ("unsafe", TLS, "does not speak TLS; set security.protocol=PLAINTEXT"),
        (
            "unsafe",
            SCRAM.replace("SASL_SSL\nssl.ca.location={ca}", "SASL_PLAINTEXT"),
            "asks for no user at this port; set security.protocol=PLAINTEXT",
        ),
    ],
)
async def test_why_a_broker_cannot_be_used_is_said_in_a_sentence(
    secured, files, listener, text, said
):
    address = secured.bootstrap if listener == "unsafe" else secured.at(listener)
    security, _ = read_client_properties(files(text))
    reason = await why_not(Settings(address, security=security))
    assert reason.exit_code == 3
    assert str(reason).startswith(f"the broker at {address} ")
    assert said in str(reason)


async def test_a_certificate_for_another_name_is_said(secured, files):
    security, _ = read_client_properties(files(SCRAM))
    reason = await why_not(Settings(secured.at("users", "localhost"), security=security))
    assert "has a certificate that is not for localhost" in str(reason)


async def test_a_broker_that_calls_itself_by_an_address_where_nobody_is_is_told_of(secured):
    lost = secured.at("lost")
    code, out, err = await run_command("tail", "--broker", lost, "--connect-timeout", "0")
    assert (code, out) == (3, "")
    assert err == (
        f"sla-monitor: {lost} leads to {NOWHERE}, and no Kafka broker answers at {NOWHERE}; "
        "check the broker's advertised.listeners, and that it runs\n"
    )


@pytest.mark.parametrize("command", [("run", "--web-port", "0"), ("tail",), ("traffic",)])
async def test_a_wrong_password_ends_a_command_at_once_with_3_and_one_sentence(
    secured, files, command
):
    config = files(SCRAM.replace("{password}", "wrong-and-secret"))
    code, out, err = await run_command(
        *(*command, "--broker", secured.at("users"), "--kafka-config", config),
        *("--connect-timeout", "600"),  # which is for a broker that may come yet
        timeout=60,
    )
    assert (code, out) == (3, "")
    assert err == (
        f"sla-monitor: the broker at {secured.at('users')} does not take user monitor with this "
        "password (SCRAM-SHA-512); check sasl.username and sasl.password\n"
    )


async def test_a_file_that_is_wrong_ends_a_command_with_4_and_the_line(secured, files):
    config = files(SCRAM.replace("sasl.password", "sasl.pasword"))
    code, out, err = await run_command(
        "tail", "--broker", secured.at("users"), "--kafka-config", config
    )
    assert (code, out) == (4, "")
    assert f"{config}:5: sasl.pasword: not known; did you mean sasl.password?" in err
    assert PASSWORD not in err
