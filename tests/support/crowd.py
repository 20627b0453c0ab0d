"""All who may sit before a web port, as a process of its own: `python -m tests.support.crowd URL`.

Pages that read their events, pages that read them slowly, pages that never read, and a flood of
requests, each sent as soon as the last one is answered. Says `ready` when all are there, and at
the end of its input what it got.
"""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from urllib.parse import urlsplit

PAGES, SLOW, DEAF, FLOOD = 200, 10, 10, 32
REQUESTS_A_CONNECTION = 50
PATHS = ("/", "/metrics", "/snapshot.json", "/static/wall.js", "/none", "/healthz")


class Crowd:
    """Counts what its members get."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.address = parts.hostname, parts.port
        self.got = Counter()
        self.opened = 0

    async def page(self):
        reader, _ = await self._open("/events")
        await reader.readuntil(b"data:")
        self.opened += 1
        while await reader.read(65536):
            self.got["reads of streams"] += 1

    async def slow(self):
        reader, _ = await self._open("/events", limit=1024)
        self.opened += 1
        while await reader.read(1024):
            self.got["slow reads"] += 1
            await asyncio.sleep(0.2)

    async def deaf(self):
        with socket.create_connection(self.address) as connection:
            connection.sendall(request("/events"))
            self.opened += 1
            await asyncio.sleep(3600)

    async def flood(self, number):
        while True:
            try:
                await self._ask_on(number)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.got["broken"] += 1
                await asyncio.sleep(0.01)

    async def _ask_on(self, number):
        reader, writer = await asyncio.open_connection(*self.address)
        for n in range(number, number + REQUESTS_A_CONNECTION):
            writer.write(request(PATHS[n % len(PATHS)]))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").lower()
            await reader.readexactly(int(head.split("content-length: ")[1].split()[0]))
            self.got[head.split()[1]] += 1
        writer.close()

    async def _open(self, path, **options):
        reader, writer = await asyncio.open_connection(*self.address, **options)
        writer.write(request(path))
        return reader, writer


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode()


async def main():
    os.nice(10)  # who looks at a wall does so on another machine
    crowd = Crowd(sys.argv[1])
    calm = [crowd.page() for _ in range(PAGES)]
    odd = [*(crowd.slow() for _ in range(SLOW)), *(crowd.deaf() for _ in range(DEAF))]
    tasks = [asyncio.create_task(each) for each in calm + odd]
    while crowd.opened < len(tasks):
        await asyncio.sleep(0.05)
        for task in tasks:
            if task.done():
                task.result()
    tasks += [asyncio.create_task(crowd.flood(n)) for n in range(FLOOD)]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(crowd.got), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
