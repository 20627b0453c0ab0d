"""What the consumer hands over: all that was asked for, however far it had been before."""

import asyncio
from types import SimpleNamespace

from faust.types import TP

from monitor.streaming.app import create_app
from monitor.streaming.chunks import Chunk
from monitor.streaming.partitions import Partitions
from monitor.streaming.settings import Settings
from monitor.streaming.transport import Consumer

TP_3 = TP("ticket-created", 3)


async def test_a_chunk_from_further_back_is_handed_over_too():
    """Its owner asked for it while Faust was handing over one from further on."""
    app = create_app(Settings("127.0.0.1:1"), ["ticket-created"], Partitions(lambda _: None))
    handed_over = []
    fetcher = SimpleNamespace(_stopped=asyncio.Event())

    async def hand_over(message):
        handed_over.append((message.value.begin, message.value.end))

    class Chunks(Consumer):
        async def getmany(self, timeout):
            for begin, end in ((5, 10), (10, 20), (5, 10), (10, 20)):
                chunk = Chunk(TP_3, begin, end, [], 1)
                yield TP_3, self._to_message(TP_3, chunk)
            fetcher._stopped.set()

    async def ignore(_):
        pass

    consumer = Chunks(app.transport, hand_over, ignore, ignore)
    await consumer._drain_messages(fetcher)
    assert handed_over == [(5, 10), (10, 20), (5, 10), (10, 20)]
