import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import PolicyError
from monitor.sla.events import DAY, SECOND
from monitor.sla.policy import DEFAULT_POLICY, EXPIRES_AFTER, Formula, Policy, Target
from monitor.sla.policy_file import dump_policy, parse_policy

MINUTE = 60 * SECOND
CHAT = "channels:\n  chat: {at_risk: 90s, limit: 2m}\n"
ONE = {"chat": Target(90 * SECOND, 2 * MINUTE)}


def chat(fields: str) -> str:
    return f"channels:\n  chat: {fields}\n"


BROKEN = {
    "an empty file": ("", 1, "the file is empty; write channels:"),
    "only a comment": ("# later\n", 1, "the file is empty"),
    "a list on top": ("- chat\n", 1, "the file is a list; write"),
    "a word on top": ("\nchat\n", 2, "the file is a single value; write"),
    "no channels": ("teams: [billing]\n", 1, "the file has no channels; write channels:"),
    "null channels": ("channels:\nteams: [a]\n", 1, "channels: is empty; write"),
    "empty channels": ("channels: {}\n", 1, "channels: names no channel; write"),
    "channels as a list": ("channels: [chat]\n", 1, "channels: is a list; write"),
    "a misspelt key on top": (f"{CHAT}team: [a]\n", 3, "team: is no key here; did you mean teams?"),
    "a channel on top": (f"{CHAT}email: {{limit: 1h}}\n", 3, "the keys are channels, formula, tea"),
    "channels twice": (CHAT + CHAT, 3, "channels: is given twice, first on line 1; keep one"),
    "a channel twice": (f"{CHAT}  chat: {{limit: 1h}}\n", 3, "channels.chat: is given twice"),
    "a channel with no mapping": (chat("2m"), 2, "channels.chat: is a single value; write {at_ri"),
    "a channel as a list": (chat("[2m]"), 2, "channels.chat: is a list; write {at_risk: 80%"),
    "a null channel": (chat(""), 2, "channels.chat: is empty; write {at_risk: 80%, limit: 2m}"),
    "a target with no limit": (chat("{at_risk: 90s}"), 2, "chat: limit is missing; write"),
    "an empty target": (chat("{}"), 2, "channels.chat: limit is missing; write"),
    "a misspelt limit": (chat("{limt: 2m}"), 2, "chat.limt: is no key here; did you mean limit?"),
    "a key in capitals": (chat("{Limit: 2m}"), 2, "Limit: is no key here; did you mean limit?"),
    "a key like no other": (chat("{limit: 2m, x: 1}"), 2, "the keys are at_risk, limit, share"),
    "a limit twice": (chat("{limit: 2m, limit: 3m}"), 2, "chat.limit: is given twice"),
    "no space after a colon": (chat("{limit:2m}"), 2, "a space is missing after the colon; write"),
    "a limit with no unit": (
        chat("\n    limit: 2"),
        3,
        'channels.chat.limit: "2" has no unit; write 2m, 90s or 24h',
    ),
    "a sexagesimal limit": (chat("{limit: 1:30}"), 2, '"1:30" has colons for units; write 1h30m'),
    "a limit in words": (chat("{limit: soon}"), 2, '"soon" is not a duration; write 2m'),
    "a limit of nothing": (chat("{limit: 0s}"), 2, '"0s" is no time at all; write'),
    "a negative limit": (chat("{limit: -2m}"), 2, '"-2m" is negative; write'),
    "a limit as a percentage": (chat("{limit: 80%}"), 2, "is a percentage; write a time"),
    "a limit of 30 days": (chat("{limit: 30d}"), 2, "a ticket expires after 30 d; write less"),
    "a limit of 1,000 years": (chat("{limit: 365000d}"), 2, "is over a hundred years; write"),
    "a null limit": (chat("{limit: ~}"), 2, "channels.chat.limit: is empty; write 2m"),
    "a blank limit": (chat("{limit: ' '}"), 2, "is empty; write 2m"),
    "a limit as a list": (chat("\n    limit:\n      - 2m"), 3, "chat.limit: is a list; write 2m"),
    "at risk at the limit": (
        chat("{limit: 1m, at_risk: 60s}"),
        2,
        '"60s" is not below the limit of 1 min; write 80% or less than 1m',
    ),
    "at risk after the limit": (chat("{limit: 1m, at_risk: 2m}"), 2, "is not below the limit"),
    "at risk at 100 %": (chat("{limit: 1m, at_risk: 100%}"), 2, "is not below the limit of 1 min"),
    "at risk at once": (chat("{limit: 1m, at_risk: 0%}"), 2, '"0%" is no time at all; write 80%'),
    "at risk over 100 %": (chat("{limit: 1m, at_risk: 120%}"), 2, '"120%" is over 100 %; write'),
    "at risk as a number": (chat("{limit: 1m, at_risk: 0.8}"), 2, "has no unit; write 80% or 90s"),
    "at risk below nothing": (
        chat("{limit: 1m, at_risk: -5%}"),
        2,
        '"-5%" is not a percentage; write',
    ),
    "a bare percent sign": (chat("{limit: 1m, at_risk: '%'}"), 2, "is not a percentage; write a"),
    "a percent sign first": (chat("{limit: 1m, at_risk: %80}"), 2, "write a percentage as 80%"),
    "a share of 0": (chat("{limit: 1m, share: 0}"), 2, "asks for no answer at all; write 90%"),
    "a share of 0 %": (chat("{limit: 1m, share: 0.0%}"), 2, "asks for no answer at all"),
    "a share of 90": (chat("{limit: 1m, share: 90}"), 2, '"90" is more than all of 1; write 90%'),
    "a share over 100 %": (chat("{limit: 1m, share: 101%}"), 2, '"101%" is over 100 %; write'),
    "a share in words": (chat("{limit: 1m, share: most}"), 2, '"most" is not a percentage; write'),
    "a share that is no number": (chat("{limit: 1m, share: .nan}"), 2, "is not a percentage"),
    "a share as a mapping": (chat("{limit: 1m, share: {a: 1}}"), 2, "share: is a mapping; write"),
    "a misspelt formula": (
        f"{CHAT}formula: abandon_ignore\n",
        3,
        'formula: "abandon_ignore" is no formula; did you mean abandon_ignored?',
    ),
    "another formula": (f"{CHAT}formula: X\n", 3, "write one of abandon_ignored, answered_only, a"),
    "a short abandon with no unit": (
        f"{CHAT}short_abandon: 5\n",
        3,
        'short_abandon: "5" has no unit',
    ),
    "a score in words": (
        f"{CHAT}satisfied_from: good\n",
        3,
        '"good" is not a score; write a number',
    ),
    "an age twice": (f"{CHAT}backlog: [1h, 60m]\n", 3, 'backlog[1]: "60m" is not more than'),
    "an age after which a ticket expires": (f"{CHAT}backlog: [40d]\n", 3, '"40d" is too long'),
    "a null formula": (f"{CHAT}formula:\n", 3, "formula: is empty; write abandon_ignored"),
    "one team": (f"{CHAT}teams: billing\n", 3, "teams: is a single value; write a list of names"),
    "null teams": (f"{CHAT}teams:\n", 3, "teams: is empty; write a list of names"),
    "a team twice": (f"{CHAT}teams:\n  - a\n  - a\n", 5, 'teams[1]: "a" is listed twice; keep one'),
    "the reserved team": (f"{CHAT}teams: [other]\n", 3, '"other" is the name for all teams not'),
    "a null team": (f"{CHAT}teams: [~]\n", 3, "teams[0]: is empty; write a name"),
    "a team as a list": (f"{CHAT}teams: [[a]]\n", 3, "teams[0]: is a list; write a name"),
    "a team with a sign": (f"{CHAT}teams: ['a\"b']\n", 3, "the name has the character"),
    "a channel with no name": ("channels:\n  '': {limit: 1m}\n", 2, 'channels."": a name is empty'),
    "a channel of spaces": ("channels:\n  ' ': {limit: 1m}\n", 2, "a name is empty; write one"),
    "a space at the end": ("channels:\n  'a ': {limit: 1m}\n", 2, "begins or ends with a space"),
    "a control character": (
        'channels:\n  "a\\nb": {limit: 1m}\n',
        2,
        'channels."a\\nb": the name has the character "\\n"; write letters, digits, spaces and',
    ),
    "half a character": ('channels:\n  "\\uD800": {limit: 1m}\n', 2, "the name has the character"),
    "a turned name": ('channels:\n  "a\\u202Eb": {limit: 1m}\n', 2, '"\\u202e"; write letters'),
    "a long name": (f"channels:\n  {'x' * 65}: {{limit: 1m}}\n", 2, "has 65 characters; write one"),
    "a null name": ("channels:\n  ~: {limit: 1m}\n", 2, 'the name has the character "~"; write'),
    "a list as a key": ("channels:\n  [a]: {limit: 1m}\n", 2, "a list cannot be a key; write"),
    "a merge key": (f"{CHAT}  <<: {{a: 1}}\n", 3, "merge keys are not taken; write the keys out"),
    "an alias": ("channels:\n  a: &a {limit: 1m}\n  b: *a\n", 3, "write the values out instead of"),
    "an alias to nothing": ("channels:\n  b: *a\n", 2, "write the values out instead of *name"),
    "an alias to itself": ("channels: &a\n  b: *a\n", 2, "write the values out instead of *name"),
    "a tab": ("channels:\n\tchat: {limit: 2m}\n", 2, "write spaces: YAML takes no tabs here"),
    "two documents": (f"{CHAT}---\n{CHAT}", 3, "found another document; keep one"),
    "an open brace": (chat("{limit: 2m"), 2, "close each { with }"),
    "a comma too few": (
        "channels: {\n  chat: {limit: 2m}\n  email: {limit: 1h}\n}\n",
        3,
        "with commas between",
    ),
    "a brace too many": (chat("{limit: 2m}}"), 2, "close no bracket twice"),
    "an open quote": (chat('{limit: "2m}'), 2, "close the quotes"),
    "a crooked indent": (f"{CHAT} teams: [a]\n", 3, "indent the keys of one mapping alike"),
    "a value with a value below": ("channels: 1\n  chat: 2\n", 2, "one key: value on a line"),
    "a key with no colon": (f"{CHAT}teams\nformula: x\n", 3, "write key: value, with a colon"),
    "a character of YAML's own": (chat("{limit: @2m}"), 2, "column 17: found character '@'"),
    "a bell": (
        f"{CHAT}teams: [\a]\n",
        3,
        "the character U+0007 may not stand in YAML; take it out",
    ),
    "an impossible character": (chat('{limit: "\\UFFFFFFFF"}'), 2, "a number is out of range"),
    "an impossible version": (f"%YAML {'1' * 5000}.1\n---\n{CHAT}", 1, "a number is out of range"),
    "brackets without end": (f"channels: {'[' * 50_000}", 1, "it is nested too deep"),
    "a book": ("# a word\n" * 20_000, 1, "the file has 180,000 characters; a policy has a few"),
}


