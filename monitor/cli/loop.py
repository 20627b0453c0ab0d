"""The event loop of all that runs long: uvloop, with a limit to how long TLS takes leave."""

from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import uvloop

_LEAVE_SECONDS: Final = 0.1

T = TypeVar("T")


class _Loop(uvloop.Loop):
    """Gives a TLS connection a moment to be closed in order.

    An answer that is still under way when it is closed makes uvloop (0.23) miss the other side's
    farewell, and wait 30 s for it: opening a partition took that much longer.
    """

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        if options.get("ssl"):
            options.setdefault("ssl_shutdown_timeout", _LEAVE_SECONDS)
        return await super().create_connection(*args, **options)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program to its end."""
    return uvloop.run(main, loop_factory=_Loop)
