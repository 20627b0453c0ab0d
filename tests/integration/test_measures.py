"""The optional topics: made by a command, read beside the tickets, kept through a restart."""

import json
import time

from tests.support.clock import iso
from tests.support.kafka import producing, read_all
from tests.support.program import Run, run_command

MEASURES = ("survey-answered", "customer-changed")


async def create(bootstrap, *others):
    options = [option for name in others for option in ("--with", name)]
    code, out, err = await run_command(
        *("topics", "create", "--broker", bootstrap, "--partitions", "4", "--json"), *options
    )
    assert code == 0, err
    return json.loads(out)["created"]


async def send_all(send, now):
    """Send five tickets of four customers, four answers and seven customers of whom two leave."""
    for number, channel in enumerate(("chat", "chat", "email", "chat", "phone")):
        ticket_id = f"T-{number}"
        created = {"ticket_id": ticket_id, "channel": channel, "created_at": iso(now)}
        await send("ticket-created", ticket_id, created | {"customer_id": f"c{number % 4}"})
    for number, score in enumerate((5, 4, 1, 5)):
        survey = {"survey_id": f"S-{number}", "ticket_id": f"T-{number}", "kind": "csat"}
        survey |= {"score": score, "answered_at": iso(now)}
        await send("survey-answered", survey["ticket_id"], survey)
    for number in range(7):
        change = {"customer_id": f"c{number}", "change": "joined", "at": iso(now - 40 * 86_400)}
        await send("customer-changed", change["customer_id"], change)
        if number < 2:
            change = {"customer_id": f"c{number}", "change": "left", "at": iso(now)}
            await send("customer-changed", change["customer_id"], change)


def shown(scrape):
    day = {"window": "24h"}
    return {
        "satisfied": scrape.sum("sla_survey_answers_total", answer="satisfied"),
        "csat": [scrape.get("sla_window_csat_ratio", channel=c, **day) for c in ("chat", "email")],
        "customers": scrape.get("sla_window_customers_overall", kind="all", **day),
        "omnichannel": scrape.get("sla_window_customers_overall", kind="omnichannel", **day),
        "on chat": scrape.get("sla_window_customers", channel="chat", **day),
        "base": scrape.get("sla_customers"),
        "churn": scrape.get("sla_window_customer_churn_ratio", **day),
        "joined": scrape.sum("sla_customer_changes_total", change="joined"),
        "surveys read": scrape.sum("sla_records_total", topic="survey-answered", outcome="ok"),
        "changes read": scrape.sum("sla_records_total", topic="customer-changed", outcome="ok"),
    }


EXPECTED = {
    "satisfied": 3,
    "csat": [1.0, 0.0],
    "customers": 4,
    "omnichannel": 1,
    "on chat": 3,
    "base": 5,
    "churn": 2 / 7,
    "joined": 7,
    "surveys read": 4,
    "changes read": 9,
}


async def test_surveys_and_customers_are_counted_once_through_a_restart_and_a_repeat(broker):
    bootstrap = broker.bootstrap
    assert set(MEASURES) <= set(await create(bootstrap, *MEASURES))
    now = time.time()
    async with producing(bootstrap) as send:
        await send_all(send, now)
        async with Run(bootstrap) as run:
            await run.until(lambda scrape: shown(scrape) == EXPECTED)
            assert (await run.stop())[0] == 0
        async with Run(bootstrap) as run:
            await run.until(lambda scrape: shown(scrape) == EXPECTED)
            await send_all(send, now)
            again = EXPECTED | {"surveys read": 8, "changes read": 18}
            await run.until(lambda scrape: shown(scrape) == again)
            await run.stop()
    assert await read_all(bootstrap, "sla-dead-letters") == []


async def test_a_topic_that_is_made_later_is_read_from_the_next_start_on(broker):
    bootstrap = broker.bootstrap
    assert not set(MEASURES) & set(await create(bootstrap))
    async with Run(bootstrap) as run:
        await run.until(lambda scrape: scrape.get("sla_caught_up") == 1)
        await run.stop()
    assert list(await create(bootstrap, "survey-answered")) == ["survey-answered"]
    async with producing(bootstrap) as send:
        survey = {"survey_id": "S", "ticket_id": "T", "kind": "nps", "score": 10}
        survey |= {"answered_at": iso(time.time()), "channel": "chat"}
        await send("survey-answered", "T", survey)
        await send("survey-answered", "T", survey | {"survey_id": "S2", "kind": "stars"})
        async with Run(bootstrap) as run:
            labels = {"channel": "chat", "window": "1h"}
            name = "sla_window_net_promoter_score"
            await run.until(lambda scrape: scrape.get(name, **labels) == 100)
            await run.stop()
    (letter,) = await read_all(bootstrap, "sla-dead-letters")
    assert json.loads(letter.value)["survey_id"] == "S2"


async def test_a_report_from_kafka_says_what_one_from_the_file_says(broker, tmp_path):
    """But for the clock: what waits in Kafka is judged by now."""
    lines = [
        {"type": "ticket-created", "ticket_id": f"T-{n}", "channel": "chat", "customer_id": n % 3}
        | {"created_at": iso(1_769_860_800 + n)}
        for n in range(40)
    ]
    lines += [
        {"type": kind, "ticket_id": f"T-{n}", field: iso(1_769_860_800 + n + after)}
        for n in range(40)
        for kind, field, after in (
            ("agent-replied", "replied_at", 100 + n),
            ("ticket-closed", "closed_at", 300),
        )
    ]
    joined = {"type": "customer-changed", "customer_id": 1, "change": "joined"}
    lines.append(joined | {"at": iso(1_700_000_000)})
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, _, err = await run_command(
        *("replay", file, "--broker", broker.bootstrap, "--partitions", "3")
    )
    assert code == 0, err
    reports = []
    for source in ((file,), ("--broker", broker.bootstrap)):
        code, out, err = await run_command("report", *source, "--format", "json", "--per", "month")
        assert code == 0, err
        reports.append(json.loads(out))
    assert reports[0] == reports[1]
    assert reports[0]["total"][0]["created"] == 40


async def test_a_ticket_is_explained_from_kafka_by_when_its_events_came(broker):
    bootstrap = broker.bootstrap
    await create(bootstrap)
    now = time.time()
    async with producing(bootstrap) as send:
        for ticket_id in ("T-1", "T-2", "T-3"):
            created = {"ticket_id": ticket_id, "channel": "chat", "created_at": iso(now - 600)}
            await send("ticket-created", ticket_id, created)
        await send("agent-replied", "T-1", {"ticket_id": "T-1", "replied_at": iso(now - 300)})
        await send("agent-replied", "T-2", {"ticket_id": "T-2", "replied_at": "soon"})
    arguments = ("explain", "T-1", "--broker", bootstrap, "--json")
    code, out, err = await run_command(*arguments)
    assert code == 0, err
    found = json.loads(out)
    assert found["verdict"] == "Late: answered after 5 min, 3 min over its limit of 2 min."
    assert {line["what"] for line in found["timeline"]} >= {"ticket-created", "agent-replied"}
    assert all(line["read_at"] >= iso(now - 5) for line in found["timeline"] if "did" in line)
    code, out, _ = await run_command("explain", "T-2", "--broker", bootstrap)
    assert out.splitlines()[1].startswith("Late: still waiting after 10 min")
    assert "not used: agent-replied" in out
    code, _, err = await run_command("explain", "T-9", "--broker", bootstrap)
    assert code == 4
    assert 'nothing about a ticket "T-9" in partition' in err
