"""Topics held against what they ought to be: there, of one partition count, set as is needed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from monitor.streaming.doctor.findings import Check, Findings, Topic
from monitor.streaming.settings import Settings
from monitor.streaming.topics import output_specs

_NO_INPUT: Final = ("not checked: no input topic is seen", "mend that first, then look again")
_DAY_MS: Final = 24 * 3_600_000


def places(findings: Findings, settings: Settings) -> Iterator[Check]:
    """Return whether the input topics are there, and how they are divided."""
    yield _inputs(findings, settings)
    yield _partitions(findings, settings)


def keeping(findings: Findings, settings: Settings) -> Iterator[Check]:
    """Return whether the topics keep what they must, and that in more than one copy."""
    yield _retention(findings, settings)
    yield _times(findings, settings)
    yield _changelog(findings, settings)
    yield _outputs(findings, settings)
    yield _replicas(findings)


def _inputs(findings: Findings, settings: Settings) -> Check:
    name, create = "input topics", f"sla-monitor topics create --broker {findings.bootstrap}"
    required, optional = settings.topics.required, settings.topics.closed
    hidden = [topic for topic in settings.topics.usual if topic in findings.hidden]
    if hidden:
        found = f"{_list(hidden)}: missing, or this user may not see it"
        return Check(name, "fail", found, f"allow it Read, or create what is missing: {create}")
    missing = [topic for topic in required if topic not in findings.topics]
    if missing:
        is_not, it = ("is not", "it") if len(missing) == 1 else ("are not", "them")
        found = f"{_list(missing)} {is_not} on {findings.bootstrap}"
        return Check(name, "fail", found, f"create {it}: {create}")
    if optional not in findings.topics:
        return Check(
            name,
            "ok",
            f"{_list(required)}; without {optional} a ticket is over at its first response",
        )
    return Check(name, "ok", _list([*_there(findings, settings.topics.inputs)]))


def _there(findings: Findings, names: Iterable[str]) -> dict[str, Topic]:
    return {name: findings.topics[name] for name in names if name in findings.topics}


def _partitions(findings: Findings, settings: Settings) -> Check:
    name, inputs = "partitions", _there(findings, settings.topics.inputs)
    leaderless = {topic: each.leaderless for topic, each in findings.topics.items()}
    for topic, numbers in leaderless.items():
        if numbers:
            found = f"partition {numbers[0]} of {topic} has no leader: nobody serves it"
            return Check(name, "fail", found, "bring back the brokers that hold it")
    counts = {topic: each.partitions for topic, each in inputs.items()}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{topic} has {count}" for topic, count in counts.items())
        found = f"the input topics differ, {shown}: a ticket's events part ways"
        return Check(name, "fail", found, "recreate them with equal counts")
    if not counts:
        return Check(name, "warn", *_NO_INPUT)
    return Check(name, "ok", f"{next(iter(counts.values()))} in each input topic, all served")


def _retention(findings: Findings, settings: Settings) -> Check:
    name, inputs = "retention", _there(findings, settings.topics.inputs)
    if not inputs:
        return Check(name, "warn", *_NO_INPUT)
    unread = [topic for topic, each in inputs.items() if each.config is None]
    if unread:
        found = f"the settings of {_list(unread)} cannot be read"
        return Check(name, "warn", found, "allow this user DescribeConfigs, or see to them")
    values = {topic: each.config.values for topic, each in inputs.items() if each.config}
    compacted = [t for t, each in values.items() if "compact" in each.get("cleanup.policy", "")]
    if compacted:
        found = f"{_list(compacted)} is compacted: of a ticket's events only the last one stays"
        return Check(name, "fail", found, _set(findings, compacted[0], "cleanup.policy=delete"))
    short = {t: int(each.get("retention.ms", "-1")) for t, each in values.items()}
    short = {t: ms for t, ms in short.items() if 0 <= ms < _DAY_MS}
    if short:
        topic, ms = next(iter(short.items()))
        found = f"{topic} keeps events for {_hours(ms)} only: a longer outage loses tickets"
        return Check(name, "warn", found, _set(findings, topic, f"retention.ms={7 * _DAY_MS}"))
    return Check(name, "ok", "input topics keep their events for a day or longer")


def _times(findings: Findings, settings: Settings) -> Check:
    name, inputs = "record times", _there(findings, settings.topics.inputs)
    configs = {topic: each.config.values for topic, each in inputs.items() if each.config}
    if not configs:
        return Check(
            name, "warn", "not checked: no settings of an input topic are seen", "see above"
        )
    stamped = [
        topic
        for topic, values in configs.items()
        if values.get("message.timestamp.type") == "LogAppendTime"
    ]
    if stamped:
        found = (
            f"{_list(stamped)}: the broker puts the time of arrival on each record, so a reply "
            "that its producer could not send at once seems to come too late, for a while"
        )
        mend = _set(findings, stamped[0], "message.timestamp.type=CreateTime")
        return Check(name, "warn", found, mend)
    return Check(name, "ok", "each record of the input topics has the time of its sending")


def _changelog(findings: Findings, settings: Settings) -> Check:
    name, topic = "changelog", settings.changelog
    there, inputs = findings.topics.get(topic), _there(findings, settings.topics.inputs)
    if topic in findings.hidden:
        return Check(name, "warn", "not checked: this user may not see it", "see output topics")
    if there is None:
        return Check(name, "ok", f"{topic} is not there yet: `run` creates it")
    counts = {each.partitions for each in inputs.values()}
    if len(counts) == 1 and there.partitions not in counts:
        found = (
            f"{topic} has {there.partitions} partitions, the input topics have {counts.pop()}: "
            "it belongs to other topics"
        )
        return Check(name, "fail", found, "choose another --app-id, or delete it to begin anew")
    policy = there.config.values.get("cleanup.policy", "") if there.config else None
    if policy is None:
        found = f"the settings of {topic} cannot be read: it must be compacted"
        return Check(name, "warn", found, "allow this user DescribeConfigs, or see to them")
    if policy != "compact":
        found = f"{topic} has cleanup.policy={policy}: tickets are deleted while they wait"
        return Check(name, "fail", found, _set(findings, topic, "cleanup.policy=compact"))
    return Check(name, "ok", f"{topic} is compacted, {there.partitions} partitions")


def _outputs(findings: Findings, settings: Settings) -> Check:
    name = "output topics"
    names = [spec.name for spec in output_specs(settings, 1)]
    create = f"sla-monitor topics create --broker {findings.bootstrap}"
    hidden = [topic for topic in names if topic in findings.hidden]
    if hidden:
        found = f"{_list(hidden)}: missing, or this user may not see it"
        return Check(name, "fail", found, f"allow it Read and Write there, or create it: {create}")
    refused = {topic: error for topic, error in findings.creation.items() if error}
    if refused:
        topic, error = next(iter(refused.items()))
        found = f"{topic} is missing, and this user may not create it ({error})"
        return Check(name, "fail", found, f"allow it Create, or as one who may: {create}")
    largest = {
        topic: int(each.config.values["max.message.bytes"])
        for topic, each in findings.topics.items()
        if each.config and "max.message.bytes" in each.config.values
    }
    letters, inputs = settings.topics.dead_letters, settings.topics.inputs
    most = max((largest[topic] for topic in inputs if topic in largest), default=0)
    if letters in largest and most and largest[letters] <= most:
        found = (
            f"{letters} takes {largest[letters]} bytes a record, the input topics {most}: a large "
            "one that cannot be used fits nowhere, and holds up its partition"
        )
        return Check(
            name, "warn", found, _set(findings, letters, f"max.message.bytes={most + 1024 * 1024}")
        )
    breaches = findings.topics.get(settings.topics.breaches)
    if breaches and breaches.config and "compact" in breaches.config.values["cleanup.policy"]:
        topic = settings.topics.breaches
        found = f"{topic} is compacted: of a ticket's events only the last one stays"
        return Check(name, "warn", found, _set(findings, topic, "cleanup.policy=delete"))
    missing = [topic for topic in names if topic not in findings.topics]
    if missing:
        return Check(name, "ok", f"{_list(missing)}: not there yet, `run` creates what is missing")
    return Check(name, "ok", _list(names[1:]))


def _replicas(findings: Findings) -> Check:
    name = "replicas"
    if findings.brokers <= 1:
        return Check(name, "ok", "one broker keeps one copy of everything")
    single = [topic for topic, each in findings.topics.items() if each.replicas == 1]
    if single:
        found = f"of {_list(single)} one broker has the only copy: lost with its disk"
        return Check(name, "warn", found, "raise it with kafka-reassign-partitions.sh")
    return Check(name, "ok", "every topic is on more than one broker")


def _set(findings: Findings, topic: str, setting: str) -> str:
    return (
        f"kafka-configs.sh --bootstrap-server {findings.bootstrap} --alter --topic {topic} "
        f"--add-config {setting}"
    )


def _hours(milliseconds: int) -> str:
    return f"{milliseconds / 3_600_000:.1f} h"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
