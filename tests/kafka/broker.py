"""A real Apache Kafka of one node for the tests: up in seconds, killed and brought back at will."""

import base64
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from monitor.broker.process import HOST, BrokerProcess, answers, free_port
from monitor.errors import BrokerUnreachableError, UsageError
from tests.kafka.jars import kafka_jars, required_program

CLUSTER_ID = base64.urlsafe_b64encode(b"sla-monitor-test").decode().rstrip("=")
SERVER_STARTED = "Kafka Server started"
LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
logger.started.name = kafka.server.KafkaRaftServer
logger.started.level = info
appender.stdout.name = stdout
appender.stdout.type = Console
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d{ISO8601}] %p %m (%c{1})%n
"""
# One node cannot keep three replicas; few internal partitions and no wait for further members
# make it start, and groups form, in a moment. After a kill the broker waits until its former
# session has timed out: 3 s instead of 9. What may be compacted is, a second later.
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={log_dir}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
offsets.topic.num.partitions=5
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
log.cleaner.backoff.ms=1000
"""


class KafkaBroker(BrokerProcess):
    """Apache Kafka in KRaft mode with the interface of the embedded broker."""

    name = "Apache Kafka"
    at_format: ClassVar[Sequence[str]] = ()
    """What the storage holds from the start."""

    async def start(self, timeout_seconds: float = 60.0) -> None:
        """Return once a client can connect and ask for metadata."""
        await super().start(timeout_seconds)

    def command(self, data_dir: Path, port: int) -> Sequence[str | Path]:
        """Write the settings, format the storage the first time, and return what to run."""
        java = required_program("java", "Java")
        settings, logging, log_dir = (
            data_dir / name for name in ("server.properties", "log4j2.properties", "log")
        )
        logging.write_text(LOGGING)
        settings.write_text(self.settings(data_dir, port, free_port(), log_dir))
        run = [java, "-Xmx512m", f"-Dlog4j2.configurationFile={logging}"]
        if not (log_dir / "meta.properties").exists():
            tool = "kafka.tools.StorageTool"
            self._format([*run, tool, "format", "-t", CLUSTER_ID, *self.at_format], settings)
        return [*run, "kafka.Kafka", settings]

    def settings(self, data_dir: Path, port: int, controller_port: int, log_dir: Path) -> str:
        """Return the text of server.properties."""
        return SETTINGS.format(
            host=HOST, port=port, controller_port=controller_port, log_dir=log_dir
        )

    def listening_sign(self, port: int) -> str:
        """Return what it logs when all its listeners are bound."""
        return SERVER_STARTED

    def environment(self) -> dict[str, str]:
        """Return ours with its jars: as an argument Java alone must expand the star."""
        return {**os.environ, "CLASSPATH": f"{kafka_jars()}/*"}

    def _format(self, command: Sequence[str], settings: Path) -> None:
        done = subprocess.run(
            [*command, "-c", settings],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BrokerUnreachableError(f"Kafka's storage cannot be formatted: {done.stderr}")


class ForeignBroker:
    """A Kafka that somebody else runs (KAFKA_BOOTSTRAP): used, never killed."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    async def start(self, timeout_seconds: float = 60.0) -> None:
        """Make sure that it answers."""
        if not await answers(self.bootstrap):
            raise BrokerUnreachableError(f"no Kafka answers on KAFKA_BOOTSTRAP={self.bootstrap}")

    async def stop(self) -> None:
        """Leave it: it is not ours."""

    def kill(self) -> None:
        """Refuse: this test cannot be done with a broker of somebody else."""
        raise UsageError(
            f"this test kills its broker, and {self.bootstrap} is not ours to kill: "
            "run it without KAFKA_BOOTSTRAP, with Java 17 and Maven installed"
        )
