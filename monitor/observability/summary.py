"""The whole picture in one value: the channels' figures, and who serves which partition."""

from collections.abc import Collection, Sequence
from typing import Any

from monitor.observability.figures import Overview
from monitor.observability.snapshot import snapshot
from monitor.observability.whole import Heard

_ON_THE_WALL_ONLY = ("hour", "tickets", "clocks")


def summary(
    view: Overview, heard: Sequence[Heard], channels: Collection[str] = ()
) -> dict[str, Any]:
    """Return plain JSON values, times in seconds since 1970; of these channels, or of all.

    Where nothing was heard there are no channels either: nobody said what they are.
    """
    found = snapshot(view)
    shown = [
        channel
        for channel in found["channels"]
        if heard and (not channels or channel["channel"].casefold() in channels)
    ]
    for channel in shown:
        for name in _ON_THE_WALL_ONLY:
            del channel[name]
    return found | {
        "channels": shown,
        "unserved": list(view.health.unserved),
        "parts": [_part(each) for each in heard],
    }


def _part(heard: Heard) -> dict[str, Any]:
    host, part = heard.published.host, heard.published.part
    return {
        "partition": part.partition,
        "host": host,
        "age_seconds": round(heard.age_seconds, 3),
        "served": heard.is_fresh,
        "caught_up": part.caught_up,
        "lag_records": part.lag,
        "clock": part.clock / 1e6,
    }
