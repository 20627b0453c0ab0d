"""What to make of the findings: a pure function, a check for each thing that can be wrong."""

from collections.abc import Iterable
from typing import Final

from monitor.streaming.doctor.findings import BROKER_AWAY, Check, Findings, State
from monitor.streaming.doctor.rights import rights
from monitor.streaming.doctor.shape import keeping, places
from monitor.streaming.settings import Settings

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

_MURMUR: Final = (
    "have all producers partition alike: Java's default is murmur2, for librdkafka set "
    "partitioner=murmur2_random; then begin with new topics"
)


def judge(findings: Findings, settings: Settings) -> list[Check]:
    """Return a check for each thing that was looked at, those first on which others rest."""
    return [
        _broker(findings),
        *places(findings, settings),
        _keys(findings),
        *keeping(findings, settings),
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
        found = f"the broker {where} knows no {', '.join(missing)}: there are no transactions"
        return Check(name, "fail", found, "use Apache Kafka 0.11 or later, or what is compatible")
    brokers = "1 broker" if findings.brokers == 1 else f"{findings.brokers} brokers"
    return Check(name, "ok", f"Kafka {kafka_version(findings)} or later, {brokers} {where}")


def _keys(findings: Findings) -> Check:
    name, sample = "keys", findings.sample
    if sample.keyless:
        found = (
            f"{', '.join(sample.keyless)} holds records with no key: they go to the dead letters"
        )
        return Check(name, "fail", found, "have the producer key each record by its ticket id")
    if sample.stray:
        ticket_id, where = sample.stray
        shown = " and ".join(f"{number} of {topic}" for topic, number in where)
        found = f"ticket {ticket_id} is in partition {shown}: its events never meet"
        return Check(name, "fail", found, _MURMUR)
    if not sample.records:
        return Check(name, "ok", "there is no event yet to compare")
    among = f"among the newest {sample.records} events"
    if not sample.shared:
        return Check(name, "ok", f"no ticket has events in two topics {among}: nothing to compare")
    tickets = "1 ticket has" if sample.shared == 1 else f"{sample.shared} tickets have"
    return Check(name, "ok", f"{tickets} all events in one partition number, {among}")


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
