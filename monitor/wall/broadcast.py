"""One snapshot an interval, computed once, for however many look at the wall.

Each listener holds the newest event only: who reads slowly misses some, and costs no memory.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

log: Final = logging.getLogger(__name__)

RETRY_MILLISECONDS: Final = 1000
"""How long a browser waits before it connects again."""

PING: Final = b": no snapshot\n\n"
"""A comment in the stream: the page ignores it, and a connection that is gone shows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A snapshot as it goes out."""

    state: str
    body: bytes
    event: bytes


class Listener:
    """One open event stream; who takes nothing for `send_seconds` is gone, and is broken with."""

    def __init__(self, abort: Callable[[], None], send_seconds: float) -> None:
        self._abort = abort
        self._send_seconds = send_seconds
        self._changed = asyncio.Event()
        self._newest = b""
        self._ended = False
        self._writing = False

    def offer(self, event: bytes) -> None:
        """Put the event in place of one that has not been sent yet."""
        self._newest = event
        self._changed.set()

    def end(self) -> None:
        """Let `relay` return at once, even while it waits for a peer that reads nothing."""
        self._ended = True
        self._changed.set()
        if self._writing:
            self._abort()

    async def relay(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the newest event whenever there is one, until ended or the peer is gone."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._ended:
                return
            await self._send(write)

    async def _send(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._writing = True
        try:
            async with asyncio.timeout(self._send_seconds):
                await write(self._newest)
        except TimeoutError:
            self._abort()
            raise
        finally:
            self._writing = False


class Broadcaster:
    """Takes the snapshots, at most one an interval whoever asks, and fans them out."""

    def __init__(self, snapshot: Callable[[], Mapping[str, Any]], interval_seconds: float) -> None:
        if interval_seconds <= 0:
            raise ValueError("interval_seconds must be more than nothing")
        self._snapshot = snapshot
        self._interval = interval_seconds
        self._listeners: set[Listener] = set()
        self._somebody = asyncio.Event()
        self._frame: Frame | None = None
        self._taken_at = float("-inf")
        self._number = 0
        self._ended = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Give the listener a first event at once, then each new one."""
        frame = self.newest()
        listener.offer(frame.event if frame else PING)
        self._listeners.add(listener)
        self._somebody.set()
        if self._ended:
            listener.end()
        try:
            yield
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._somebody.clear()

    def newest(self) -> Frame | None:
        """Return the frame of this interval, None when its snapshot failed."""
        if self._due_in() <= 0:
            self._take()
        return self._frame

    def end(self) -> None:
        """End every stream, and those still to come."""
        self._ended = True
        for listener in tuple(self._listeners):
            listener.end()

    async def run(self) -> None:
        """Take a snapshot each interval, while somebody listens."""
        while True:
            await self._somebody.wait()
            await asyncio.sleep(self._due_in())
            if self._listeners:
                self.newest()

    def _due_in(self) -> float:
        elapsed = asyncio.get_running_loop().time() - self._taken_at
        return max(0.0, self._interval - elapsed)

    def _take(self) -> None:
        self._taken_at = asyncio.get_running_loop().time()
        try:
            self._frame = self._encode(self._snapshot())
        except Exception:  # the page says stale; the next interval tries again
            log.exception("The wall's snapshot failed; the page is told nothing new")
            self._frame = None
        event = self._frame.event if self._frame else PING
        for listener in self._listeners:
            listener.offer(event)

    def _encode(self, snapshot: Mapping[str, Any]) -> Frame:
        self._number += 1
        body = msgspec.json.encode(snapshot)
        head = f"id: {self._number}\nretry: {RETRY_MILLISECONDS}\ndata: ".encode()
        return Frame(state=snapshot["state"], body=body, event=head + body + b"\n\n")
