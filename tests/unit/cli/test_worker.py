"""What a worker is told at its start reaches it as it was said."""

import asyncio

import msgspec

from monitor.cli.logs import Logs
from monitor.cli.worker import Orders, frame, read_frame
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy
from monitor.streaming.security import Security
from monitor.streaming.settings import Settings


def test_orders_come_back_from_their_bytes_with_the_whole_policy():
    policy = Policy(DEFAULT_POLICY.channels, Formula.ANSWERED_ONLY, teams=("billing", "vip"))
    settings = Settings("broker:9092", "app", security=Security("SASL_SSL", password="secret"))
    orders = Orders(2, "host", settings, policy, DEFAULT_POLICY, Logs(as_json=True))
    got = msgspec.msgpack.decode(msgspec.msgpack.encode(orders), type=Orders)
    assert got == orders
    assert got.policy.groups == policy.groups


async def test_messages_are_read_one_by_one_and_a_broken_one_is_the_end():
    reader = asyncio.StreamReader()
    reader.feed_data(frame(b"one") + frame(b"") + frame(b"cut")[:-1])
    reader.feed_eof()
    assert [await read_frame(reader) for _ in range(3)] == [b"one", b"", None]
