"""How a command that works with Kafka runs: as `asyncio.run` does, but it always ends."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Any, Final

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


async def _is_rest_gone() -> bool:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        _, rest = await asyncio.wait(rest, timeout=_MOMENT_SECONDS)
    return not rest
