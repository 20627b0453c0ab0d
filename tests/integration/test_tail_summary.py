"""`tail --summary` on the embedded broker: the figures of all hosts, once or again and again."""

import asyncio
import itertools
import json
import time

from tests.integration.test_run import created, is_live, prepared  # noqa: F401 - a fixture among them
from tests.integration.test_tail import following
from tests.support.kafka import producing
from tests.support.program import Run, run_command

TICKETS = 30


async def summary(broker, *options):
    code, out, err = await run_command("tail", "--broker", broker.bootstrap, "--summary", *options)
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    return json.loads(line)


async def summary_when(broker, condition, *options, timeout=30):
    """Follow until a condition holds, and for who asks once it holds too; return what that saw."""
    seen = None
    try:
        async with (
            asyncio.timeout(timeout),
            following(broker, "--summary", "--follow", *options) as process,
        ):
            async for line in process.stdout:
                seen = json.loads(line)
                if condition(seen) and condition(seen := await summary(broker, *options)):
                    return seen
            raise AssertionError((await process.stderr.read()).decode())
    except TimeoutError:
        raise AssertionError(f"not within {timeout} s: {seen}") from None


async def send_tickets(broker, count=TICKETS, channel="email"):
    async with producing(broker.bootstrap) as send:
        now = time.time()
        for number in range(count):
            ticket_id = f"T-{number}"
            await send("ticket-created", ticket_id, created(ticket_id, now - 60, channel))


def waiting(seen):
    return {channel["channel"]: channel["waiting"] for channel in seen["channels"]}


async def test_it_adds_up_what_two_hosts_serve_and_says_who_serves_what(prepared):  # noqa: F811
    async with Run(prepared.bootstrap) as one, Run(prepared.bootstrap) as other:
        for run in (one, other):
            await run.until(is_live)
        await send_tickets(prepared)
        seen = await summary_when(
            prepared,
            lambda s: (
                len({part["host"] for part in s["parts"]}) == 2
                and waiting(s).get("email") == TICKETS
                and s["state"] == "live"
            ),
        )
        assert waiting(seen) == {"phone": 0, "chat": 0, "social": 0, "email": TICKETS}
        assert [part["partition"] for part in seen["parts"]] == [0, 1, 2, 3]
        assert seen["unserved"] == []
        assert all(part["served"] and part["age_seconds"] < 10 for part in seen["parts"])
        email = next(each for each in seen["channels"] if each["channel"] == "email")
        assert 55 < seen["now"] - email["oldest_waiting"] < 120
        assert email["target"]["limit_seconds"] == 86_400
        assert email["windows"]["1h"]["created"] == TICKETS
        only = await summary(prepared, "--channel", "Email")
        assert list(waiting(only)) == ["email"]
        one.process.kill()
        # The embedded broker never gives a dead member's partitions to another.
        seen = await summary_when(prepared, lambda s: s["unserved"])
        assert seen["state"] == "behind"
        gone = [part["partition"] for part in seen["parts"] if not part["served"]]
        assert gone == seen["unserved"]
        assert waiting(seen)["email"] < TICKETS
        assert (await other.stop())[0] == 0


async def test_the_policy_is_the_monitors_own(prepared, tmp_path):  # noqa: F811
    policy = tmp_path / "policy.yaml"
    policy.write_text("channels:\n  fax: {at_risk: 2h, limit: 3h}\n")
    async with Run(prepared.bootstrap, "--policy", policy) as run:
        await run.until(is_live)
        await send_tickets(prepared, 5, "fax")
        seen = await summary_when(prepared, lambda s: waiting(s) == {"fax": 5})
        assert seen["channels"][0]["target"]["limit_seconds"] == 3 * 3600
        assert (await run.stop())[0] == 0


async def test_followed_in_a_pipe_it_prints_one_object_a_second(prepared):  # noqa: F811
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        async with following(prepared, "--summary", "--follow") as process:
            seen = [json.loads(await process.stdout.readline()) for _ in range(3)]
            assert all(1 <= b["now"] - a["now"] < 5 for a, b in itertools.pairwise(seen))
        assert (await run.stop())[0] == 0


async def test_of_several_monitors_one_has_to_be_named(prepared):  # noqa: F811
    bootstrap = prepared.bootstrap
    async with Run(bootstrap, app_id="left") as left, Run(bootstrap, app_id="right") as right:
        for run in (left, right):
            await run.until(is_live)
        for app_id in ("left", "right"):
            await summary_when(prepared, lambda s: len(s["parts"]) == 4, "--app-id", app_id)
        code, out, err = await run_command("tail", "--broker", bootstrap, "--summary")
        assert (code, out) == (2, "")
        assert "left and right share this topic; name one of them with --app-id" in err
        for run in (left, right):
            assert (await run.stop())[0] == 0


async def test_where_no_monitor_ever_ran_it_says_how_to_start_one(prepared):  # noqa: F811
    code, out, err = await run_command("tail", "--broker", prepared.bootstrap, "--summary")
    assert (code, out) == (1, "")
    assert "topic sla-channel-stats is not on" in err
    assert "sla-monitor run" in err
