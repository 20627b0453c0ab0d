"""What producers are told to send, held against what the decoder takes, both ways.

A schema cannot say all of it. What it cannot say is written down in docs/schemas/README.md, and
here as `beyond_a_schema`: nothing else may be different.
"""

import json
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.cli.event_file import KINDS, read_events
from monitor.errors import InputError
from monitor.sla.policy import DEFAULT_POLICY
from monitor.streaming.codec import Decoder, UnusableError
from tests.support.histories import FILES, history
from tests.support.schemas import SCHEMAS, anything, instances, validator

DECODER = Decoder(DEFAULT_POLICY)
TIME_FIELD = {
    "ticket-created": "created_at",
    "agent-replied": "replied_at",
    "ticket-closed": "closed_at",
    "customer-replied": "replied_at",
    "survey-answered": "answered_at",
    "customer-changed": "at",
}
NOON = "2026-01-31T12:00:00Z"
GOOD = {
    "ticket-created": {
        "ticket_id": "T1",
        "channel": "chat",
        "created_at": NOON,
        "priority": 1,
        "team": "billing",
        "customer_id": "C-7",
    },
    "agent-replied": {"ticket_id": 1, "replied_at": NOON, "agent_id": "A-3", "automated": False},
    "ticket-closed": {"ticket_id": "T1", "closed_at": NOON, "reason": "spam"},
    "customer-replied": {"ticket_id": "T1", "replied_at": NOON},
    "survey-answered": {
        "survey_id": 7,
        "ticket_id": "T1",
        "kind": "nps",
        "score": 9,
        "answered_at": NOON,
        "channel": "chat",
        "team": "billing",
    },
    "customer-changed": {"customer_id": "C-7", "change": "joined", "at": NOON},
}

NAMES = (
    *("ticket_id", "survey_id", "customer_id"),
    *("team", "tier", "priority", "channel"),
)
"""What may be text or a whole number."""

kinds = st.sampled_from(KINDS)


def taken(kind, event):
    """Say whether the decoder takes an event."""
    try:
        DECODER.event(kind, json.dumps(event))
    except UnusableError:
        return False
    return True


def valid(kind, event):
    return validator(kind).is_valid(event)


def beyond_a_schema(kind, event):
    """Name what makes an event unusable although its schema allows it."""
    if kind == "ticket-created" and event["channel"] not in DEFAULT_POLICY.channels:
        return "a channel that the policy does not name"
    for name in NAMES:
        if name in SCHEMAS[kind]["properties"] and isinstance(event.get(name), float):
            return "a whole number written with a decimal point"
    is_nps = kind == "survey-answered" and event["kind"] == "nps"
    if is_nps and (event["score"] > 10 or event["score"] % 1):
        return "no nps score"
    if not is_a_date(event[TIME_FIELD[kind]]):
        return "no date of the calendar, or one that looks unset"
    return None


def is_a_date(text):
    """Say whether a time that matches the pattern is one of the years 1971 to 9998."""
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return 1971 <= time.year < 9999


def agree(kind, event):
    """Assert that schema and decoder say the same, but for what no schema can say."""
    if not valid(kind, event):
        assert not taken(kind, event), event
    else:
        assert taken(kind, event) == (beyond_a_schema(kind, event) is None), event


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one_of_draft_2020_12(name):
    assert SCHEMAS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_in_a_schema_is_one(kind):
    for name, schema in SCHEMAS[kind]["properties"].items():
        for value in schema.get("examples", ()):
            event = GOOD[kind] | {name: value}
            assert valid(kind, event)
            assert taken(kind, event)


def test_all_events_say_the_same_of_times_and_of_ticket_ids():
    times = [SCHEMAS[kind]["properties"][field] for kind, field in TIME_FIELD.items()]
    assert len({time["pattern"] for time in times}) == 1
    ids = [SCHEMAS[kind]["properties"].get("ticket_id") for kind in KINDS]
    assert ids == [ids[0]] * 5 + [None]


