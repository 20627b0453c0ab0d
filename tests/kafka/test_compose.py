"""docker-compose.yml by hand: Kafka as the image sets it up, our commands as they are called."""

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager

import aiohttp

from monitor.broker.process import free_port
from monitor.errors import BrokerUnreachableError
from tests.kafka.broker import LOGGING, KafkaBroker
from tests.kafka.jars import required_program
from tests.support.compose import SERVICES, on_the_host
from tests.support.program import COMMAND, ROOT, Scrape
from tests.support.program import free_port as any_free_port

KAFKA = SERVICES["kafka"]


class ComposedKafka(KafkaBroker):
    """Apache Kafka with the environment of docker-compose.yml, but for names, ports and folder.

    The image's own program makes the settings and formats the storage. Its folder of settings is
    empty before, as `tmpfs` leaves it in the container.
    """

    name = "the Kafka of docker-compose.yml"

    def command(self, data_dir, port):
        java = required_program("java", "Java")
        folders = {name: data_dir / name for name in ("default", "mounted", "config", "data")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
            (folders["default"] / name).write_text("# of the image\n")
        logging = data_dir / "log4j2.properties"
        logging.write_text(LOGGING)
        inside, controller = free_port(), free_port()
        changes = {
            "kafka:19092": f"localhost:{inside}",
            ":19092": f":{inside}",
            ":9092": f":{port}",
            ":9093": f":{controller}",
            "/var/lib/kafka/data": str(folders["data"]),
        }
        environment = {
            name: changed(value, changes) for name, value in KAFKA["environment"].items()
        }
        done = subprocess.run(
            [
                *(java, "kafka.docker.KafkaDockerWrapper", "setup"),
                *("--default-configs-dir", folders["default"]),
                *("--mounted-configs-dir", folders["mounted"]),
                *("--final-configs-dir", folders["config"]),
            ],
            env=environment | {"CLASSPATH": self.environment()["CLASSPATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BrokerUnreachableError(f"the image could not set Kafka up: {done.stderr}")
        heap = KAFKA["environment"]["KAFKA_HEAP_OPTS"].split()
        settings = folders["config"] / "server.properties"
        return [java, *heap, f"-Dlog4j2.configurationFile={logging}", "kafka.Kafka", settings]


def changed(value, changes):
    for old, new in changes.items():
        value = value.replace(old, new)
    return value


def arguments(name, bootstrap, web_port):
    """Return a service's command line with addresses and files as they are here."""
    service, web = SERVICES[name], "--web-host=0.0.0.0"
    found = [
        argument.replace("kafka:19092", bootstrap).replace(web, "--web-host=127.0.0.1")
        for argument in service["command"]
    ]
    for number, argument in enumerate(found):
        option, equals, value = argument.partition("=")
        if value.startswith("/"):
            found[number] = f"{option}{equals}{on_the_host(service, value)}"
    return found + ([f"--web-port={web_port}"] if name == "sla-monitor" else [])


@asynccontextmanager
async def started(name, bootstrap, web_port=0):
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments(name, bootstrap, web_port), cwd=ROOT, env=dict(os.environ)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_kafka_topics_monitor_and_traffic_work_together_as_they_are_composed():
    web_port = any_free_port()
    async with (
        ComposedKafka() as kafka,
        asyncio.timeout(180),
        aiohttp.ClientSession(f"http://127.0.0.1:{web_port}") as web,
    ):
        async with started("topics", kafka.bootstrap) as topics:
            assert await topics.wait() == 0
        async with (
            started("sla-monitor", kafka.bootstrap, web_port) as monitor,
            started("traffic", kafka.bootstrap) as traffic,
        ):
            created = 0
            while not created:
                assert (monitor.returncode, traffic.returncode) == (None, None)
                await asyncio.sleep(0.2)
                try:
                    async with web.get("/healthz") as health:
                        assert await health.text() == "ok"
                    async with web.get("/metrics") as response:
                        values = Scrape(await response.text()).values
                except aiohttp.ClientError:
                    continue
                created = sum(
                    value
                    for (metric, labels), value in values.items()
                    if metric == "sla_ticket_events_total" and ("kind", "created") in labels
                )
            traffic.terminate()
            monitor.terminate()
            assert (await traffic.wait(), await monitor.wait()) == (0, 0)
