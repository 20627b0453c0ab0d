"""What is made of the findings: each thing that can be wrong has its sentence and its way out."""

from types import MappingProxyType

import pytest

from monitor.streaming.doctor.findings import (
    BAD_POLICY,
    BROKER_AWAY,
    Check,
    Findings,
    Sample,
    Skew,
    Stray,
    Topic,
    Trial,
)
from monitor.streaming.doctor.judgement import exit_code, judge, kafka_version
from monitor.streaming.security import Security
from monitor.streaming.settings import Settings
from monitor.streaming.topics import TopicConfig, input_specs, output_specs

SETTINGS = Settings("kafka:9092", security=Security("SASL_SSL", username="ann"))
CHANGELOG = SETTINGS.changelog
TRANSACTIONAL = dict.fromkeys((22, 24, 25, 26, 28), 0)


def config(**values):
    return TopicConfig({name.replace("_", "."): value for name, value in values.items()}, {})


def topic(spec, **changes):
    values = {"cleanup.policy": "delete", "max.message.bytes": "1048588", **spec.configs}
    return Topic(4, 3, (), TopicConfig(values, {}), may_read=True)._replace(**changes)


SPECS = [*input_specs(SETTINGS, 4), *output_specs(SETTINGS, 4)]
TOPICS = MappingProxyType({spec.name: topic(spec) for spec in SPECS})
OUTPUTS = [spec.name for spec in output_specs(SETTINGS, 4)]
WELL = Findings(
    bootstrap="kafka:9092",
    way="SASL_SSL, user ann",
    brokers=3,
    apis={**TRANSACTIONAL, 0: 13},
    topics=TOPICS,
    hidden=frozenset(),
    creation={},
    sample=Sample(100, 20),
    trial=Trial(writes=dict.fromkeys(OUTPUTS, ""), group="", skew=Skew(-0.02, 0.03)),
    members=2,
)


def changed(name, **changes):
    """Return findings in which one topic is otherwise."""
    return WELL._replace(topics={**TOPICS, name: TOPICS[name]._replace(**changes)})


def without(*names):
    return WELL._replace(topics={k: v for k, v in TOPICS.items() if k not in names})


def configured(name, **values):
    known = TOPICS[name].config.values
    return changed(name, config=TopicConfig({**known, **config(**values).values}, {}))


def check(findings, name):
    (found,) = [each for each in judge(findings, SETTINGS) if each.name == name]
    return found


def test_where_all_is_well_each_check_says_what_is_there_and_nothing_is_to_be_mended():
    checks = judge(WELL, SETTINGS)
    assert {each.state for each in checks} == {"ok"}
    assert not any(each.mend for each in checks)
    assert exit_code(checks) == 0
    assert len({each.name for each in checks}) == len(checks) == 14


