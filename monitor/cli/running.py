"""How a command that works with Kafka runs: as `asyncio.run` does, but it always ends."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from monitor.cli import INTERRUPTED

_MOMENT_SECONDS: Final = 0.3


def run_to_end(main: Coroutine[Any, Any, int]) -> int:
    """Run a command's work and return its exit code.

    `asyncio.run` cancels what is left over and waits for it. A client of aiokafka that was left to
    itself while it closed (`tasks.at_most`) may swallow that, and the process would stay for ever:
    here it gets a moment, and then the process ends without it. All that counts is committed then.
    """
    with asyncio.Runner() as runner:
        code = runner.run(main)
        if runner.run(_is_rest_gone()):
            return code
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_until_interrupted(main: Coroutine[Any, Any, None], *quietly: signal.Signals) -> int:
    """Run a command's work until it is done or Ctrl-C ends it; return the exit code.

    Of the signals in `quietly` each ends it too, with exit code 0. `asyncio.run` would cancel the
    work once, and aiokafka may swallow that: it would go on for ever.
    """
    return run_to_end(_until_interrupted(main, quietly))


async def _until_interrupted(
    main: Coroutine[Any, Any, None], quietly: Sequence[signal.Signals]
) -> int:
    from monitor.streaming.tasks import end  # noqa: PLC0415 - imports Kafka

    caught = until_signal((signal.SIGINT, *quietly))
    work = asyncio.create_task(main)
    both: set[asyncio.Future[Any]] = {work, caught}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        await work
        return 0
    await end([work])
    return INTERRUPTED if caught.result() is signal.SIGINT else 0


def until_signal(signals: Sequence[signal.Signals]) -> "asyncio.Future[signal.Signals]":
    """Return a future that is done when one of these signals comes."""
    loop = asyncio.get_running_loop()
    caught: asyncio.Future[signal.Signals] = loop.create_future()

    def catch(which: signal.Signals) -> None:
        if not caught.done():
            caught.set_result(which)

    for which in signals:
        loop.add_signal_handler(which, catch, which)
    return caught


async def _is_rest_gone() -> bool:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        _, rest = await asyncio.wait(rest, timeout=_MOMENT_SECONDS)
    return not rest