@pytest.mark.parametrize(("text", "line", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_with_its_line_and_the_way_out(text, line, sentence):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "team.yaml")
    lines = str(caught.value).splitlines()
    assert any(told.startswith(f"team.yaml:{line}: ") and sentence in told for told in lines), lines
    assert len(lines) == len(set(lines)) == 1 or "given twice" in sentence, lines


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_lines():
    text = """\
teams: [billing, other]
channels:
  chat:
    share: 900%
    limit: 2
  email: {limit: 24h, at_risk: 25h}
  "": {limit: 1h}
formula: best
"""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    places = [told.split(": ")[:2] for told in str(caught.value).splitlines()]
    assert places == [
        ["policy.yaml:1", "teams[1]"],
        ["policy.yaml:4", "channels.chat.share"],
        ["policy.yaml:5", "channels.chat.limit"],
        ["policy.yaml:6", "channels.email.at_risk"],
        ["policy.yaml:7", 'channels.""'],
        ["policy.yaml:8", "formula"],
    ]


def test_what_stands_below_a_misspelt_key_is_checked_too():
    with pytest.raises(PolicyError) as caught:
        parse_policy("chanels:\n  chat: {limt: 2, at_risk:90}\n")
    assert str(caught.value).splitlines() == [
        "policy.yaml:1: chanels: is no key here; did you mean channels?",
        "policy.yaml:2: chanels.chat.limt: is no key here; did you mean limit?",
        (
            "policy.yaml:2: chanels.chat.at_risk:90: a space is missing after the colon; "
            "write at_risk: and its value"
        ),
        'policy.yaml:2: chanels.chat.limt: "2" has no unit; write 2m, 90s or 24h',
        'policy.yaml:2: chanels.chat.at_risk:90: "90" has no unit; write 80% or 90s',
    ]


GOOD = {
    "durations": (CHAT, Policy(ONE)),
    "at risk as a percentage": (chat("{at_risk: 75%, limit: 2m}"), Policy(ONE)),
    "at risk with a space": (chat("{at_risk: 75.0 %, limit: 2 min}"), Policy(ONE)),
    "at risk left to the default of 80 %": (
        chat("{limit: 100s}"),
        Policy({"chat": Target(80 * SECOND, 100 * SECOND)}),
    ),
    "a share in per cent": (
        chat("{at_risk: 90s, limit: 2m, share: 95.5%}"),
        Policy({"chat": Target(90 * SECOND, 2 * MINUTE, 0.955)}),
    ),
    "a share as a part of 1": (
        chat("{at_risk: 90s, limit: 2m, share: .8}"),
        Policy({"chat": Target(90 * SECOND, 2 * MINUTE, 0.8)}),
    ),
    "a share of all": (
        chat("{at_risk: 90s, limit: 2m, share: 1}"),
        Policy({"chat": Target(90 * SECOND, 2 * MINUTE, 1.0)}),
    ),
    "a limit just below 30 days": (
        chat("{at_risk: 1d, limit: 29d23h}"),
        Policy({"chat": Target(DAY, 30 * DAY - 3600 * SECOND)}),
    ),
    "a formula": (
        f"{CHAT}formula: abandon_negative\n",
        Policy(ONE, Formula.ABANDON_NEGATIVE),
    ),
    "a short abandon": (
        f"{CHAT}formula: short_excluded\nshort_abandon: 10s\n",
        Policy(ONE, Formula.SHORT_EXCLUDED, short_abandon=10 * SECOND),
    ),
    "what satisfies": (f"{CHAT}satisfied_from: 5.5\n", Policy(ONE, satisfied_from=5.5)),
    "ages of the backlog": (
        f"{CHAT}backlog: [1h, 1d]\n",
        Policy(ONE, backlog_ages=(3600 * SECOND, DAY)),
    ),
    "no abandon is short": (f"{CHAT}short_abandon: 0s\n", Policy(ONE, short_abandon=0)),
    "teams": (f"{CHAT}teams: [billing, technical]\n", Policy(ONE, teams=("billing", "technical"))),
    "teams in a list below": (
        f"{CHAT}teams:\n- Zürich/2\n- no\n",
        Policy(ONE, teams=("Zürich/2", "no")),
    ),
    "an empty list of teams": (f"{CHAT}teams: []\n", Policy(ONE)),
    "teams before channels": (f"teams: [a]\n{CHAT}", Policy(ONE, teams=("a",))),
    "comments, a start mark and quotes": (
        '# ours\n---\n"channels":\n  "chat": {"at_risk": "90s", limit: "2m"} # fast\n...\n',
        Policy(ONE),
    ),
    "JSON": ('{"channels": {"chat": {"at_risk": "90s", "limit": "2m"}}}', Policy(ONE)),
    "a byte order mark and Windows line ends": ("\ufeff" + CHAT.replace("\n", "\r\n"), Policy(ONE)),
    "anchors without alias": (chat("&a {at_risk: &a 90s, limit: 2m}"), Policy(ONE)),
    "a tag, never obeyed": (chat("{at_risk: 90s, limit: !!python/name:os.system 2m}"), Policy(ONE)),
}


@pytest.mark.parametrize(("text", "policy"), GOOD.values(), ids=GOOD)
def test_a_good_file_is_the_policy_it_asks_for(text, policy):
    assert parse_policy(text) == policy


@pytest.mark.parametrize(
    "name",
    ["on", "no", "null", "007", "0x1F", "1.50", "2026-01-31", "in app", "客服", "सहायता"],
)
def test_a_name_stays_what_was_written(name):
    assert list(parse_policy(f"channels:\n  {name}: {{limit: 1m}}\n").channels) == [name]


def test_channels_keep_the_order_of_the_file():
    text = "channels:\n  b: {limit: 1m}\n  a: {limit: 1m}\n  c: {limit: 1m}\n"
    assert list(parse_policy(text).channels) == ["b", "a", "c"]


def test_only_the_channels_of_the_file_exist():
    assert list(parse_policy(CHAT).channels) == ["chat"]


def test_the_defaults_are_written_as_people_would():
    assert dump_policy(DEFAULT_POLICY) == (
        "channels:\n"
        "  phone: {at_risk: 2m, limit: 4m, share: 90%}\n"
        "  chat: {at_risk: 1m30s, limit: 2m, share: 90%}\n"
        "  social: {at_risk: 48m, limit: 1h, share: 90%}\n"
        "  email: {at_risk: 19h12m, limit: 24h, share: 90%}\n"
        "formula: abandon_ignored\n"
    )


def test_a_file_of_many_aliases_does_not_grow():
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
    )
    begun = time.perf_counter()
    with pytest.raises(PolicyError, match="write the values out"):
        parse_policy(bomb)
    assert time.perf_counter() - begun < 1


