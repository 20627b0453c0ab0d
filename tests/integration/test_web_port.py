"""The web port of the program itself: who gets in, what it warns of, what its log keeps quiet."""

import asyncio
import json

import aiohttp
import pytest

from tests.integration.test_run import prepared  # noqa: F401 - the fixture
from tests.support.program import Run, run_command

TOKEN = "0123456789abcdef-token"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


async def answers(run, path, headers=None):
    """Return the status of an answer, as soon as there is one."""
    url = f"http://127.0.0.1:{run.port}{path}"
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url, headers=headers, allow_redirects=False) as response:
                    return response.status
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("workers", [1, 2])
async def test_with_a_token_nobody_else_sees_tickets_or_metrics(prepared, token_file, workers):  # noqa: F811
    options = ("--web-token-file", token_file, "--workers", workers, "--verbose")
    async with Run(prepared.bootstrap, *options) as run:
        assert await answers(run, "/healthz") == 200
        for path in ("/", "/metrics", "/events", "/snapshot.json", "/?token=wrong-and-long-enough"):
            assert await answers(run, path) == 401
        for path in ("/metrics", "/snapshot.json"):
            assert await answers(run, path, {"Authorization": f"Bearer {TOKEN}"}) == 200
        assert await answers(run, f"/?token={TOKEN}") == 303
        await run.stop()
    log = "".join(run.log)
    assert TOKEN not in log
    assert "wrong-and-long-enough" not in log


async def test_a_port_that_others_reach_is_warned_of_in_one_line(prepared, token_file):  # noqa: F811
    for options, words in (
        ((), "asks for no password"),
        (("--web-token-file", token_file), "has no TLS"),
    ):
        async with Run(prepared.bootstrap, "--web-host", "0.0.0.0", *options) as run:
            assert await answers(run, "/healthz") == 200
            await run.stop()
        assert [words in line for line in run.log if "WARNING" in line] == [True]


async def test_every_line_is_an_object_from_the_first_to_the_error_that_ends_it(broker):
    arguments = ("--broker", broker.bootstrap, "--web-port", "0", "--web-host", "0.0.0.0")
    code, out, err = await run_command("run", *arguments, "--log-format", "json")
    assert (code, out) == (1, "")
    *_, warning, error = map(json.loads, err.splitlines())
    assert (warning["level"], "no password" in warning["message"]) == ("warning", True)
    assert (error["level"], "topics create" in error["message"]) == ("critical", True)


@pytest.mark.parametrize("command", [("run", "--broker", "localhost:1"), ("demo",)])
async def test_a_secret_that_cannot_be_used_is_wrong_usage_before_anything_starts(
    command, tmp_path
):
    short = tmp_path / "token"
    short.write_text("geheim")
    code, out, err = await run_command(*command, "--web-token-file", short)
    assert (code, out) == (2, "")
    assert "fewer than 16 characters" in err
    assert "geheim" not in err
    assert len(err.splitlines()) == 1
