"""The clocks of this machine, handed to who needs them: a test turns its own."""

import time


class Clock:
    """Two clocks: one tells the time of day, the other how long something takes."""

    def wall(self) -> int:
        """Return the wall clock in microseconds since 1970."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that never run backwards, since some moment or other."""
        return time.monotonic()
