"""One listener: it holds the newest event only, and ends when told."""

import asyncio
import contextlib

import pytest

from monitor.wall.broadcast import Listener


class Peer:
    """Takes what is written, when the test lets it."""

    def __init__(self):
        self.got = []
        self.ready = asyncio.Semaphore(0)
        self.taken = asyncio.Semaphore(0)
        self.aborted = asyncio.Event()

    async def write(self, event):
        await self.ready.acquire()
        if self.aborted.is_set():
            raise ConnectionResetError
        self.got.append(event)
        self.taken.release()

    def abort(self):
        self.aborted.set()
        self.ready.release()

    async def reads(self, number):
        for _ in range(number):
            self.ready.release()
            await self.taken.acquire()


@contextlib.asynccontextmanager
async def relaying(peer, send_seconds=30.0):
    listener = Listener(peer.abort, send_seconds)
    task = asyncio.create_task(listener.relay(peer.write))
    async with asyncio.timeout(2):
        yield listener, task


async def test_a_slow_listener_gets_the_newest_and_misses_what_came_between():
    peer = Peer()
    async with relaying(peer) as (listener, task):
        listener.offer(b"1")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for event in (b"2", b"3", b"4"):
            listener.offer(event)
        await peer.reads(2)
        assert peer.got == [b"1", b"4"]
        listener.end()
        await task


async def test_an_idle_listener_ends_without_breaking_its_connection():
    peer = Peer()
    async with relaying(peer) as (listener, task):
        await asyncio.sleep(0)
        listener.end()
        await task
        assert not peer.aborted.is_set()


async def test_a_listener_that_is_stuck_is_cut_off_when_told_to_end():
    peer = Peer()
    async with relaying(peer) as (listener, task):
        listener.offer(b"1")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        listener.end()
        with pytest.raises(ConnectionResetError):
            await task


async def test_a_listener_that_takes_nothing_for_long_is_cut_off():
    peer = Peer()
    async with relaying(peer, send_seconds=0.01) as (listener, task):
        listener.offer(b"1")
        with pytest.raises(TimeoutError):
            await task
        assert peer.aborted.is_set()