names = (
    st.text(st.characters(categories=["L", "M", "N"]) | st.sampled_from(" -_./"), max_size=64)
    .map(str.strip)
    .filter(bool)
) | st.sampled_from(["on", "no", "null", "~x", "1:30", "- a", "<<"]).filter(
    lambda name: re.fullmatch(r"[\w .-]+", name)
)
targets = st.integers(2, EXPIRES_AFTER - 1).flatmap(
    lambda limit: st.builds(
        Target,
        st.integers(1, limit - 1),
        st.just(limit),
        st.floats(0, 1, exclude_min=True),
    )
)
policies = st.builds(
    Policy,
    st.dictionaries(names, targets, min_size=1, max_size=5),
    st.sampled_from(Formula),
    st.lists(names.filter(lambda name: name != "other"), unique=True, max_size=4).map(tuple),
    short_abandon=st.integers(0, DAY),
    satisfied_from=st.floats(0, 100, allow_subnormal=False),
    backlog_ages=st.lists(st.integers(1, EXPIRES_AFTER - 1), unique=True, max_size=4).map(
        lambda ages: tuple(sorted(ages))
    ),
)


@given(policies)
@example(Policy({"on": Target(1, 2, 5e-324), "- .": Target(1, EXPIRES_AFTER - 1, 1.0)}))
def test_a_policy_written_reads_back_the_same(policy):
    assert parse_policy(dump_policy(policy)) == policy


