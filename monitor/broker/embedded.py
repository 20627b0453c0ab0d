"""The broker that comes with the program, so that `demo` and the tests need nothing else.

It is noida-db: one binary that speaks Kafka's protocol. Measured with 0.2.3 and aiokafka 0.14:

- As Apache Kafka does it: transactions, fencing, read_committed and the last stable offset (an
  abort or commit takes an offset too), group offsets with metadata, CreateTopics with configs
  (an unknown one is refused), Describe- and AlterConfigs, ListOffsets, offsets_for_times,
  headers, tombstones, every compression, record timestamps exactly as sent.
- Unlike it: topics are created by merely asking for their metadata, timestamps far in the future
  are taken, and members of a group that died are never evicted.
- It keeps to retention within a second or two, 7 days unless the topic says otherwise: records
  with older timestamps need a topic with retention.ms=-1.
- A consumer sees a record 0.5 ms after it was sent; a transaction takes 0.3 ms.
- It keeps all records in one JSON file, four bytes a byte, rewritten whole at most 0.5 s after a
  change: a kill loses what is younger, and 100,000 records or more make it slow.
"""

import stat
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from monitor.broker.process import HOST, BrokerProcess
from monitor.errors import BrokerUnreachableError


class EmbeddedBroker(BrokerProcess):
    """A broker for small data on this machine: `async with EmbeddedBroker() as broker`.

    Without a folder it keeps its data in a temporary one, which `stop` removes; without a port
    it takes a free one.
    """

    name: ClassVar[str] = "the embedded broker"
    noise: ClassVar[str] = "GLIBC"

    def command(self, data_dir: Path, port: int) -> Sequence[str | Path]:
        """Return the binary with its arguments."""
        return [
            _binary(),
            "start",
            *("--only", "kafka"),
            *("--data-dir", data_dir),
            *("--host", HOST),
            *("--kafka-port", str(port)),
        ]

    def listening_sign(self, port: int) -> str:
        """Return the address as it is printed once bound."""
        return f"{HOST}:{port}"


def _binary() -> Path:
    try:
        binary = Path(str(files("noida_db"))) / "noida-db"
    except ModuleNotFoundError:
        binary = Path("noida-db")
    if not binary.is_file():
        raise BrokerUnreachableError(
            "the embedded broker is not installed: run `pip install noida-db`, "
            "or name a Kafka broker with --broker HOST:PORT"
        )
    if not binary.stat().st_mode & stat.S_IXUSR:
        # Some installers do not keep the mode of a file that is no script.
        binary.chmod(0o755)
    return binary
