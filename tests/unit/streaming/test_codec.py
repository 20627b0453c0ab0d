"""Every kind of input a producer can send: what it becomes, or the sentence that sends it back."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import InputError
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import (
    SECOND,
    AgentReplied,
    CustomerChanged,
    SurveyAnswered,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.policy import DEFAULT_POLICY, Clock
from monitor.sla.ticket import Kind, Telling
from monitor.streaming.codec import AHEAD, Decoder, UnusableError, cloud_event, event_id, rfc3339

NOON = 1_769_860_800 * SECOND
TIME = '"2026-01-31T12:00:00Z"'
TIME_FIELD = {
    "ticket-created": "created_at",
    "agent-replied": "replied_at",
    "ticket-closed": "closed_at",
}
REQUIRED = {
    "ticket-created": ("ticket_id", "channel", "created_at"),
    "agent-replied": ("ticket_id", "replied_at"),
    "ticket-closed": ("ticket_id", "closed_at"),
}
TOPICS = tuple(TIME_FIELD)
DECODER = Decoder(DEFAULT_POLICY)


def body(topic, *, without="", **fields):
    """Return a good event as JSON text, with some fields as given (raw JSON) or left out."""
    good = {"ticket_id": '"T1"', TIME_FIELD[topic]: TIME}
    if topic == "ticket-created":
        good["channel"] = '"chat"'
    good |= {TIME_FIELD[topic] if name == "time" else name: raw for name, raw in fields.items()}
    return "{" + ", ".join(f'"{k}": {v}' for k, v in good.items() if k != without) + "}"


def made(topic, ticket_id="T1", at=NOON):
    if topic == "ticket-created":
        return TicketCreated(ticket_id, "chat", at)
    return (AgentReplied if topic == "agent-replied" else TicketClosed)(ticket_id, at)


def read(topic, value, key=b"T1", wall=NOON):
    if isinstance(value, str):
        value = value.encode()
    return DECODER.reader(topic)(key, value, wall)


def reason(topic, value, key=b"T1", wall=NOON):
    with pytest.raises(UnusableError) as refused:
        read(topic, value, key, wall)
    return str(refused.value)


def is_a_sentence_to_act_on(text):
    """One line of plain characters, no longer than a screen, saying what is wrong; what to do."""
    assert text.isprintable(), text
    assert len(text) <= 400, len(text)
    assert re.match(r"[a-z{]", text) or text.startswith("JSON"), text
    assert not text.startswith("jSON"), text
    wrong, _, remedy = text.partition("; ")
    assert wrong, text
    assert re.search(r"\b(send|write|correct|check|key|add)\b", remedy), text


# -- what no topic takes; {field} stands for the topic's time field

WHOLE = {
    "nothing": (b"", "truncated; send the whole JSON object"),
    "spaces": (b"  ", "truncated; send the whole JSON object"),
    "null value": (None, "the record has no value; send the event as a JSON object"),
    "JSON null": (b"null", "got null; send one JSON object a record"),
    "an array": (b"[]", "got array; send one JSON object a record"),
    "an array of events": (b'[{"ticket_id": "T1"}]', "got array; send one JSON object a record"),
    "a number": (b"42", "got int; send one JSON object a record"),
    "a fraction": (b"4.2", "got float; send one JSON object a record"),
    "a boolean": (b"true", "got bool; send one JSON object a record"),
    "a string": (b'"T1"', "got str; send one JSON object a record"),
    "plain text": (b"ticket T1 was answered", "malformed"),
    "XML": (b"<event/>", "malformed"),
    "a Python dict": (b"{'ticket_id': 'T1'}", "object keys must be strings"),
    "an opened brace": (b"{", "truncated; send the whole JSON object"),
    "half an object": (b'{"ticket_id": "T1"', "truncated; send the whole JSON object"),
    "half a string": (b'{"ticket_id": "T', "truncated; send the whole JSON object"),
    "an empty object": (b"{}", "missing required field ticket_id; send the field"),
    "a zero byte": (b"\0", "malformed"),
    "UTF-16": ('{"ticket_id": "T1"}'.encode("utf-16"), "malformed"),
    "Avro's magic": (b"\0\0\0\0\1\x04T1", "malformed"),
    "gzip": (b"\x1f\x8b\x08\0", "malformed"),
    "deep arrays": (b"[" * 100_000, "JSON object"),
    "deep objects": (b'{"x":' * 100_000, "JSON"),
    "deep unknown field": (b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "JSON"),
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("what", WHOLE)
def test_what_is_no_event_at_all_goes_back_with_a_reason(topic, what):
    value, piece = WHOLE[what]
    text = reason(topic, value)
    assert piece in text
    is_a_sentence_to_act_on(text)


PARTS = {
    "trailing junk": (lambda t: body(t) + " x", "trailing characters"),
    "two objects": (lambda t: body(t) + body(t), "trailing characters"),
    "two lines": (lambda t: body(t) + "\n" + body(t), "trailing characters"),
    "a trailing comma": (lambda t: body(t)[:-1] + ",}", "trailing comma"),
    "a comment": (lambda t: body(t) + " // done", "trailing characters"),
    "a byte order mark": (lambda t: "\ufeff" + body(t), "malformed"),
    "invalid UTF-8": (
        lambda t: body(t, ticket_id='"@"').encode().replace(b"@", b"\xff"),
        "is not UTF-8 text",
    ),
    "Latin-1": (
        lambda t: body(t, ticket_id='"@"').encode().replace(b"@", "\xfc".encode("latin-1")),
        "is not UTF-8 text",
    ),
    "a surrogate in UTF-8": (
        lambda t: body(t, ticket_id='"@"').encode().replace(b"@", b"\xed\xa0\x80"),
        "is not UTF-8 text",
    ),
    "half an escaped surrogate": (lambda t: body(t, ticket_id=r'"\ud800"'), "surrogate"),
    "NaN": (lambda t: body(t, score="NaN"), "malformed"),
    "Infinity": (lambda t: body(t, score="-Infinity"), "malformed"),
    "NaN as time": (lambda t: body(t, time="NaN"), "malformed"),
    "a control character": (lambda t: body(t, ticket_id='"T\n1"'), "malformed"),
    "empty ticket id": (lambda t: body(t, ticket_id='""'), "ticket_id is empty; send"),
    "null ticket id": (lambda t: body(t, ticket_id="null"), "got null in field ticket_id"),
    "true as ticket id": (lambda t: body(t, ticket_id="true"), "got bool in field ticket_id"),
    "fraction as ticket id": (lambda t: body(t, ticket_id="1.5"), "float in field ticket_id"),
    "list as ticket id": (lambda t: body(t, ticket_id='["T1"]'), "got array in field ticket_id"),
    "object as ticket id": (lambda t: body(t, ticket_id="{}"), "got object in field ticket_id"),
    "endless ticket id": (lambda t: body(t, ticket_id="1" * 9999), "out of range in field ticket_"),
    "null time": (lambda t: body(t, time="null"), "got null in field {field}; write the time"),
    "seconds as time": (lambda t: body(t, time="1769860800"), "got int in field {field}; write th"),
    "float as time": (lambda t: body(t, time="1769860800.5"), "float in field {field}; write the"),
    "true as time": (lambda t: body(t, time="true"), "got bool in field {field}; write the time"),
    "object as time": (lambda t: body(t, time="{}"), "got object in field {field}; write the time"),
    "empty time": (lambda t: body(t, time='""'), "in field {field}; write the time as 2026-01"),
    "a word as time": (lambda t: body(t, time='"yesterday"'), "in field {field}; write the time"),
    "naive time": (
        lambda t: body(t, time='"2026-01-31T12:00:00"'),
        "timezone component in field {field}; write the time with its offset, as 2026-01-31T12:00",
    ),
    "a date only": (lambda t: body(t, time='"2026-01-31"'), "in field {field}; write the time as"),
    "a time only": (lambda t: body(t, time='"12:00:00Z"'), "in field {field}; write the time as"),
    "no seconds": (lambda t: body(t, time='"2026-01-31T12:00Z"'), "in field {field}; write the t"),
    "basic form": (lambda t: body(t, time='"20260131T120000Z"'), "in field {field}; write the ti"),
    "a comma fraction": (lambda t: body(t, time='"2026-01-31T12:00:00,5Z"'), "in field {field}; w"),
    "a space before": (lambda t: body(t, time='" 2026-01-31T12:00:00Z"'), "in field {field}; wri"),
    "hours as offset": (lambda t: body(t, time='"2026-01-31T12:00:00+1"'), "in field {field}; wr"),
    "offset too far": (lambda t: body(t, time='"2026-01-31T12:00:00+25:00"'), "in field {field};"),
    "a zone's name": (lambda t: body(t, time='"2026-01-31T12:00:00 CET"'), "in field {field}; w"),
    "impossible date": (lambda t: body(t, time='"2026-02-30T12:00:00Z"'), "in field {field}; wri"),
    "no leap year": (lambda t: body(t, time='"2026-02-29T12:00:00Z"'), "in field {field}; write"),
    "impossible hour": (lambda t: body(t, time='"2026-01-31T24:00:00Z"'), "in field {field}; wri"),
    "a leap second": (lambda t: body(t, time='"2016-12-31T23:59:60Z"'), "in field {field}; write"),
    "year 0": (lambda t: body(t, time='"0000-01-01T00:00:00Z"'), "in field {field}; write the ti"),
    "year 10000": (lambda t: body(t, time='"10000-01-01T00:00:00Z"'), "in field {field}; write th"),
    "year 1": (lambda t: body(t, time='"0001-01-01T00:00:00Z"'), "{field} is 0001-01-01T00:00:00"),
    "before year 1": (lambda t: body(t, time='"0001-01-01T00:00:00+14:00"'), "{field} is 0001-01"),
    "the epoch": (lambda t: body(t, time='"1970-01-01T00:00:00Z"'), "looks like an unset date"),
    "year 1970": (lambda t: body(t, time='"1970-12-31T23:59:59Z"'), "looks like an unset date"),
    "year 9998": (lambda t: body(t, time='"9998-12-31T23:59:59Z"'), "ahead of the wall clock; ch"),
    "year 9999": (lambda t: body(t, time='"9999-12-31T23:59:59Z"'), "looks like an unset date"),
    "after year 9999": (
        lambda t: body(t, time='"9999-12-31T23:59:59-14:00"'),
        "looks like an unset date",
    ),
    "tomorrow": (lambda t: body(t, time='"2026-02-01T12:00:00Z"'), "lies 86400 s ahead of the wal"),
    "local time called UTC": (
        lambda t: body(t, time='"2026-01-31T13:00:00Z"'),
        "lies 3600 s ahead of the wall clock; check the producer's clock and time zone",
    ),
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("what", PARTS)
def test_an_event_with_a_wrong_part_goes_back_with_a_reason(topic, what):
    make, piece = PARTS[what]
    text = reason(topic, make(topic))
    assert piece.format(field=TIME_FIELD[topic]) in text
    is_a_sentence_to_act_on(text)


@pytest.mark.parametrize(
    ("topic", "field"), [(topic, field) for topic in TOPICS for field in REQUIRED[topic]]
)
def test_a_missing_field_is_named(topic, field):
    text = reason(topic, body(topic, without=field))
    assert text == f"object missing required field {field}; send the field"


@pytest.mark.parametrize(
    ("fields", "piece"),
    [
        ({"channel": '"fax"'}, 'no policy names the channel "fax"; the policy has phone, chat,'),
        ({"channel": '"Chat"'}, 'no policy names the channel "Chat"'),
        ({"channel": '"chat "'}, 'no policy names the channel "chat "'),
        ({"channel": '""'}, 'no policy names the channel ""'),
        ({"channel": r'"\u0430hat"'}, "no policy names the channel"),
        ({"channel": r'"fa\nx"'}, "no policy names the channel"),
        ({"channel": r'"\u0000"'}, "no policy names the channel"),
        ({"channel": '"' + "x" * 100_000 + '"'}, "no policy names the channel"),
        ({"channel": "null"}, "got null in field channel; correct the field"),
        ({"channel": "1"}, "got int in field channel; correct the field"),
        ({"channel": '["chat"]'}, "got array in field channel; correct the field"),
        ({"priority": "1.5"}, "got float in field priority; correct the field"),
        ({"priority": "true"}, "got bool in field priority; correct the field"),
        ({"team": "{}"}, "got object in field team; correct the field"),
        ({"team": '["billing"]'}, "got array in field team; correct the field"),
        ({"team": "1" * 9999}, "out of range in field team; correct the field"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_creation_with_a_wrong_field_goes_back_with_a_reason(fields, piece):
    text = reason("ticket-created", body("ticket-created", **fields))
    assert piece in text
    is_a_sentence_to_act_on(text)


@pytest.mark.parametrize("raw", ['"yes"', '"false"', "0", "1", "[]", "{}"])
def test_a_reply_that_may_be_automated_or_not_goes_back(raw):
    text = reason("agent-replied", body("agent-replied", automated=raw))
    assert "in field automated; correct the field" in text
    is_a_sentence_to_act_on(text)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    ("key", "piece"),
    [
        (None, 'the record has no key; key it by its ticket id "T1"'),
        (b"", 'its key "" is not its ticket id "T1"'),
        (b"T2", 'its key "T2" is not its ticket id "T1"; key every topic by ticket id'),
        (b"t1", 'its key "t1" is not its ticket id "T1"'),
        (b" T1", 'its key " T1" is not its ticket id "T1"'),
        (b'"T1"', 'its key ""T1"" is not its ticket id "T1"'),
        (b"T1\n", "is not its ticket id"),
        (b"T2\r\nx: y", "is not its ticket id"),
        (b"\0\0\0\1T1", "is not its ticket id"),
        (b"\xff\xfe", "is not its ticket id"),
        ("T1".encode("utf-16"), "is not its ticket id"),
        (b"x" * 100_000, "is not its ticket id"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_key_unlike_the_ticket_id_goes_back_with_a_reason(topic, key, piece):
    text = reason(topic, body(topic), key=key)
    assert piece in text
    is_a_sentence_to_act_on(text)


@pytest.mark.parametrize("ticket_id", ["x" * 100_000, r"a\nb", r"\u001b[31m", r"\u202e"])
@pytest.mark.parametrize("key", [None, b"T1"])
def test_a_strange_ticket_id_does_not_spoil_the_sentence(ticket_id, key):
    is_a_sentence_to_act_on(
        reason("ticket-closed", body("ticket-closed", ticket_id=f'"{ticket_id}"'), key)
    )


def test_a_time_ahead_is_named_with_its_field():
    text = reason("agent-replied", body("agent-replied", time='"2026-02-01T12:00:00Z"'))
    assert "replied_at" in text


# -- what is taken, and as what

TAKEN_TIMES = {
    '"2026-01-31T12:00:00z"': NOON,
    '"2026-01-31t12:00:00Z"': NOON,
    '"2026-01-31 12:00:00Z"': NOON,
    '"2026-01-31T13:00:00+01:00"': NOON,
    '"2026-01-31T13:00:00+0100"': NOON,
    '"2026-01-31T06:30:00-05:30"': NOON,
    '"2026-01-31T12:00:00-00:00"': NOON,
    '"2026-02-01T11:59:00+23:59"': NOON,
    '"2026-01-31T11:59:59.5Z"': NOON - 500_000,
    '"2026-01-31T11:59:59.999999Z"': NOON - 1,
    '"2026-01-31T11:59:59.999999000Z"': NOON - 1,
    '"2026-01-31T11:59:59.123456789Z"': NOON - 876_543,
    '"2026-01-31T11:59:59.123456489Z"': NOON - 876_544,
    '"2024-02-29T00:00:00Z"': 1_709_164_800 * SECOND,
    '"1971-01-01T00:00:00Z"': 31_536_000 * SECOND,
    r'"2026-01-31T12:00:00\u005a"': NOON,
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("raw", TAKEN_TIMES)
def test_a_time_with_an_offset_is_taken_to_the_microsecond(topic, raw):
    assert read(topic, body(topic, time=raw)) == made(topic, at=TAKEN_TIMES[raw])


@pytest.mark.parametrize("topic", TOPICS)
def test_a_time_up_to_ten_minutes_ahead_is_taken(topic):
    assert read(topic, body(topic), wall=NOON - AHEAD) == made(topic)
    assert "ahead of the wall clock" in reason(topic, body(topic), wall=NOON - AHEAD - 1)
    assert AHEAD == 600 * SECOND


@pytest.mark.parametrize("topic", TOPICS)
def test_an_event_of_a_file_has_no_wall_clock_to_be_ahead_of(topic):
    far = body(topic, time='"2126-01-31T12:00:00Z"')
    assert DECODER.event(topic, far).at > NOON + AHEAD
    assert DECODER.event(topic, far) == DECODER.event(topic, far.encode())


TAKEN_IDS = {
    '"T1"': "T1",
    "1": "1",
    "0": "0",
    "-7": "-7",
    "12345678901234567890123": "12345678901234567890123",
    '"007"': "007",
    '" "': " ",
    '"a/b c#d"': "a/b c#d",
    '"Łódź-1"': "Łódź-1",
    '"工单一"': "工单一",
    r'"\u5de5"': "工",
    r'"\ud83c\udfab"': "🎫",
    '"🎫"': "🎫",
    r'"a\"b"': 'a"b',
    '"' + "x" * 1000 + '"': "x" * 1000,
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("raw", TAKEN_IDS, ids=lambda raw: raw[:20])
def test_a_ticket_id_is_text_whatever_it_is_made_of(topic, raw):
    ticket_id = TAKEN_IDS[raw]
    event = read(topic, body(topic, ticket_id=raw), key=ticket_id.encode())
    assert event == made(topic, ticket_id)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    "more",
    [
        {"type": '"something else"'},
        {"x": "null", "y": "[1, {}]", "z": "1e999"},
        {"Ticket_ID": '"T2"'},
        {"agent_id": "[]", "reason": "17"},
        {"x": "[" * 200 + "]" * 200},
    ],
    ids=str,
)
def test_unknown_fields_are_ignored(topic, more):
    assert read(topic, body(topic, **more)) == made(topic)


@pytest.mark.parametrize("topic", TOPICS)
def test_of_a_field_given_twice_the_last_counts(topic):
    assert read(topic, body(topic).replace("{", '{"ticket_id": "T2", ', 1)) == made(topic)


@pytest.mark.parametrize("topic", TOPICS)
def test_white_space_around_an_object_is_nothing(topic):
    assert read(topic, f"\r\n\t {body(topic)} \n") == made(topic)


@pytest.mark.parametrize(
    ("raw", "label"),
    [("null", ""), ('""', ""), ('"high"', "high"), ("1", "1"), ("-3", "-3"), ('"日本"', "日本")],
)
def test_a_label_is_text_and_none_is_empty(raw, label):
    value = body("ticket-created", team=raw, priority=raw)
    assert read("ticket-created", value) == TicketCreated("T1", "chat", NOON, label, label)


@pytest.mark.parametrize(
    ("raw", "automated"), [("true", True), ("false", False), ("null", False), (None, False)]
)
def test_a_reply_is_a_person_s_unless_it_says_otherwise(raw, automated):
    fields = {} if raw is None else {"automated": raw}
    event = read("agent-replied", body("agent-replied", **fields))
    assert event == AgentReplied("T1", NOON, automated)


def test_an_unusable_event_is_an_error_for_people():
    assert issubclass(UnusableError, InputError)


# -- whatever comes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("ticket_id", "created_at", "replied_at", "closed_at", "channel", "x")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
times = st.datetimes().map(lambda t: t.isoformat()) | st.builds(
    lambda t, sign, hours: f"{t.isoformat()}{sign}{hours:02}:00",
    st.datetimes(),
    st.sampled_from("+-"),
    st.integers(0, 23),
)


@st.composite
def nearly_events(draw):
    value = st.sampled_from(("T1", "chat", 1, "", None)) | times
    names = ("ticket_id", "channel", "created_at", "replied_at", "closed_at", "team", "automated")
    return json.dumps(draw(st.fixed_dictionaries(dict.fromkeys(names, value | json_values))))


@given(
    st.sampled_from(TOPICS),
    st.none() | st.binary(max_size=8) | st.just(b"T1"),
    st.none()
    | st.binary()
    | nearly_events().map(str.encode)
    | json_values.map(json.dumps).map(str.encode),
    st.sampled_from((0, NOON, 10**17)),
)
def test_no_bytes_raise_anything_but_unusable(topic, key, value, wall):
    try:
        event = DECODER.reader(topic)(key, value, wall)
    except UnusableError as refused:
        is_a_sentence_to_act_on(str(refused))
    else:
        assert event.ticket_id.encode() == key
        assert event.at <= wall + AHEAD


@given(st.sampled_from(TOPICS), st.data())
def test_no_damage_to_a_good_event_raises_anything_but_unusable(topic, data):
    damaged = bytearray(body(topic).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        DECODER.reader(topic)(b"T1", bytes(damaged), NOON)
    except UnusableError as refused:
        is_a_sentence_to_act_on(str(refused))


@given(st.sampled_from(TOPICS), st.text(st.characters(), max_size=40))
def test_no_text_raises_anything_but_unusable(topic, text):
    for value in (text, body(topic, ticket_id=f'"{text}"'), body(topic, time=f'"{text}"')):
        try:
            DECODER.event(topic, value)
        except UnusableError as refused:
            is_a_sentence_to_act_on(str(refused))


# -- what is told


def told(*, until, replies=(), policy=DEFAULT_POLICY):
    engine = Engine(policy)
    engine.apply([TicketCreated("T1", "chat", NOON, priority="high")])
    effects = engine.advance(until)
    return effects + engine.apply(replies)


def test_a_breach_is_a_cloud_event_with_all_a_reader_needs():
    _, breached = told(until=NOON + 121 * SECOND)
    assert cloud_event(breached, "//sla-monitor/x") == {
        "specversion": "1.0",
        "id": "T1/first_response/breached",
        "source": "//sla-monitor/x",
        "type": "sla.first_response.breached",
        "subject": "T1",
        "time": "2026-01-31T12:02:00Z",
        "datacontenttype": "application/json",
        "data": {
            "ticket_id": "T1",
            "channel": "chat",
            "team": None,
            "priority": "high",
            "created_at": "2026-01-31T12:00:00Z",
            "due_at": "2026-01-31T12:02:00Z",
            "waited_seconds": 120.0,
            "threshold_seconds": 120.0,
        },
    }


def test_an_answer_names_when_it_was_given_and_how_long_it_took():
    engine = Engine(DEFAULT_POLICY)
    engine.apply([TicketCreated("T1", "chat", NOON), AgentReplied("T1", NOON + 100_500_000)])
    at_risk, answered = [cloud_event(e, "s") for e in engine.advance(NOON + 200 * SECOND)]
    assert answered["data"]["replied_at"] == "2026-01-31T12:01:40.500Z" == answered["time"]
    assert answered["data"]["waited_seconds"] == 100.5
    assert at_risk["data"]["threshold_seconds"] == 90.0
    assert "replied_at" not in at_risk["data"]


def test_a_retraction_names_the_kinds_and_the_ids_that_it_takes_back():
    effects = told(until=NOON + 130 * SECOND, replies=[AgentReplied("T1", NOON + 80 * SECOND)])
    *_, retracted = [cloud_event(effect, "s") for effect in effects]
    assert retracted["type"] == "sla.first_response.retracted"
    assert retracted["id"] == "T1/first_response/retracted"
    assert retracted["data"]["kinds"] == ["at_risk", "breached"]
    assert retracted["data"]["retracts"] == [
        "T1/first_response/at_risk",
        "T1/first_response/breached",
    ]
    assert retracted["data"]["replied_at"] == "2026-01-31T12:01:20Z"
    assert retracted["time"] == "2026-01-31T12:02:10Z"


def test_a_kind_told_again_has_an_id_of_its_own():
    assert event_id("T1", Kind.BREACHED, 1) == "T1/first_response/breached"
    assert event_id("T1", Kind.BREACHED, 2) == "T1/first_response/breached/2"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_370_764_799_999_999
"""The last microsecond of the year 9998."""

moments = st.one_of(st.integers(0, LAST), st.integers(0, LAST // SECOND).map(lambda s: s * SECOND))
effects = st.builds(
    Effect,
    st.text(min_size=1, max_size=5),
    st.sampled_from(Kind),
    moments,
    st.integers(1, 3),
    st.sampled_from(("chat", "phone")),
    st.sampled_from(("", "billing")),
    st.sampled_from(("", "high")),
    moments,
    moments,
    st.integers(0, 10**13),
    st.integers(1, 10**12),
    st.none() | moments,
    st.none() | moments,
    st.lists(st.builds(Telling, st.sampled_from(Kind), moments, st.integers(1, 3))).map(tuple),
    st.sampled_from(("", "gold")),
    st.sampled_from(Clock),
    st.integers(0, 300),
)


@given(effects)
def test_every_cloud_event_has_what_the_specification_requires(effect):
    event = cloud_event(effect, "//sla-monitor/app")
    assert json.loads(json.dumps(event)) == event
    for attribute in ("id", "source", "specversion", "type"):
        assert isinstance(event[attribute], str)
        assert event[attribute]
    assert event["specversion"] == "1.0"
    assert all(re.fullmatch(r"[a-z0-9]+", name) for name in event if name != "data")
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    kind = effect.kind.name.lower()
    if effect.clock is Clock.RESOLUTION and effect.kind is Kind.ANSWERED:
        kind = "closed"
    assert event["type"] == f"sla.{effect.clock}.{kind}"
    run = f"{effect.clock}/{effect.number}" if effect.number else effect.clock
    assert event["id"].startswith(f"{effect.ticket_id}/{run}/{kind}")


@given(moments)
def test_a_moment_written_as_rfc_3339_reads_back_as_itself(us):
    text = rfc3339(us)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z", text)
    read_back = datetime.fromisoformat(text) - EPOCH
    assert (read_back.days * 86_400 + read_back.seconds) * SECOND + read_back.microseconds == us
    if us > 31_536_000 * SECOND:
        assert DECODER.event("ticket-closed", body("ticket-closed", time=f'"{text}"')).at == us


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOON, "2026-01-31T12:00:00Z"),
        (NOON + 1, "2026-01-31T12:00:00.000001Z"),
        (NOON + 1000, "2026-01-31T12:00:00.001Z"),
        (NOON + 500_000, "2026-01-31T12:00:00.500Z"),
    ],
)
def test_a_moment_has_as_many_decimals_as_it_needs(us, text):
    assert rfc3339(us) == text


# -- surveys and customers

SURVEY = (
    '{"survey_id": "S1", "ticket_id": "T1", "kind": "csat", "score": 4, '
    f'"answered_at": {TIME}, "comment": "nice"}}'
)
CHANGED = f'{{"customer_id": "C1", "change": "left", "at": {TIME}}}'


def test_a_survey_is_read_with_its_score_and_if_it_says_so_its_channel():
    assert read("survey-answered", SURVEY) == SurveyAnswered("S1", "T1", "csat", 4, NOON)
    told = SURVEY.replace('"comment": "nice"', '"channel": "chat", "team": 7')
    assert read("survey-answered", told) == SurveyAnswered("S1", "T1", "csat", 4, NOON, "chat", "7")


def test_a_change_of_a_customer_is_keyed_by_the_customer():
    left = CustomerChanged("C1", joined=False, at=NOON)
    assert read("customer-changed", CHANGED, b"C1") == left
    joined = CHANGED.replace("left", "joined")
    assert read("customer-changed", joined, b"C1") == CustomerChanged("C1", joined=True, at=NOON)


@pytest.mark.parametrize(
    ("topic", "value", "key", "words"),
    [
        ("survey-answered", SURVEY.replace("csat", "stars"), b"T1", "stars"),
        ("survey-answered", SURVEY.replace('"S1"', '""'), b"T1", "survey_id is empty"),
        ("survey-answered", SURVEY.replace("4", "-1"), b"T1", "score"),
        ("survey-answered", SURVEY, b"S1", 'its key "S1" is not its ticket id "T1"'),
        ("survey-answered", SURVEY.replace("csat", "nps").replace("4", "11"), b"T1", "0 to 10"),
        ("survey-answered", SURVEY.replace("csat", "nps").replace("4", "6.5"), b"T1", "whole"),
        ("customer-changed", CHANGED, b"T1", 'its key "T1" is not its customer id "C1"'),
        ("customer-changed", CHANGED, None, 'key it by its customer id "C1"'),
        ("customer-changed", CHANGED.replace("left", "gone"), b"C1", "gone"),
        ("customer-changed", CHANGED.replace('"C1"', '""'), b"C1", "customer_id is empty"),
    ],
)
def test_what_cannot_be_used_of_them_is_told_in_a_sentence(topic, value, key, words):
    assert words in reason(topic, value, key)


def test_of_a_customer_only_a_hash_is_kept_the_same_for_the_same_id():
    def hashed(customer_id):
        return read("ticket-created", body("ticket-created", customer_id=customer_id)).customer

    assert hashed('"c1"') == hashed('"c1"') != hashed('"c2"')
    assert hashed("7") == hashed('"7"')
    assert hashed("0") == hashed('"0"') != 0
    assert 0 < hashed('"c1"') < 2**32
    assert hashed("null") == hashed('""') == 0