@pytest.mark.parametrize(
    ("findings", "name", "state", "found", "mend"),
    [
        (WELL._replace(apis={0: 3}), "broker", "fail", "InitProducerId, Add", "Kafka 0.11"),
        (without("agent-replied"), "input topics", "fail", "agent-replied is not on", "create it:"),
        (
            without("ticket-created")._replace(hidden=frozenset({"ticket-created"})),
            *("input topics", "fail", "may not see it", "allow it Read"),
        ),
        (without("ticket-closed"), "input topics", "ok", "without ticket-closed a ticket is", ""),
        (
            changed("agent-replied", partitions=3),
            *("partitions", "fail", "ticket-created has 4, agent-replied has 3", "recreate them"),
        ),
        (
            changed("sla-breaches", leaderless=(2,)),
            *("partitions", "fail", "partition 2 of sla-breaches has no leader", "bring back"),
        ),
        (
            configured("agent-replied", message_timestamp_type="LogAppendTime"),
            *("record times", "warn", "agent-replied: the broker puts the time of arrival"),
            "--topic agent-replied --add-config message.timestamp.type=CreateTime",
        ),
        (
            configured("agent-replied", message_timestamp_type="CreateTime"),
            *("record times", "ok", "the time of its sending", ""),
        ),
        (without(*SETTINGS.topics.inputs), "record times", "warn", "not checked", "see above"),
        (without(*SETTINGS.topics.inputs), "partitions", "warn", "not checked", "mend that first"),
        (
            WELL._replace(
                sample=Sample(9, 2, Stray("T-7", (("ticket-created", 3), ("agent-replied", 1))))
            ),
            "keys",
            "fail",
            "ticket T-7 is in partition 3 of ticket-created and 1 of agent-replied",
            "partitioner=murmur2_random",
        ),
        (
            WELL._replace(sample=Sample(9, 2, keyless=("agent-replied",))),
            *("keys", "fail", "agent-replied holds records with no key", "by its ticket id"),
        ),
        (WELL._replace(sample=Sample(9, 0)), "keys", "ok", "no ticket has events in two", ""),
        (WELL._replace(sample=Sample()), "keys", "ok", "there is no event yet", ""),
        (
            configured("agent-replied", cleanup_policy="compact,delete"),
            *("retention", "fail", "agent-replied is compacted", "cleanup.policy=delete"),
        ),
        (
            configured("agent-replied", retention_ms="7200000"),
            *("retention", "warn", "keeps events for 2.0 h only", "retention.ms=604800000"),
        ),
        (configured("agent-replied", retention_ms="-1"), "retention", "ok", "", ""),
        (
            changed("agent-replied", config=None),
            *("retention", "warn", "the settings of agent-replied cannot be read", "DescribeConf"),
        ),
        (without(CHANGELOG), "changelog", "ok", "`run` creates it", ""),
        (
            changed(CHANGELOG, partitions=12),
            *("changelog", "fail", "has 12 partitions, the input topics have 4", "--app-id"),
        ),
        (
            configured(CHANGELOG, cleanup_policy="compact,delete"),
            *("changelog", "fail", "cleanup.policy=compact,delete", "cleanup.policy=compact"),
        ),
        (
            changed(CHANGELOG, config=None),
            *("changelog", "warn", "cannot be read", "DescribeConfigs"),
        ),
        (
            without(CHANGELOG)._replace(hidden=frozenset({CHANGELOG})),
            *("output topics", "fail", "may not see it", "Read and Write"),
        ),
        (
            without("sla-breaches")._replace(
                creation={"sla-breaches": "topic authorization failed"}
            ),
            *("output topics", "fail", "may not create it (topic auth", "topics create --broker"),
        ),
        (
            configured("ticket-created", max_message_bytes="3000000"),
            *("output topics", "warn", "takes 2097152 bytes a record", "max.message.bytes=4048576"),
        ),
        (
            configured("sla-breaches", cleanup_policy="compact"),
            *("output topics", "warn", "sla-breaches is compacted", "cleanup.policy=delete"),
        ),
        (
            changed("sla-breaches", replicas=1),
            *("replicas", "warn", "of sla-breaches one broker has the only copy", "reassign"),
        ),
        (changed("sla-breaches", replicas=1)._replace(brokers=1), "replicas", "ok", "one", ""),
        (
            changed("agent-replied", may_read=False),
            *("may read", "fail", "may not read agent-replied", "Read --topic agent-replied"),
        ),
        (without(*TOPICS), "may read", "warn", "not checked", "mend that first"),
    ],
)
def test_each_thing_that_can_be_wrong_is_said_with_the_way_out(findings, name, state, found, mend):
    told = check(findings, name)
    assert told.state == state
    assert found in told.found
    assert mend in told.mend
    assert bool(told.mend) == (state != "ok")


