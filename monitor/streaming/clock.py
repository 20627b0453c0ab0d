"""The clocks of this machine, handed to who needs them: a test turns its own."""

import time


class Clock:
    """Three clocks: the time of day, how long something takes, and how much work it is."""

    def wall(self) -> int:
        """Return the wall clock in microseconds since 1970."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that never run backwards, since some moment or other."""
        return time.monotonic()

    def cpu(self) -> float:
        """Return seconds of CPU that this thread has used; waiting for others is none."""
        return time.thread_time()
