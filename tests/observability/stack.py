"""The whole of it, real: broker, monitor, Prometheus, Alertmanager, and what they send to.

The shipped configuration is used; only addresses are replaced.
"""

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from monitor.broker.embedded import EmbeddedBroker
from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.observability.hook import Hook
from tests.observability.tools import ALERTMANAGER, PROMETHEUS, load, program, save
from tests.support.kafka import producing
from tests.support.program import Run, free_port, run_command


class Server:
    """A program that serves a port, ended by its own id."""

    def __init__(self, folder, command, port):
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._log = folder / f"{Path(command[0]).name}.log"
        self.process = None

    async def __aenter__(self):
        with self._log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *map(str, self._command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        deadline = time.monotonic() + 30
        while await self._is_away():
            assert self.process.returncode is None, self.log()
            assert time.monotonic() < deadline, self.log()
            await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def _is_away(self):
        try:
            await self.get("/-/ready", read=False)
        except aiohttp.ClientError:
            return True
        return False

    async def get(self, path, *, read=True, **params):
        """Fetch a page of its interface."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.get(self.url + path, params=params) as response,
        ):
            return await response.json() if read else await response.text()

    def log(self):
        """Return what it said."""
        return self._log.read_text()


class Stack:
    """All parts while they run."""

    def __init__(self, *, monitor, prometheus, alertmanager, hook, send):
        self.monitor = monitor
        self.prometheus = prometheus
        self.alertmanager = alertmanager
        self.hook = hook
        self.send = send

    async def until_watched(self):
        """Wait until the monitor is live, and Prometheus has seen it and judged every rule."""
        await self.monitor.until(lambda scrape: scrape.get("sla_caught_up") == 1)
        async with asyncio.timeout(60):
            while not await self._is_judged():
                await asyncio.sleep(0.2)

    async def _is_judged(self):
        seen = await self.prometheus.get("/api/v1/query", query="sla_caught_up == 1")
        groups = (await self.prometheus.get("/api/v1/rules"))["data"]["groups"]
        health = {rule["health"] for group in groups for rule in group["rules"]}
        return bool(seen["data"]["result"]) and "unknown" not in health

    async def inhibited(self, alert, channel):
        """Tell whether Alertmanager holds an alert back because of another."""
        filters = [f'alertname="{alert}"', f'channel="{channel}"']
        found = await self.alertmanager.get("/api/v2/alerts", filter=filters)
        return bool(found) and all(each["status"]["inhibitedBy"] for each in found)


@asynccontextmanager
async def running(policy):
    """Run everything on a policy file's text."""
    async with AsyncExitStack() as all_of_it:
        folder = Path(all_of_it.enter_context(tempfile.TemporaryDirectory()))
        bootstrap = await all_of_it.enter_async_context(broker())
        settings = Settings(bootstrap)
        async with topics.admin_client(settings) as admin:
            await topics.create(admin, topics.input_specs(settings, 4))
        policy_file = folder / "policy.yaml"
        policy_file.write_text(policy)
        rules = folder / "sla-monitor.rules.yml"
        code, text, said = await run_command("rules", "--policy", policy_file)
        assert code == 0, said
        rules.write_text(text)

        hook = await all_of_it.enter_async_context(Hook())
        monitor = await all_of_it.enter_async_context(Run(bootstrap, "--policy", policy_file))
        alertmanager = await all_of_it.enter_async_context(alertmanager_of(folder, hook))
        prometheus = await all_of_it.enter_async_context(
            prometheus_of(folder, monitor.port, alertmanager.url.removeprefix("http://"))
        )
        send = await all_of_it.enter_async_context(producing(bootstrap))
        stack = Stack(
            monitor=monitor,
            prometheus=prometheus,
            alertmanager=alertmanager,
            hook=hook,
            send=send,
        )
        await stack.until_watched()
        yield stack


@asynccontextmanager
async def broker():
    """Give a broker without topics of ours: the embedded one, or KAFKA_BOOTSTRAP."""
    foreign = os.environ.get("KAFKA_BOOTSTRAP")
    if foreign:
        from tests.kafka.conftest import forget_everything  # noqa: PLC0415 - only where it is asked

        await forget_everything(foreign)
        yield foreign
        return
    async with EmbeddedBroker() as embedded:
        yield embedded.bootstrap


def prometheus_of(folder, monitor_port, alertmanager):
    """Return Prometheus with the shipped configuration, at other addresses."""
    port = free_port()
    addresses = {
        "sla-monitor:6066": f"127.0.0.1:{monitor_port}",
        "alertmanager:9093": alertmanager,
        "localhost:9090": f"127.0.0.1:{port}",
    }
    config = load(PROMETHEUS / "prometheus.yml")
    for job in (*config["scrape_configs"], *config["alerting"]["alertmanagers"]):
        for place in job["static_configs"]:
            place["targets"] = [addresses[target] for target in place["targets"]]
    command = [
        program("prometheus"),
        f"--config.file={save(folder / 'prometheus.yml', config)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return Server(folder, command, port)


def alertmanager_of(folder, hook):
    """Return Alertmanager with the shipped configuration; all its receivers are the hook."""
    port = free_port()
    config = load(ALERTMANAGER / "alertmanager.yml")
    config["templates"] = [str(ALERTMANAGER / each) for each in config["templates"]]
    config["receivers"] = [_at_the_hook(each, folder, hook.url) for each in config["receivers"]]
    command = [
        program("prometheus-alertmanager"),
        f"--config.file={save(folder / 'alertmanager.yml', config)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return Server(folder, command, port)


def _at_the_hook(receiver, folder, url):
    """Return a receiver as it is shipped, at other addresses, and with a plain webhook as well."""
    name = receiver["name"]

    def secret(kind, text):
        path = folder / f"{kind}-{name}"
        path.write_text(text)
        return str(path)

    receiver = dict(receiver)
    receiver.pop("email_configs", None)  # nobody here takes mail
    for slack in receiver.get("slack_configs", ()):
        slack["api_url_file"] = secret("slack", f"{url}/slack/{name}")
    for pagerduty in receiver.get("pagerduty_configs", ()):
        pagerduty["routing_key_file"] = secret("pagerduty", "0" * 32)
        pagerduty["url"] = f"{url}/pagerduty/{name}"
    for webhook in receiver.setdefault("webhook_configs", [{"send_resolved": True}]):
        webhook["url"] = f"{url}/webhook/{name}"
        if "http_config" in webhook:
            token = secret("token", "a-token")
            webhook["http_config"]["authorization"]["credentials_file"] = token
    return receiver
