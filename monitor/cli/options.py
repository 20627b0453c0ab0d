"""Options that several commands share, and what they are turned into."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from click.core import ParameterSource

from monitor.errors import PolicyError, UsageError
from monitor.sla.policy import DEFAULT_POLICY, Policy
from monitor.streaming.settings import DEFAULT_APP_ID, Settings

_broker: Final = click.option(
    "--broker",
    required=True,
    metavar="HOST:PORT",
    envvar="SLA_MONITOR_BROKER",
    help="Kafka bootstrap address(es), comma separated.",
)

kafka_config: Final = click.option(
    "--kafka-config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    envvar="SLA_MONITOR_KAFKA_CONFIG",
    help="Kafka client properties with TLS and SASL: security.protocol, ssl.*, sasl.*.",
)


def broker(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which it finds Kafka: `broker` and `kafka_config`."""
    return _broker(kafka_config(command))


app_id: Final = click.option(
    "--app-id",
    default=DEFAULT_APP_ID,
    show_default=True,
    metavar="ID",
    help="Consumer group, and prefix of the changelog and of the transactional ids.",
)

policy_file: Final = click.option(
    "--policy",
    "policy_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Policy file; the built-in targets need none.",
)

log_format: Final = click.option(
    "--log-format",
    "log_as_json",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    callback=lambda _ctx, _param, value: value == "json",
    help="Log lines for people, or JSON objects.",
)

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def connect_timeout(seconds: float) -> Callable[[Any], Any]:
    """Return the option that says how long to wait for the broker."""
    return click.option(
        "--connect-timeout",
        type=click.FloatRange(min=0),
        default=seconds,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for the broker before giving up with exit code 3.",
    )


def load_policy(path: Path | None) -> Policy:
    """Read a policy file, or return the built-in policy; raises `PolicyError`."""
    if path is None:
        return DEFAULT_POLICY
    from monitor.sla.policy_file import parse_policy  # noqa: PLC0415 - YAML only where it is used

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyError(f"cannot read the policy {path}: {reason}") from None
    return parse_policy(text, str(path))


def kafka_settings(
    broker: str, kafka_config: Path | None, app_id: str = DEFAULT_APP_ID
) -> Settings:
    """Return how to reach Kafka; raises a usage error, and `InputError` for a bad file.

    What works but is not safe is said on standard error.
    """
    bootstrap = checked_broker(broker)
    if kafka_config is None:
        return Settings(bootstrap, app_id)
    from monitor.streaming.client_properties import read_client_properties  # noqa: PLC0415

    security, warnings = read_client_properties(kafka_config)
    for warning in warnings:
        click.echo(f"sla-monitor: warning: {warning}", err=True)
    return Settings(bootstrap, app_id, security=security)


def checked_broker(value: str) -> str:
    """Return a bootstrap address in which every part has a port; raises a usage error."""
    for part in value.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:  # noqa: PLR2004
            raise click.BadParameter(
                f"{part.strip()!r} is not HOST:PORT; write it as localhost:9092",
                param_hint="--broker",
            )
    return ",".join(part.strip() for part in value.split(","))


def time_zone(name: str) -> ZoneInfo:
    """Return the zone that `--timezone` names; raises a usage error."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            f"{name!r} is no time zone; write one as Europe/Berlin or UTC",
            param_hint="--timezone",
        ) from None


def instead_of(file: str | None, broker: str | None) -> str | None:
    """Return the broker to read from, None where a file was named; raises `UsageError`.

    A broker that only the environment names is none where there is a file.
    """
    source = click.get_current_context().get_parameter_source("broker")
    if file is not None and source is ParameterSource.ENVIRONMENT:
        return None
    if (file is None) == (broker is None):
        raise UsageError("name an event file, or --broker HOST:PORT, and not both")
    return broker
