"""Topics: created on purpose, with the right shape, and checked before anything is read.

With a topic missing a consumer never learns of it, and recovers nothing, silently.
"""

import asyncio
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    BrokerResponseError,
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from monitor.errors import (
    BrokerRefusedError,
    BrokerUnreachableError,
    SlaMonitorError,
    TopicError,
)
from monitor.streaming.refusal import why_not
from monitor.streaming.settings import Settings

DEFAULT_PARTITIONS: Final = 12

_REPLICAS: Final = 3
"""As many as there are brokers, but no more than this: aiokafka cannot ask for the default."""

_HOUR_MS: Final = 3_600_000
_WEEK_MS: Final = 7 * 24 * _HOUR_MS

_SET_ON_TOPIC: Final = 1
"""Kafka's number for a setting that is the topic's own, not a default."""


class TopicSpec(NamedTuple):
    """A topic as it ought to be."""

    name: str
    partitions: int
    configs: Mapping[str, str]


class TopicConfig(NamedTuple):
    """The settings of a topic: those in force, and which of them are its own, not defaults."""

    values: Mapping[str, str]
    own: Mapping[str, str]


def input_specs(
    settings: Settings,
    partitions: int,
    *,
    retention_ms: int = _WEEK_MS,
    closed: bool = True,
    customer_replied: bool = False,
    others: Collection[str] = (),
) -> list[TopicSpec]:
    """List the input topics, those of the optional ones that are used."""
    topics = settings.topics
    names = [topics.created, topics.replied]
    names += [topics.closed] if closed else []
    names += [topics.customer_replied] if customer_replied else []
    names += [name for name in topics.measures if name in others]
    return [TopicSpec(name, partitions, {"retention.ms": str(retention_ms)}) for name in names]


def output_specs(settings: Settings, partitions: int) -> list[TopicSpec]:
    """List what the monitor writes."""
    return [
        TopicSpec(settings.changelog, partitions, {"cleanup.policy": "compact"}),
        TopicSpec(settings.topics.breaches, partitions, {"retention.ms": str(4 * _WEEK_MS)}),
        TopicSpec(
            settings.topics.dead_letters,
            partitions,
            # A dead letter is a whole record and its headers: larger than the largest record.
            {"retention.ms": str(4 * _WEEK_MS), "max.message.bytes": str(2 * 1024 * 1024)},
        ),
        TopicSpec(
            settings.topics.stats,
            partitions,
            # Figures of a minute ago are nobody's: whoever reads begins at the end.
            {
                "cleanup.policy": "compact,delete",
                "retention.ms": str(_HOUR_MS),
                "segment.ms": str(_HOUR_MS // 6),
            },
        ),
    ]


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect once; raises `BrokerUnreachableError`, which says why."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=10_000,
        **settings.client_options,
    )
    try:
        await _start(admin, settings)
        yield admin
    finally:
        await admin.close()


