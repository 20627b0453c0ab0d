"""docker-compose.yml and Dockerfile, as far as they can be held to their word without Docker."""

import fnmatch
import re
import subprocess
from importlib.metadata import version

import click
import pytest
import yaml

from monitor.cli import cli
from monitor.cli.options import load_policy
from monitor.sla.policy import DEFAULT_POLICY
from tests.kafka.jars import KAFKA_VERSION
from tests.support.compose import COMPOSE, OURS, SERVICES, mounts, on_the_host
from tests.support.program import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TAG = re.compile(r"(v?\d+\.\d+\.\d+)(-[a-z]+)*")

services = pytest.mark.parametrize("name", SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_is_one_that_the_program_takes(name):
    service = OURS[name]
    command, context = cli, click.Context(cli)
    arguments = list(service["command"])
    while isinstance(command, click.Group):
        command = command.get_command(context, arguments.pop(0))
        assert command is not None
    given = command.make_context(name, arguments).params
    if given.get("policy_path"):
        assert load_policy(on_the_host(service, given["policy_path"])) == DEFAULT_POLICY, (
            "rules and dashboards are committed for the built-in policy"
        )
    host, _, port = given["broker"].partition(":")
    assert f"INSIDE://{host}:{port}" in SERVICES["kafka"]["environment"][
        "KAFKA_ADVERTISED_LISTENERS"
    ].split(",")


@services
def test_ports_are_those_of_this_machine_only(name):
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@services
def test_nothing_may_be_more_than_it_must(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "user"} & service.keys()


@services
def test_tags_are_pinned(name):
    assert TAG.fullmatch(SERVICES[name]["image"].rpartition(":")[2]), SERVICES[name]["image"]


def test_tags_are_those_that_are_tested():
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert {each["image"] for each in OURS.values()} == {f"sla-monitor:{version('sla-monitor')}"}
    bases = re.findall(r"^FROM (\S+):(\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert TAG.fullmatch(bases[0][1])


@services
def test_what_is_waited_for_can_say_that_it_is_well(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "on-failure:3", "a job, it ends"
        else:
            assert how["condition"] == "service_healthy"
            assert SERVICES[other]["healthcheck"]["test"][0] == "CMD"


@services
def test_every_path_that_is_mounted_exists_and_is_not_written_to(name):
    service = SERVICES[name]
    for written, (source, _) in zip(service.get("volumes", ()), mounts(service), strict=True):
        if source.startswith("./"):
            assert (ROOT / source).exists(), f"{source} is missing"
            assert written.endswith(":ro"), written
        else:
            assert source in COMPOSE["volumes"], source


def test_every_volume_is_used():
    used = {source for service in SERVICES.values() for source, _ in mounts(service)}
    assert COMPOSE["volumes"].keys() <= used


def test_secrets_are_files_that_git_never_takes():
    for secret in COMPOSE["secrets"].values():
        done = subprocess.run(["git", "check-ignore", "-q", secret["file"]], cwd=ROOT, check=False)
        assert done.returncode == 0, secret
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/secrets/alertmanager/slack_url"],
        cwd=ROOT,
        check=False,
    )
    assert ignored.returncode == 0
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or value.startswith("/run/secrets/"), key


def test_the_healthcheck_of_the_image_is_that_of_the_service():
    check = re.search(r"HEALTHCHECK.*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)[1]
    assert ["CMD", *yaml.safe_load(check)] == OURS["sla-monitor"]["healthcheck"]["test"]


def test_the_image_is_built_from_what_docker_is_given_and_runs_as_nobody_in_particular():
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = [line.removeprefix("!") for line in patterns if line.startswith("!")]
    assert "*" in patterns
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert any(fnmatch.fnmatch(source, pattern) for pattern in given), source
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_grafana_finds_prometheus_and_the_dashboards():
    grafana = SERVICES["grafana"]
    sources, providers = (
        yaml.safe_load((ROOT / "grafana/provisioning" / path).read_text(encoding="utf-8"))
        for path in ("datasources/prometheus.yml", "dashboards/sla-monitor.yml")
    )
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    folder = providers["providers"][0]["options"]["path"]
    assert on_the_host(grafana, folder) == ROOT / "grafana/dashboards"
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert on_the_host(grafana, home).is_file()
    assert on_the_host(grafana, "/etc/grafana/provisioning/datasources").is_dir()
