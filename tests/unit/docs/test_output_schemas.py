"""What readers are told to expect, held against what is written."""

import json
from copy import deepcopy

import pytest
from click.testing import CliRunner
from hypothesis import given

from monitor.cli import backtest
from monitor.sla.clocked import ClockedEngine
from monitor.sla.engine import Engine
from monitor.sla.events import (
    DAY,
    SECOND,
    AgentReplied,
    CustomerReplied,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.policy import DEFAULT_POLICY, EXPIRES_AFTER
from monitor.sla.ticket import Kind
from monitor.streaming.codec import cloud_event
from monitor.streaming.settings import Settings
from tests.support.histories import DATA, LARGEST_IS_SLOW, history
from tests.support.schemas import SCHEMAS, unnamed, validator
from tests.unit.sla.strategies import CLOCKED, policies, runs, talks

FIGURES = SCHEMAS["backtest"]["properties"]["channels"]["additionalProperties"]
T0 = 1_769_860_800 * SECOND
SOURCE = Settings("").source
MINUTE = 60 * SECOND


def told(*steps, policy=DEFAULT_POLICY):
    """Return what is told, step by step: events, and a clock until which to go on."""
    engine = ClockedEngine(policy) if policy.clocks else Engine(policy)
    effects = []
    for events, clock in steps:
        effects += engine.apply(events)
        effects += engine.advance(clock)
    return [cloud_event(effect, SOURCE) for effect in effects]


CREATED = TicketCreated("T-1", "chat", T0, "billing", "high")
OF_EACH_KIND = [
    *told(([CREATED], T0 + 3 * MINUTE), ([AgentReplied("T-1", T0 + 4 * MINUTE)], T0 + 5 * MINUTE)),
    *told(([CREATED], T0 + 3 * MINUTE), ([TicketClosed("T-1", T0 + 4 * MINUTE)], T0 + 5 * MINUTE)),
    *told(([CREATED], T0 + EXPIRES_AFTER + SECOND)),
    *told(([CREATED], T0 + 3 * MINUTE), ([AgentReplied("T-1", T0 + SECOND)], T0 + 4 * MINUTE)),
]


CLOCK = [TicketCreated("T-1", "chat", T0, "billing", "high", "gold"), AgentReplied("T-1", T0)]
OF_OTHER_CLOCKS = [
    *told(
        ([*CLOCK, CustomerReplied("T-1", T0 + MINUTE)], T0 + 3 * MINUTE),
        ([AgentReplied("T-1", T0 + 4 * MINUTE)], T0 + 5 * MINUTE),
        policy=CLOCKED,
    ),
    *told(([CLOCK[0]], T0 + 6 * MINUTE), ([TicketClosed("T-1", T0 + 420 * SECOND)], T0 + DAY)),
]


def events_of(kind):
    return [each for each in OF_EACH_KIND if each["type"] == f"sla.first_response.{kind}"]


@pytest.mark.parametrize("kind", [kind.name.lower() for kind in Kind])
def test_events_of_every_kind_are_as_the_schema_says_and_say_no_more(kind):
    assert events_of(kind)
    for event in events_of(kind):
        validator("sla-breaches").validate(event)
        assert unnamed("sla-breaches", event) == []


def test_every_field_that_the_schema_names_is_in_some_event():
    data = SCHEMAS["sla-breaches"]["properties"]["data"]["properties"]
    every = [*OF_EACH_KIND, *OF_OTHER_CLOCKS]
    assert {name for event in every for name in event["data"]} == set(data)
    assert {name for event in OF_EACH_KIND for name in event} == set(
        SCHEMAS["sla-breaches"]["properties"]
    )


@given(policies, runs())
def test_whatever_happens_to_tickets_what_is_told_is_as_the_schema_says(policy, steps):
    engine = Engine(policy)
    for step in steps:
        for effect in (*engine.apply(step.events), *engine.advance(step.now)):
            event = cloud_event(effect, SOURCE)
            validator("sla-breaches").validate(event)
            assert unnamed("sla-breaches", event) == []


@given(runs(of=talks()))
def test_what_other_clocks_tell_is_as_the_schema_says(steps):
    engine = ClockedEngine(CLOCKED)
    for step in steps:
        for effect in (*engine.apply(step.events), *engine.advance(step.now)):
            event = cloud_event(effect, SOURCE)
            validator("sla-breaches").validate(event)
            assert unnamed("sla-breaches", event) == []


WRONG = {
    "another version": ("breached", {"specversion": "0.3"}, {}),
    "an unknown type": ("breached", {"type": "sla.first_response.late"}, {}),
    "the id of another kind's number": ("breached", {"id": "T-1/first_response/breached/1"}, {}),
    "a time with an offset": ("breached", {"time": "2026-01-31T12:02:00+01:00"}, {}),
    "a wait below nothing": ("breached", {}, {"waited_seconds": -1}),
    "a wait as text": ("breached", {}, {"waited_seconds": "120"}),
    "a breach with a reply": ("breached", {}, {"replied_at": "2026-01-31T12:00:00Z"}),
    "an answer that takes back": ("answered", {}, {"kinds": ["breached"]}),
    "a retraction of nothing": ("retracted", {}, {"kinds": []}),
    "a retraction of a retraction": ("retracted", {}, {"kinds": ["retracted"]}),
}
MISSING = {
    "answered": "replied_at",
    "closed": "closed_at",
    "retracted": "retracts",
    "breached": "due_at",
}


@pytest.mark.parametrize("what", WRONG)
def test_an_event_that_is_wrong_is_not_as_the_schema_says(what):
    kind, attributes, data = WRONG[what]
    event = deepcopy(events_of(kind)[0])
    event |= attributes
    event["data"] |= data
    assert not validator("sla-breaches").is_valid(event)


@pytest.mark.parametrize("kind", MISSING)
def test_an_event_without_what_its_kind_has_is_not_as_the_schema_says(kind):
    event = deepcopy(events_of(kind)[0])
    del event["data"][MISSING[kind]]
    assert not validator("sla-breaches").is_valid(event)


def run(*args):
    result = CliRunner().invoke(backtest.command, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
def test_a_backtest_prints_what_its_schema_says_and_no_more(name):
    printed = json.loads(run(history(name), "--json"))
    validator("backtest").validate(printed)
    assert unnamed("backtest", printed) == []
    validator("backtest").validate(json.loads((DATA / f"{name}.tally.json").read_text()))


def test_what_a_backtest_prints_of_forecasts_is_as_its_schema_says_and_no_more():
    printed = json.loads(run(history("social-twitter-2018"), "--json", "--forecast"))
    validator("backtest").validate(printed)
    assert unnamed("backtest", printed) == []
    del printed["forecasts"]["social"]["likely_late"]["brier_score"]
    assert not validator("backtest").is_valid(printed)


def test_a_backtest_in_which_nobody_was_answered_is_as_its_schema_says(tmp_path):
    file = tmp_path / "one.jsonl"
    file.write_text(
        '{"type":"ticket-created","ticket_id":1,"channel":"chat",'
        '"created_at":"2026-01-31T12:00:00Z"}\n'
        '{"type":"ticket-closed","ticket_id":1,"closed_at":"2026-01-31T12:01:00Z"}\n'
    )
    printed = json.loads(run(file, "--json"))
    assert printed["channels"]["chat"]["service_level_ratio"] is None
    validator("backtest").validate(printed)


@pytest.mark.parametrize("key", FIGURES["required"])
def test_a_backtest_without_one_of_its_keys_is_not_as_its_schema_says(key):
    printed = json.loads((DATA / "email-rhelp-2007-06.tally.json").read_text())
    del printed["channels"]["email"][key]
    assert not validator("backtest").is_valid(printed)


LETTER = {
    "sla.topic": "ticket-created",
    "sla.partition": "3",
    "sla.offset": "0",
    "sla.reason": "object missing required field channel; send the field",
}


def test_a_dead_letter_keeps_the_headers_that_it_came_with():
    validator("sla-dead-letters.headers").validate(LETTER | {"traceparent": "00-abc"})


@pytest.mark.parametrize("name", LETTER)
def test_a_dead_letter_says_where_it_came_from_and_why(name):
    schema = validator("sla-dead-letters.headers")
    assert not schema.is_valid({key: value for key, value in LETTER.items() if key != name})
    assert not schema.is_valid(LETTER | {name: ""})


@pytest.mark.parametrize("wrong", ["-1", "1.5", "01", "x"])
@pytest.mark.parametrize("name", ["sla.partition", "sla.offset"])
def test_partition_and_offset_of_a_dead_letter_are_whole_numbers(name, wrong):
    assert not validator("sla-dead-letters.headers").is_valid(LETTER | {name: wrong})