@given(kinds.flatmap(lambda kind: st.tuples(st.just(kind), instances(SCHEMAS[kind]))), st.data())
def test_what_a_schema_allows_the_decoder_takes(drawn, data):
    kind, event = drawn
    assert valid(kind, event)
    if kind == "ticket-created" and data.draw(st.booleans()):
        event["channel"] = data.draw(st.sampled_from(sorted(DEFAULT_POLICY.channels)))
    agree(kind, event)


near = st.sampled_from(
    (
        *("", "T1", "chat", "fax", NOON, "2026-01-31T12:00:00", "2026-02-30T12:00:00Z"),
        *("2026-01-31 12:00:00+0100", "2026-01-31T12:00:00+01", "2026-01-31T24:00:00Z"),
        *("1970-01-01T00:00:00Z", "1970-12-31T23:00:00-02:00", "9999-01-01T00:00:00+14:00"),
        *(f"{NOON}\n", f" {NOON}", "2026-01-31T12:00:00.Z", "2016-12-31T23:59:60Z"),
        *(1, 1.0, 1.5, -0.0, 10**30, True, None),
    )
)
damaged_times = st.builds(
    lambda at, text, length: NOON[:at] + text + NOON[at + length :],
    st.integers(0, len(NOON)),
    st.text("0123456789:-+.TtZz \n٣", max_size=3),
    st.integers(0, 3),
)


@st.composite
def mutated(draw):
    """Draw a good event of which some fields are gone, others anything."""
    kind = draw(kinds)
    event = deepcopy(GOOD[kind])
    for name in draw(st.lists(st.sampled_from(list(event)), min_size=1, max_size=3)):
        if draw(st.integers(0, 4)):
            event[name] = draw(near | damaged_times | anything)
        else:
            event.pop(name, None)
    return kind, event


@given(mutated())
@example(("ticket-closed", {"ticket_id": 1.0, "closed_at": NOON}))
@example(("ticket-closed", {"ticket_id": "", "closed_at": NOON}))
@example(("ticket-closed", {"ticket_id": "T1", "closed_at": "2026-01-31T12:00:00"}))
@example(("ticket-closed", {"ticket_id": "T1", "closed_at": "2026-01-31t13:00:00.5+0100"}))
@example(("ticket-created", GOOD["ticket-created"] | {"team": True}))
@example(("agent-replied", GOOD["agent-replied"] | {"automated": "false"}))
@example(("ticket-closed", {"ticket_id": "T1", "closed_at": f"{NOON}\n"}))
@example(("ticket-closed", {"ticket_id": "T1", "closed_at": "2026-01-31T1٣:00:00Z"}))
def test_of_damaged_events_the_decoder_takes_just_those_that_the_schema_allows(drawn):
    agree(*drawn)


@given(kinds, anything)
def test_no_other_json_value_is_allowed_or_taken(kind, value):
    assert not valid(kind, value)
    assert not taken(kind, value)


def refused_line(path):
    """Return why a file of one event is refused, or None."""
    try:
        for line in read_events(path):
            DECODER.event(line.kind, line.raw)
    except InputError as reason:
        return str(reason)
    return None


@given(mutated(), st.sampled_from(KINDS) | st.none() | anything)
def test_a_line_of_a_file_is_an_event_and_its_type(tmp_path_factory, drawn, kind):
    _, event = drawn
    line = {"type": kind, **event}
    path = tmp_path_factory.getbasetemp() / "line.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    if not validator("event-file-line").is_valid(line):
        assert refused_line(path), line
    else:
        assert (refused_line(path) is None) == (beyond_a_schema(kind, event) is None), line


@pytest.mark.parametrize("name", FILES)
def test_the_lines_of_the_real_histories_are_allowed(name):
    lines = [line.raw for _, line in zip(range(300), read_events(history(name)), strict=False)]
    assert len(lines) == 300
    for line in lines:
        validator("event-file-line").validate(json.loads(line))
