"""Run Apache Kafka in the foreground, for trying things out: `make kafka`, then Ctrl-C."""

import argparse
import asyncio
import signal
import sys

from monitor.errors import SlaMonitorError
from tests.kafka.broker import KafkaBroker


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, help="a free one unless told")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.port))
    except SlaMonitorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


async def run(port: int | None) -> None:
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    print("starting Apache Kafka (its jars are fetched the first time)", file=sys.stderr)
    async with KafkaBroker(port=port) as broker:
        print(broker.bootstrap, flush=True)
        print("its data is removed at the end; Ctrl-C stops it", file=sys.stderr)
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