async def _start(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    try:
        await admin.start()
    except (KafkaError, OSError, ValueError) as error:
        raise await why_not(settings) from error
    client = admin._client  # noqa: SLF001 - said nowhere else
    node = client.get_random_node()
    if node is None or await client.ready(node):
        return
    # It let us in, but the address by which it wants to be called is another.
    broker = client.cluster.broker_metadata(node)
    reason = await why_not(settings, [(broker.host, broker.port)])
    raise type(reason)(f"{settings.bootstrap} leads to {broker.host}:{broker.port}, and {reason}")


async def wait_for_broker(
    settings: Settings, timeout_seconds: float, on_wait: Callable[[str], None]
) -> None:
    """Wait until a broker answers, trying again after growing pauses.

    `on_wait` is told once, in a sentence. Raises `BrokerUnreachableError` after the time-out, and
    `BrokerRefusedError` at once.
    """
    deadline = time.monotonic() + timeout_seconds
    pause, told = 0.2, False
    while True:
        try:
            async with admin_client(settings):
                return
        except BrokerRefusedError:
            raise
        except BrokerUnreachableError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            if not told:
                on_wait(
                    f"no broker answers at {settings.bootstrap} yet; "
                    f"trying for {timeout_seconds:g} s"
                )
                told = True
            await asyncio.sleep(min(pause, max(left, 0.05)))
            pause = min(2 * pause, 5.0)


async def partition_counts(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """Return how many partitions each of these topics has; a missing topic is left out.

    All topics are asked for: asking for one by name creates it, where the broker may.
    """
    wanted = set(names)
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"] in wanted and not topic["error_code"] and topic["partitions"]
    }


async def create(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> list[str]:
    """Create the topics that are missing; return their names, once they can be used."""
    existing = await partition_counts(admin, [spec.name for spec in specs])
    missing = [spec for spec in specs if spec.name not in existing]
    if not missing:
        return []
    brokers = (await admin.describe_cluster())["brokers"]
    replicas = min(_REPLICAS, len(brokers))
    response = await admin.create_topics(
        [
            NewTopic(spec.name, spec.partitions, replicas, topic_configs=dict(spec.configs))
            for spec in missing
        ]
    )
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            said = message[0] if message and message[0] else error.__name__
            raise TopicError(f"the broker did not create topic {name}: {said}")
    await _until_usable(admin, missing)
    return [spec.name for spec in missing]


async def _until_usable(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    """Wait until the broker's metadata shows the new topics: it lags behind their creation."""
    for _ in range(100):
        counts = await partition_counts(admin, [spec.name for spec in specs])
        if len(counts) == len(specs):
            return
        await asyncio.sleep(0.05)
    raise TopicError(f"topics {', '.join(s.name for s in specs)} were created but do not show up")


@contextmanager
def broker_errors(settings: Settings) -> Iterator[None]:
    """Turn whatever a Kafka client raises in here into a sentence with the way out."""
    try:
        yield
    except KafkaError as error:
        if error.retriable or not isinstance(error, BrokerResponseError):
            raise BrokerUnreachableError(
                f"the broker at {settings.bootstrap} stopped answering ({error_name(error)}); "
                "check that it runs"
            ) from error
        raise SlaMonitorError(
            f"the broker at {settings.bootstrap} refused: {error_name(error)}; "
            "check what this user may do there"
        ) from error


def error_name(error: BaseException) -> str:
    """Return how Kafka calls an error, for people: `topic authorization failed`."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


async def configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, TopicConfig]:
    """Return the settings of topics; one whose settings may not be read is left out."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    try:
        responses = await admin.describe_configs(resources)
    except IncompatibleBrokerVersion:
        return {}
    found = {}
    for response in responses:
        for code, _, _, name, entries in response.resources:
            if not code:
                known = [entry for entry in entries if entry[1] is not None]
                found[name] = TopicConfig(
                    {entry[0]: entry[1] for entry in known},
                    {entry[0]: entry[1] for entry in known if entry[3] == _SET_ON_TOPIC},
                )
    return found


async def set_config(
    admin: AIOKafkaAdminClient, name: str, config: TopicConfig, changes: Mapping[str, str]
) -> None:
    """Change settings of a topic; raises `TopicError`.

    The request replaces all that the topic has of its own, so what it had is sent along.
    """
    wanted = {**config.own, **changes}
    resource = ConfigResource(ConfigResourceType.TOPIC, name, wanted)
    try:
        responses = await admin.alter_configs([resource])
    except IncompatibleBrokerVersion:
        raise TopicError(f"the broker cannot change the settings of topic {name}") from None
    for response in responses:
        for code, message, *_ in response.resources:
            if code:
                said = message or error_name(for_code(code)())
                raise TopicError(f"the settings of topic {name} may not be changed: {said}")


async def prepare(settings: Settings, *, exchange: bool = False) -> tuple[tuple[str, ...], int]:
    """Check the input topics and create the outputs; return what is read and how many partitions.

    `exchange` says whether a clock asks for what customers reply. Raises `TopicError` with what to
    do.
    """
    async with admin_client(settings) as admin:
        topics = settings.topics
        wanted = topics.inputs if exchange else (*topics.usual, *topics.measures)
        counts = await partition_counts(admin, wanted)
        missing = [name for name in settings.topics.required if name not in counts]
        if missing:
            raise TopicError(
                f"topic {' and '.join(missing)} is not on {settings.bootstrap}; "
                f"create it: sla-monitor topics create --broker {settings.bootstrap}"
            )
        inputs = tuple(name for name in wanted if name in counts)
        if len(set(counts.values())) > 1:
            shown = ", ".join(f"{name} has {count}" for name, count in counts.items())
            raise TopicError(
                f"the input topics must have the same number of partitions, but {shown}: "
                "a ticket's events would part ways; recreate them with equal counts"
            )
        partitions = counts[inputs[0]]
        await create(admin, output_specs(settings, partitions))
        outputs = await partition_counts(admin, [settings.changelog])
        if outputs[settings.changelog] != partitions:
            raise TopicError(
                f"topic {settings.changelog} has {outputs[settings.changelog]} partitions, the "
                f"input topics have {partitions}: it belongs to other topics; "
                "choose another --app-id, or delete it to begin anew"
            )
        return inputs, partitions