@pytest.mark.parametrize(
    ("trial", "name", "state", "found", "mend"),
    [
        (
            Trial(transactional_id="transactional id authorization failed"),
            "transactions",
            "fail",
            "transactional ids that begin with sla-monitor-",
            "User:ann --operation Write --transactional-id sla-monitor- --resource-pattern-type",
        ),
        (Trial(transactional_id="no"), "may write", "warn", "not checked", "mend that first"),
        (Trial(transactional_id="no"), "group", "warn", "not checked", "mend that first"),
        (
            Trial(stuck="group coordinator not available"),
            *("transactions", "fail", "(group coordinator not", "replication.factor"),
        ),
        (
            Trial(writes={"sla-breaches": "topic authorization failed", "x": ""}, group=""),
            "may write",
            "fail",
            "may not write sla-breaches (topic authorization failed)",
            "--operation Write --topic sla-breaches",
        ),
        (
            Trial(writes={"x": "", "sla-breaches": "not leader for partition"}, group=""),
            *("may write", "fail", "sla-breaches cannot be written in a", "broker's log"),
        ),
        (Trial(disturbed=True), "transactions", "warn", "another doctor", "one after the other"),
        (Trial(disturbed=True), "may write", "warn", "not checked", "mend that first"),
        (Trial(group=""), "may write", "warn", "not checked", "mend that first"),
        (
            Trial(group="group authorization failed"),
            *("group", "fail", "may not use the group sla-monitor", "Read --group sla-monitor"),
        ),
    ],
)
def test_what_a_user_may_not_do_is_said_with_how_to_allow_it(trial, name, state, found, mend):
    told = check(WELL._replace(trial=trial), name)
    assert told.state == state
    assert found in told.found
    assert mend in told.mend


@pytest.mark.parametrize(
    ("skew", "state", "found"),
    [
        (Skew(-0.5, 0.5), "ok", "agree to within 0.50 s"),
        (Skew(-40.0, 0.3), "ok", "agree to within 40.00 s"),
        (Skew(0.9, 30.0), "ok", "within 30.00 s"),
        (Skew(1.4, 1.6), "warn", "1 s behind the broker: tickets are told late"),
        (Skew(-3.6, -3.4), "warn", "3 s ahead of the broker: tickets are told early"),
        (Skew(-300.2, -300.1), "fail", "300 s ahead of the broker"),
        (Skew(299.9, 300.4), "fail", "300 s behind the broker"),
    ],
)
def test_clocks_are_only_said_to_differ_by_what_is_certain(skew, state, found):
    told = check(WELL._replace(trial=WELL.trial._replace(skew=skew)), "clock")
    assert told.state == state
    assert found in told.found


def test_a_clock_that_could_not_be_read_is_not_called_right():
    told = check(WELL._replace(trial=WELL.trial._replace(skew=None)), "clock")
    assert (told.state, told.found.startswith("not checked")) == ("warn", True)


@pytest.mark.parametrize(
    ("members", "said"),
    [(None, "sla-monitor"), (0, "nobody is in it now"), (1, "1 member now"), (5, "5 members now")],
)
def test_the_group_is_shown_with_who_is_in_it(members, said):
    assert check(WELL._replace(members=members), "group").found.endswith(said)


@pytest.mark.parametrize(
    ("apis", "version"),
    [
        ({0: 13, 9: 10, 22: 5}, "4.2"),
        ({0: 11, 1: 17, 22: 5}, "3.9"),
        ({0: 9, 1: 12, 60: 0, 22: 4}, "2.8"),
        ({0: 3, 1: 5, 22: 0}, "0.11"),
        ({0: 2, 1: 3}, ""),
    ],
)
def test_a_broker_is_known_by_what_it_speaks(apis, version):
    assert kafka_version(WELL._replace(apis=apis)) == version


def test_the_exit_code_is_that_of_the_worst_and_a_warning_is_none():
    ok, warn = Check("a", "ok", "well"), Check("b", "warn", "hm", "see")
    fail = Check("c", "fail", "broken", "mend")
    policy = fail._replace(exit_code=BAD_POLICY)
    away = fail._replace(exit_code=BROKER_AWAY)
    assert exit_code([]) == exit_code([ok, warn]) == 0
    assert exit_code([ok, fail, warn]) == 1
    assert exit_code([policy, fail]) == 4
    assert exit_code([policy, fail, away]) == 3
