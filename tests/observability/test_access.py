"""Prometheus reads a monitor that asks for a token and speaks TLS, as its configuration says."""

import asyncio
import re

import yaml

from tests.integration.conftest import broker  # noqa: F401 - the fixture
from tests.integration.test_run import prepared  # noqa: F401 - the fixture
from tests.observability.stack import Server
from tests.observability.tools import PROMETHEUS, program, run, save
from tests.support import web
from tests.support.program import Run, free_port

TOKEN = "0123456789abcdef-token"


def shipped_with_access(target):
    """Return the shipped configuration with the lines on tokens and TLS put in force."""
    text = (PROMETHEUS / "prometheus.yml").read_text()
    before, said, rest = re.split(r"(    # With --web-token-file.*\n)", text)
    assert said
    lines = re.match(r"(?:    # .*\n)+", rest)[0]
    text = before + lines.replace("    # ", "    ") + rest.removeprefix(lines)
    config = yaml.safe_load(text)
    config["scrape_configs"] = config["scrape_configs"][:1]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return config | {"rule_files": [], "alerting": {}}


async def test_prometheus_scrapes_with_a_token_and_tls(prepared, tmp_path):  # noqa: F811
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    certificate, key = web.certificate(tmp_path)
    (secrets / "sla_monitor_token").write_text(f"{TOKEN}\n")
    (secrets / "sla_monitor_ca.pem").write_bytes(certificate.read_bytes())
    options = [
        *("--web-token-file", secrets / "sla_monitor_token"),
        *("--web-tls-cert", certificate, "--web-tls-key", key, "--verbose"),
    ]
    async with Run(prepared.bootstrap, *options) as monitor:
        shipped = shipped_with_access(f"127.0.0.1:{monitor.port}")
        config = save(tmp_path / "prometheus.yml", shipped)
        assert (await run("promtool", "check", "config", str(config)))[0] == 0
        port = free_port()
        command = [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        async with Server(tmp_path, command, port) as prometheus, asyncio.timeout(30):
            while not await caught_up(prometheus):
                await asyncio.sleep(0.2)
        await monitor.stop()
    assert TOKEN not in "".join(monitor.log)


async def caught_up(prometheus):
    seen = await prometheus.get("/api/v1/query", query='sla_caught_up{job="sla-monitor"} == 1')
    return bool(seen["data"]["result"])
