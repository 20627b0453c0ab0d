"""What this user may do, judged by what the broker answered when it was tried."""

from collections.abc import Iterator
from typing import Final

from aiokafka.errors import TopicAuthorizationFailedError

from monitor.streaming.doctor.findings import Check, Findings
from monitor.streaming.settings import Settings
from monitor.streaming.topics import error_name

_REFUSED: Final = error_name(TopicAuthorizationFailedError())
_AGAIN: Final = "mend that first, then look again"
_UNTRIED: Final = ("not checked: it takes a transaction, and none can be had", _AGAIN)
_NOTHING: Final = ("not checked: no topic of the monitor's is seen", _AGAIN)


def rights(findings: Findings, settings: Settings) -> Iterator[Check]:
    """Return a check each for reading, for transactions, for writing and for the group."""
    yield _reading(findings, settings)
    yield _transactions(findings, settings)
    yield _writing(findings, settings)
    yield _group(findings, settings)


def _reading(findings: Findings, settings: Settings) -> Check:
    name = "may read"
    read = (*settings.topics.inputs, settings.changelog, settings.topics.stats)
    topics = findings.topics
    refused = [topic for topic in read if topic in topics and not topics[topic].may_read]
    if refused:
        found = f"this user may not read {', '.join(refused)}"
        return Check(name, "fail", found, _allow(settings, "Read", f"--topic {refused[0]}"))
    there = [topic for topic in read if topic in topics]
    if not there:
        return Check(name, "warn", *_NOTHING)
    return Check(name, "ok", ", ".join(there))


def _transactions(findings: Findings, settings: Settings) -> Check:
    name, trial = "transactions", findings.trial
    prefix = f"{settings.app_id}-"
    if trial.transactional_id:
        found = f"this user may not use transactional ids that begin with {prefix}"
        what = f"--transactional-id {prefix} --resource-pattern-type prefixed"
        return Check(name, "fail", found, _allow(settings, "Write", what))
    if trial.disturbed:
        found = "another doctor began one meanwhile, and so ended this one"
        return Check(name, "warn", found, "run them one after the other")
    if trial.stuck:
        found = f"no transaction can be begun ({trial.stuck})"
        return Check(
            name,
            "fail",
            found,
            "see the broker's log; with fewer than 3 brokers set "
            "transaction.state.log.replication.factor and transaction.state.log.min.isr to 1",
        )
    return Check(name, "ok", f"one with transactional id {prefix}doctor was begun and aborted")


def _writing(findings: Findings, settings: Settings) -> Check:
    name, trial = "may write", findings.trial
    if trial.group is None:
        return Check(name, "warn", *_UNTRIED)
    refused = {topic: error for topic, error in trial.writes.items() if error}
    if refused:
        topic, error = next(iter(refused.items()))
        if error != _REFUSED:
            found = f"{topic} cannot be written in a transaction ({error})"
            return Check(name, "fail", found, "see the broker's log")
        found = f"this user may not write {', '.join(refused)} ({error})"
        return Check(name, "fail", found, _allow(settings, "Write", f"--topic {topic}"))
    if not trial.writes:
        return Check(name, "warn", *_NOTHING)
    return Check(name, "ok", ", ".join(trial.writes))


def _group(findings: Findings, settings: Settings) -> Check:
    name, error = "group", findings.trial.group
    if error is None:
        return Check(name, "warn", *_UNTRIED)
    if error:
        found = f"this user may not use the group {settings.app_id} ({error})"
        return Check(name, "fail", found, _allow(settings, "Read", f"--group {settings.app_id}"))
    members = {None: "", 0: ": nobody is in it now", 1: ": 1 member now"}
    said = members.get(findings.members, f": {findings.members} members now")
    return Check(name, "ok", f"{settings.app_id}{said}")


def _allow(settings: Settings, operation: str, what: str) -> str:
    user = settings.security.username or "NAME"
    return (
        f"kafka-acls.sh --bootstrap-server {settings.bootstrap} --add "
        f"--allow-principal User:{user} --operation {operation} {what}"
    )
