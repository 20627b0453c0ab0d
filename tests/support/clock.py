"""Times as the events write them."""

from datetime import UTC, datetime


def iso(seconds):
    """Return seconds since 1970 as RFC 3339 with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
