"""What to make of the findings: a pure function, a check for each thing that can be wrong."""

from collections.abc import Iterable, Sequence
from typing import Final

from monitor.streaming.doctor.findings import BROKER_AWAY, Check, Findings, State, Topic
from monitor.streaming.doctor.rights import rights
from monitor.streaming.settings import Settings
from monitor.streaming.topics import output_specs

_TRANSACTIONS: Final = {
    22: "InitProducerId",
    24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn",
    26: "EndTxn",
    28: "TxnOffsetCommit",
}
_VERSIONS: Final = (
    ("4.2", 9, 10),
    ("4.1", 0, 13),
    ("4.0", 0, 12),
    ("3.9", 1, 17),
    ("3.8", 0, 11),
    ("3.7", 1, 16),
    ("3.6", 24, 4),
    ("3.5", 1, 15),
    ("3.1", 1, 13),
    ("3.0", 65, 0),
    ("2.8", 60, 0),
    ("2.7", 1, 12),
    ("2.5", 22, 3),
    ("2.4", 22, 2),
    ("2.3", 1, 11),
    ("2.1", 1, 10),
    ("2.0", 1, 8),
    ("1.0", 0, 5),
    ("0.11", 22, 0),
)
"""A Kafka that speaks this version of this API is at least of that release: a broker does not tell
its own. From the table in kafka-python's `broker_version_data.py`, read from running brokers."""

SKEW_WARN_SECONDS: Final = 1.0
"""What is told is promised to be told within a second."""
SKEW_FAIL_SECONDS: Final = 10.0

_NO_INPUT: Final = ("not checked: no input topic is seen", "mend that first, then look again")
_DAY_MS: Final = 24 * 3_600_000
_MURMUR: Final = (
    "have all producers partition alike: Java's default is murmur2, for librdkafka set "
    "partitioner=murmur2_random; then begin with new topics"
)


def judge(findings: Findings, settings: Settings) -> list[Check]:
    """Return a check for each thing that was looked at, those first on which others rest."""
    return [
        _broker(findings),
        _inputs(findings, settings),
        _partitions(findings, settings),
        _keys(findings),
        _retention(findings, settings),
        _changelog(findings, settings),
        _outputs(findings, settings),
        _replicas(findings),
        _clock(findings),
        *rights(findings, settings),
    ]


def exit_code(checks: Iterable[Check]) -> int:
    """Return how the command ends: a broker that is away outweighs a bad policy, and that the rest.

    0 where nothing failed, be there warnings or not.
    """
    codes = {check.exit_code for check in checks if check.state == "fail"}
    return BROKER_AWAY if BROKER_AWAY in codes else max(codes, default=0)


def kafka_version(findings: Findings) -> str:
    """Return the release that a broker is at least of, by what it speaks; empty if it is older."""
    apis = findings.apis
    return next((name for name, api, version in _VERSIONS if apis.get(api, -1) >= version), "")


def _broker(findings: Findings) -> Check:
    name, where = "broker", f"at {findings.bootstrap} ({findings.way})"
    missing = [said for api, said in _TRANSACTIONS.items() if api not in findings.apis]
    if missing:
        found = f"{where} knows no {', '.join(missing)}: there are no transactions"
        return Check(name, "fail", found, "use Apache Kafka 0.11 or later, or what is compatible")
    brokers = "1 broker" if findings.brokers == 1 else f"{findings.brokers} brokers"
    return Check(name, "ok", f"Kafka {kafka_version(findings)} or later, {brokers} {where}")


def _inputs(findings: Findings, settings: Settings) -> Check:
    name, create = "input topics", f"sla-monitor topics create --broker {findings.bootstrap}"
    *required, optional = settings.topics.inputs
    hidden = [topic for topic in settings.topics.inputs if topic in findings.hidden]
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
    return Check(name, "ok", _list(settings.topics.inputs))


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


def _keys(findings: Findings) -> Check:
    name, sample = "keys", findings.sample
    if sample.keyless:
        found = f"{_list(sample.keyless)} holds records with no key: they go to the dead letters"
        return Check(name, "fail", found, "have the producer key each record by its ticket id")
    if sample.stray:
        ticket_id, places = sample.stray
        shown = " and ".join(f"{number} of {topic}" for topic, number in places)
        found = f"ticket {ticket_id} is in partition {shown}: its events never meet"
        return Check(name, "fail", found, _MURMUR)
    if not sample.records:
        return Check(name, "ok", "there is no event yet to compare")
    among = f"among the newest {sample.records} events"
    if not sample.shared:
        return Check(name, "ok", f"no ticket has events in two topics {among}: nothing to compare")
    tickets = "1 ticket has" if sample.shared == 1 else f"{sample.shared} tickets have"
    return Check(name, "ok", f"{tickets} all events in one partition number, {among}")


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


def _clock(findings: Findings) -> Check:
    name, skew = "clock", findings.trial.skew
    if skew is None:
        found = (
            "not checked: the broker's time is read from a mark in an output topic, and none came"
        )
        return Check(name, "warn", found, "have the topics created, and allow Read and Write there")
    seconds = skew.nearest
    if abs(seconds) <= SKEW_WARN_SECONDS:
        within = max(abs(skew.least), abs(skew.most))
        return Check(name, "ok", f"this host and the broker agree to within {within:.2f} s")
    found = (
        f"this host is {abs(seconds):.0f} s {'behind' if seconds > 0 else 'ahead of'} the broker: "
        f"tickets are told {'late' if seconds > 0 else 'early'} by as much"
    )
    state: State = "fail" if abs(seconds) > SKEW_FAIL_SECONDS else "warn"
    return Check(name, state, found, "keep both by NTP (chronyc tracking, timedatectl)")


def _set(findings: Findings, topic: str, setting: str) -> str:
    return (
        f"kafka-configs.sh --bootstrap-server {findings.bootstrap} --alter --topic {topic} "
        f"--add-config {setting}"
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _hours(milliseconds: int) -> str:
    return f"{milliseconds / 3_600_000:.1f} h"
