"""`run --policy FILE` on SIGHUP: the file is read again, and a good one is taken."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from monitor.cli.options import load_policy
from monitor.errors import SlaMonitorError
from monitor.sla.policy import Policy
from monitor.sla.policy_changes import policy_changes
from monitor.sla.policy_file import dump_policy

log = logging.getLogger(__name__)

Take = Callable[[Policy], Awaitable[None]]


def hangups() -> asyncio.Event:
    """Return what is set whenever SIGHUP comes; from now on the signal ends nothing."""
    came = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, came.set)
    return came


async def reloading(came: asyncio.Event, path: Path, policy: Policy, take: Take) -> None:
    """Read the file again whenever SIGHUP has come, until cancelled."""
    while True:
        await came.wait()
        came.clear()
        try:
            new = load_policy(path)
        except SlaMonitorError as error:
            first, *more = str(error).splitlines()
            rest = f" (and {len(more)} more)" if more else ""
            log.error("the policy in force stays: %s%s", first, rest)  # noqa: TRY400 - a sentence
            continue
        if new == policy:
            log.info("%s says what is in force already", path)
        elif await take_policy(take, new):
            for change in policy_changes(dump_policy(policy), dump_policy(new)):
                log.info("new policy: %s", change)
            policy = new


async def take_policy(take: Take, policy: Policy) -> bool:
    """Have a policy taken; tell whether it was, and say why not."""
    try:
        await take(policy)
    except SlaMonitorError as error:
        log.error("the policy in force stays: %s", error)  # noqa: TRY400 - a sentence for people
        return False
    return True
