"""The input topics made ready for a replay: old events must not be deleted as they arrive.

A topic that keeps a week drops an older history, and one that stamps records makes it all new.
"""

import math
from collections.abc import Collection, Mapping
from typing import Final

import click
from aiokafka.admin import AIOKafkaAdminClient

from monitor.errors import TopicError
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.streaming import topics
from monitor.streaming.settings import Settings
from monitor.streaming.topics import TopicConfig

_MARGIN: Final = 3600 * SECOND
"""What would be deleted within this time is not safe either: it must be read first."""


async def prepare(
    admin: AIOKafkaAdminClient,
    settings: Settings,
    partitions: int | None,
    age: int,
    *,
    closed: bool,
    customer_replied: bool,
    others: Collection[str],
    shift_to_now: bool,
) -> int:
    """Make topics that take events of this age and keep them; return how many partitions each has.

    The optional ones are made if there are events for them. Raises `TopicError`.
    """
    inputs = settings.topics.inputs
    there = await topics.partition_counts(admin, inputs)
    found = {name: there[name] for name in inputs if name in there}
    count = _common_count(found, partitions)
    configs = await topics.configs(admin, found)
    refuse_broker_times(configs, shift_to_now=shift_to_now)
    specs = topics.input_specs(
        settings,
        count,
        retention_ms=-1,
        closed=closed,
        customer_replied=customer_replied,
        others=others,
    )
    created = await topics.create(admin, specs)
    if created:
        _say(f"created {', '.join(created)} with {count} partitions, kept without a limit")
    for spec in specs:
        if spec.name not in created:
            await _keep(admin, settings, spec.name, configs.get(spec.name), age)
    return count


def _common_count(found: Mapping[str, int], wanted: int | None) -> int:
    """Return the number of partitions; raises `TopicError` where it is not one and the same."""
    counts = set(found.values())
    if len(counts) > 1 or (wanted and counts - {wanted}):
        shown = ", ".join(f"{name} has {count}" for name, count in found.items())
        raise TopicError(
            f"the input topics must have the same number of partitions, but {shown}"
            + (f" and --partitions asks for {wanted}" if wanted else "")
            + "; recreate them with equal counts, or leave --partitions out"
        )
    return wanted or next(iter(counts), topics.DEFAULT_PARTITIONS)


def refuse_broker_times(configs: Mapping[str, TopicConfig], *, shift_to_now: bool) -> None:
    """Raise `TopicError` where a topic gives records the time of their arrival."""
    stamped = [
        name
        for name, config in configs.items()
        if config.values.get("message.timestamp.type") == "LogAppendTime"
    ]
    if stamped and not shift_to_now:
        raise TopicError(
            f"topic {' and '.join(stamped)} replaces the events' times by those of their arrival "
            "(message.timestamp.type=LogAppendTime), so their deadlines would all pass at once; "
            "set it to CreateTime, or use --shift-to now"
        )


async def _keep(
    admin: AIOKafkaAdminClient, settings: Settings, name: str, config: TopicConfig | None, age: int
) -> None:
    """Lift the limit of a topic that would delete events of this age, and say so."""
    if config is None:
        _say(
            f"the settings of {name} cannot be read: make sure that its "
            "retention.ms keeps events of this age"
        )
    elif keeps_for(config.values) < (age + _MARGIN) // 1000:
        await topics.set_config(admin, name, config, {"retention.ms": "-1"})
        _say(retention_note(settings.bootstrap, name, config))


def keeps_for(values: Mapping[str, str]) -> float:
    """Return for how many milliseconds a topic with these settings keeps its records."""
    milliseconds = int(values.get("retention.ms", "-1"))
    deletes = "delete" in values.get("cleanup.policy", "delete")
    return milliseconds if deletes and milliseconds >= 0 else math.inf


def retention_note(bootstrap: str, name: str, config: TopicConfig) -> str:
    """Return the line that says what was changed, and how to set it back."""
    was = int(config.values["retention.ms"])
    back = (
        f"--add-config retention.ms={was}"
        if "retention.ms" in config.own
        else "--delete-config retention.ms"
    )
    return (
        f"{name} kept events for {format_duration(was * 1000)} only and now keeps them without "
        "a limit (retention.ms=-1), as these are older; to set it back: kafka-configs.sh "
        f"--bootstrap-server {bootstrap} --alter --topic {name} {back}"
    )


def _say(text: str) -> None:
    click.echo(text, err=True)