def assert_policy_or_sentences(text):
    try:
        policy = parse_policy(text)
    except PolicyError as error:
        lines = str(error).splitlines()
        assert lines
        numbers = [int(re.match(r"policy\.yaml:(\d+): \S", told)[1]) for told in lines]
        assert numbers == sorted(numbers)
        assert 1 <= numbers[0] <= numbers[-1] <= max(1, len(text.splitlines()))
    else:
        assert parse_policy(dump_policy(policy)) == policy


@given(st.text())
def test_any_text_is_a_policy_or_sentences_with_lines(text):
    assert_policy_or_sentences(text)


pieces = st.sampled_from(
    [
        *"{}[]:,-?&*!|>'\"%@`#~<\\\n\t ",
        *(
            "\n  ",
            ": ",
            "- ",
            "? ",
            "&a ",
            "*a",
            "<<: ",
            "!!set ",
            "!<",
            "%YAML 1",
            "%TAG ",
            "---\n",
        ),
        *(
            "channels",
            "chat",
            "limit",
            "at_risk",
            "share",
            "formula",
            "teams",
            "other",
            "\\U",
            "\\x",
        ),
        *(
            "2m",
            "90s",
            "80%",
            "0.9",
            "1:30",
            "null",
            "on",
            "9" * 50,
            "...\n",
            "|2",
            "\u2028",
            "\ufeff",
        ),
        *("channels:\n  chat: {limit: 2m}\n", "\n  email: {at_risk: 80%, limit: 24h}"),
    ]
)


@given(st.lists(pieces, max_size=40).map("".join))
def test_pieces_of_yaml_in_any_order_are_a_policy_or_sentences_with_lines(text):
    assert_policy_or_sentences(text)


@given(policies.map(dump_policy), st.data())
def test_a_policy_with_a_slip_is_a_policy_or_sentences_with_lines(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    assert_policy_or_sentences(text[:start] + data.draw(pieces) + text[end:])
