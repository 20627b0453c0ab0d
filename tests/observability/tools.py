"""Prometheus's and Alertmanager's own programs, found and run."""

import asyncio
import shutil

import pytest
import yaml

from tests.support.program import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager"

_PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def program(name):
    """Return where a program is; without it nothing here can be tested."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing (Debian: apt-get install {_PACKAGES[name]})")
    return path


async def run(name, *arguments, stdin=None):
    """Run one of the tools; return its exit code and all it said."""
    process = await asyncio.create_subprocess_exec(
        program(name),
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(stdin)
    return process.returncode, said.decode()


def load(path):
    """Read one of the shipped files."""
    return yaml.safe_load(path.read_text())


def save(path, data):
    """Write a file for one of the programs."""
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path
