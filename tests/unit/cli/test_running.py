"""Commands end, whatever a client does that was left to itself while it closed."""

import subprocess
import sys

STUBBORN = """\
import asyncio
from monitor.cli.running import run_to_end
from monitor.streaming.tasks import at_most, end

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def main():
    print(await at_most(0.05, stubborn()), flush=True)
    {more}
    return 7

raise SystemExit(run_to_end(main()))
"""


def run(more="pass"):
    return subprocess.run(
        [sys.executable, "-c", STUBBORN.format(more=more)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_what_swallows_its_cancellation_is_left_behind():
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (7, "False\n", "")


def test_a_task_that_cannot_be_ended_is_not_waited_for_for_ever():
    done = run("await end([asyncio.create_task(stubborn())])")
    assert (done.returncode, done.stdout, done.stderr) == (7, "False\n", "")
