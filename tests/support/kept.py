"""A changelog partition from its last values."""

from monitor.streaming.changelog import Kept


def unpack(packed):
    """Return what was kept under each key; None stands for forgotten."""
    kept = Kept()
    for key, value in packed.items():
        kept.take(key, value)
    return kept
