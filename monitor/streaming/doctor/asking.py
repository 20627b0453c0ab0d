"""Asks a Kafka all that the doctor wants to know, and changes nothing there."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code

from monitor.streaming import topics
from monitor.streaming.doctor.findings import Findings, Topic
from monitor.streaming.doctor.requests import is_hidden, may_read
from monitor.streaming.doctor.sampling import sample
from monitor.streaming.doctor.trial import attempt
from monitor.streaming.security import Security
from monitor.streaming.settings import Settings
from monitor.streaming.topics import TopicSpec, error_name, output_specs


async def examine(settings: Settings) -> Findings:
    """Return what there is to know; raises `BrokerUnreachableError`."""
    async with topics.admin_client(settings) as admin:
        client = admin._client  # noqa: SLF001 - the admin client has no way to ask single questions
        node = client.get_random_node()
        specs = output_specs(settings, 1)
        wanted = (*settings.topics.inputs, *(spec.name for spec in specs))
        described = {each["topic"]: each for each in await admin.describe_topics()}
        there = {name: described[name] for name in wanted if name in described}
        found = await _topics(admin, there)
        unseen = [name for name in wanted if name not in there]
        hidden = frozenset([name for name in unseen if await is_hidden(client, node, name)])
        missing = [spec for spec in specs if spec.name in unseen and spec.name not in hidden]
        leaders = {name: _leader(each) for name, each in there.items()}
        outputs = {s.name: leaders[s.name] for s in specs if leaders.get(s.name, -1) >= 0}
        return Findings(
            bootstrap=settings.bootstrap,
            way=way(settings.security),
            brokers=len((await admin.describe_cluster())["brokers"]),
            apis=await _apis(client, node),
            topics=found,
            hidden=hidden,
            creation=await _creation(admin, missing),
            sample=await sample(settings, _readable(found, settings.topics.inputs)),
            trial=await attempt(client, settings, outputs),
            members=await _members(admin, settings.app_id),
        )


def _readable(found: Mapping[str, Topic], names: Iterable[str]) -> dict[str, int]:
    """Return the partition counts of the topics that can be read to their end."""
    return {
        name: found[name].partitions
        for name in names
        if name in found and found[name].may_read and not found[name].leaderless
    }


def way(security: Security) -> str:
    """Return how the broker is reached, for people."""
    if security.uses_sasl:
        return f"{security.protocol}, user {security.username}"
    return security.protocol


async def _apis(client: AIOKafkaClient, node: int) -> dict[int, int]:
    connection = await client._get_conn(node)  # noqa: SLF001 - said nowhere else
    return {api: most for api, (_, most) in connection._versions.items()}  # noqa: SLF001


async def _topics(
    admin: AIOKafkaAdminClient, there: Mapping[str, Mapping[str, Any]]
) -> dict[str, Topic]:
    configs = await topics.configs(admin, there)
    return {
        name: Topic(
            partitions=len(each["partitions"]),
            replicas=min((len(p["replicas"]) for p in each["partitions"]), default=0),
            leaderless=tuple(sorted(p["partition"] for p in each["partitions"] if p["leader"] < 0)),
            config=configs.get(name),
            may_read=await _may_read(admin._client, name, _leader(each)),  # noqa: SLF001
        )
        for name, each in there.items()
    }


def _leader(topic: Mapping[str, Any]) -> int:
    """Return the node that serves a topic's first partition, -1 where none does."""
    return next((int(p["leader"]) for p in topic["partitions"] if p["partition"] == 0), -1)


async def _may_read(client: AIOKafkaClient, topic: str, leader: int) -> bool:
    return leader < 0 or await may_read(client, leader, topic)


async def _creation(admin: AIOKafkaAdminClient, specs: Iterable[TopicSpec]) -> dict[str, str]:
    """Have the broker say whether it would create topics, without its doing so."""
    new = [NewTopic(spec.name, 1, 1, topic_configs=dict(spec.configs)) for spec in specs]
    if not new:
        return {}
    response = await admin.create_topics(new, validate_only=True)
    return {
        name: error_name(for_code(code)()) if code else ""
        for name, code, *_ in response.topic_errors
    }


async def _members(admin: AIOKafkaAdminClient, group: str) -> int | None:
    try:
        (response,) = await admin.describe_consumer_groups([group])
        (described,) = response.to_object()["groups"]
    except KafkaError:
        return None
    return None if described["error_code"] else len(described["members"])
