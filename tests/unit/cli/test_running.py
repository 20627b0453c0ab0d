"""Commands end, whatever a client does that was left to itself while it closed."""

import signal
import subprocess
import sys

import pytest

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


INTERRUPTED = """\
import asyncio, os, signal
from monitor.cli.running import run_until_interrupted

async def main():
    for _ in range({swallowed}):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
    await asyncio.Event().wait()

async def interrupted():
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), {signal})
    await main()

raise SystemExit(run_until_interrupted(interrupted(), signal.SIGTERM))
"""


@pytest.mark.parametrize("swallowed", [0, 1, 2, 1000])
@pytest.mark.parametrize(("which", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_though_the_cancellation_be_swallowed(swallowed, which, code):
    text = INTERRUPTED.format(swallowed=swallowed, signal=int(which))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
