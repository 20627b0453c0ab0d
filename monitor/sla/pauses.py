"""A clock that stops while the customer has to answer: spans of time with pauses in them.

Pauses are moments in turn: stopped, went on, stopped, ... The last stop may be for good.
"""

from collections.abc import Iterator

from monitor.sla.events import NEVER
from monitor.sla.policy import Target


def after(target: Target, created: int, span: int, pauses: tuple[int, ...]) -> int:
    """Return the last moment by which the clock has run no longer than a span.

    Never, where it stops for good before; a span that is used up as it stops lasts until it goes
    on, as with hours.
    """
    left = span
    for begin, end in _running(target, created, pauses):
        if end == NEVER:
            return target.after(begin, left)
        ran = target.elapsed(begin, end)
        if ran > left:
            return target.after(begin, left)
        left -= ran
    return NEVER


def elapsed(target: Target, created: int, end: int, pauses: tuple[int, ...]) -> int:
    """Return for how long the clock ran until a moment."""
    if not pauses:
        return target.elapsed(created, max(created, end))
    return sum(
        target.elapsed(begin, min(until, end))
        for begin, until in _running(target, created, pauses)
        if begin < end
    )


def known(pauses: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Return what is known of pauses at a moment; one that lasts ends now, for all anybody knows.

    Whatever is told at a moment is told as it would have been live.
    """
    if not pauses:
        return ()
    until_now = tuple(moment for moment in pauses if moment <= at)
    return (*until_now, at) if len(until_now) % 2 else until_now


def _running(target: Target, created: int, pauses: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which the clock runs: of one that never stops, all of it."""
    moments = (created, *pauses) if target.pauses else (created,)
    for index in range(0, len(moments), 2):
        yield moments[index], moments[index + 1] if index + 1 < len(moments) else NEVER
