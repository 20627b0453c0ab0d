"""Prometheus and Alertmanager as docker-compose.yml starts and asks them, but for the addresses."""

import asyncio

import pytest

from tests.support.compose import SERVICES, mounts, on_the_host
from tests.support.program import free_port
from tests.support.scraping import required


def command_line(name, folder):
    """Return a service's arguments with its files as they are here, and volumes in a folder."""
    service = SERVICES[name]
    volumes = {target: folder for source, target in mounts(service) if not source.startswith("./")}
    found = []
    for argument in service["command"]:
        option, _, value = argument.partition("=")
        if value in volumes:
            value = volumes[value]
        elif value.startswith("/"):
            value = on_the_host(service, value)
            assert value.exists(), f"{value} is missing"
        found.append(f"{option}={value}")
    return found


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
async def test_it_starts_and_is_ready(name, tmp_path):
    url = f"http://localhost:{free_port()}"
    program = required("prometheus-alertmanager" if name == "alertmanager" else name)
    log = tmp_path / "log"
    with log.open("wb") as writing:
        process = await asyncio.create_subprocess_exec(
            program,
            *command_line(name, tmp_path),
            f"--web.listen-address={url.removeprefix('http://')}",
            stderr=writing,
            cwd=tmp_path,
        )
    check = SERVICES[name]["healthcheck"]["test"][1:]
    own = f"http://localhost:{SERVICES[name]['ports'][0].rpartition(':')[2]}"
    check = [required(check[0]), *(part.replace(own, url) for part in check[1:])]
    assert any(url in part for part in check), "it asks its own port"
    try:
        async with asyncio.timeout(30):
            while await (await asyncio.create_subprocess_exec(*check)).wait():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.2)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
