"""docker-compose.yml as data."""

from pathlib import Path

import yaml

from tests.support.program import ROOT

FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("sla-monitor:")}


def mounts(service):
    """Return what is mounted where: (source, target), named volumes and files of the tree."""
    return [tuple(each.removesuffix(":ro").split(":")) for each in service.get("volumes", ())]


def on_the_host(service, path):
    """Return the file of the tree that a path in the container is, by the service's mounts."""
    for source, target in mounts(service):
        if source.startswith("./") and Path(path).is_relative_to(target):
            return ROOT / source / Path(path).relative_to(target)
    raise AssertionError(f"{path} is not mounted")
