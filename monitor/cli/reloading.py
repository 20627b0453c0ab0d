"""`run` on SIGHUP: the files of its policies are read again, and good ones are taken."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from monitor.cli.options import load_policy
from monitor.errors import SlaMonitorError
from monitor.sla.policy import Policy
from monitor.sla.policy_changes import policy_changes
from monitor.sla.policy_file import dump_policy

log = logging.getLogger(__name__)

Take = Callable[[Policy, Policy | None], Awaitable[None]]


class Files(NamedTuple):
    """Where the policies are, if they have files: the one in force, and one that is only tried."""

    policy: Path | None = None
    shadow: Path | None = None

    def load(self) -> tuple[Policy, Policy | None]:
        """Read them; raises `PolicyError`."""
        shadow = None if self.shadow is None else load_policy(self.shadow)
        return load_policy(self.policy), shadow


def hangups() -> asyncio.Event:
    """Return what is set whenever SIGHUP comes; from now on the signal ends nothing."""
    came = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, came.set)
    return came


async def reloading(
    came: asyncio.Event, files: Files, known: tuple[Policy, Policy | None], take: Take
) -> None:
    """Read the files again whenever SIGHUP has come, until cancelled."""
    while True:
        await came.wait()
        came.clear()
        try:
            new = files.load()
        except SlaMonitorError as error:
            first, *more = str(error).splitlines()
            rest = f" (and {len(more)} more)" if more else ""
            log.error("the policy in force stays: %s%s", first, rest)  # noqa: TRY400 - a sentence
            continue
        if new == known:
            log.info("%s: nothing else than what is in force", " and ".join(_names(files)))
        elif await take_policies(take, *new):
            _say("new policy", known[0], new[0])
            _say("new shadow", known[1], new[1])
            known = new


def _names(files: Files) -> list[str]:
    return [str(path) for path in files if path is not None]


def _say(what: str, old: Policy | None, new: Policy | None) -> None:
    if old is not None and new is not None:
        for change in policy_changes(dump_policy(old), dump_policy(new)):
            log.info("%s: %s", what, change)


async def take_policies(take: Take, policy: Policy, shadow: Policy | None) -> bool:
    """Have policies taken; tell whether they were, and say why not."""
    try:
        await take(policy, shadow)
    except SlaMonitorError as error:
        log.error("the policy in force stays: %s", error)  # noqa: TRY400 - a sentence for people
        return False
    return True
