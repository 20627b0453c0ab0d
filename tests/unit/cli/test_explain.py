"""`explain`: from the question why a ticket was late to the answer, each claim of it true."""

import json
import random
from collections import defaultdict

import pytest
from click.testing import CliRunner

from monitor.cli import backtest
from monitor.cli.event_file import read_events
from monitor.cli.explain import command
from tests.support.clock import iso
from tests.support.histories import LARGEST_IS_SLOW, history
from tests.support.program import run_command

T0 = 1_769_860_800  # 2026-01-31T12:00:00Z
POLICY = """\
# what we promise
channels:
  email: {limit: 24h}
  chat: {at_risk: 90s, limit: 2m, share: 80%}  # the contract's
"""


def created(ticket_id="T1", at=T0, **more):
    event = {"type": "ticket-created", "ticket_id": ticket_id, "channel": "chat"}
    return event | {"created_at": iso(at)} | more


def replied(ticket_id="T1", at=T0, **more):
    return {"type": "agent-replied", "ticket_id": ticket_id, "replied_at": iso(at)} | more


def closed(ticket_id="T1", at=T0):
    return {"type": "ticket-closed", "ticket_id": ticket_id, "closed_at": iso(at)}


@pytest.fixture
def write(tmp_path):
    def written(*lines):
        path = tmp_path / "events.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return written


def run(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)))


def explained(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_why_a_ticket_was_late_is_told_with_times_rules_and_the_line_of_the_policy(
    write, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    file = write(
        created(team="billing", priority="high"),
        replied(at=T0 + 5, automated=True),
        replied(at=T0 + 150),
        replied(at=T0 + 400),
        closed(at=T0 + 600),
    )
    result = run("T1", file, "--policy", "policy.yaml")
    assert result.exit_code == 0
    assert result.stdout == (
        "T1 · chat · team billing · priority high   (as of 2026-01-31T12:10:00Z)\n"
        "Late: answered after 2 min 30 s, 30 s over its limit of 2 min.\n"
        "\n"
        "Promised: a first reply within 2 min, to 80 % of tickets; at risk after 1 min 30 s\n"
        "  policy.yaml:4: chat: {at_risk: 90s, limit: 2m, share: 80%}  # the contract's\n"
        "\n"
        "2026-01-31T12:00:00Z            +0 s  the ticket is created: the clock of its first "
        "response starts  [rule 1]\n"
        "2026-01-31T12:00:05Z            +5 s  an automated reply: no first response  [rule 1]\n"
        "2026-01-31T12:01:30Z     +1 min 30 s  told at risk: it has waited 1 min 30 s "
        "(T1/first_response/at_risk)  [rule 2, 3; policy.yaml:4]\n"
        "2026-01-31T12:02:00Z          +2 min  told breached: its limit of 2 min has passed "
        "unanswered (T1/first_response/breached)  [rule 2, 3; policy.yaml:4]\n"
        "2026-01-31T12:02:00Z          +2 min  counts as missed: the limit has passed  [rule 5]\n"
        "2026-01-31T12:02:30Z     +2 min 30 s  a human reply  [rule 1]\n"
        "2026-01-31T12:02:30Z     +2 min 30 s  told answered, after 2 min 30 s "
        "(T1/first_response/answered)  [rule 3]\n"
        "2026-01-31T12:02:30Z     +2 min 30 s  counts as answered late  [rule 5]\n"
        "2026-01-31T12:06:40Z     +6 min 40 s  says nothing new  [rule 1]\n"
        "2026-01-31T12:10:00Z         +10 min  the ticket is closed  [rule 1]\n"
        "2026-01-31T12:10:00Z         +10 min  counts as resolved  [rule 7]\n"
        "\n"
        "In the service level: broken (by abandon_ignored)\n"
        "  by the other formulas: answered_only: broken, abandon_negative: broken, "
        "abandon_positive: broken, short_excluded: broken\n"
        "\n"
    ) + "".join(f"rule {n}: {RULES[n]}\n" for n in (1, 2, 3, 5, 7))


RULES = {
    1: "A ticket is the join of its events: the earliest creation, the first human reply, the "
    "first close count; order and repeats do not matter.",
    2: "A first response at exactly the limit is met; at risk and breached begin strictly after "
    "their threshold.",
    3: "Told are at_risk, breached and how it ended, of tickets that came to be at risk; what a "
    "late event proves false is taken back.",
    5: "The service level is booked when it is decided: answered within the limit, answered late, "
    "or limit passed.",
    7: "A ticket is over when it is closed; one still waiting after 30 days expires.",
}


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([replied(at=T0 + 60)], "Not late: answered after 1 min, 1 min before its limit of 2 min."),
        ([replied(at=T0 + 120)], "Not late: answered after 2 min, exactly at its limit"),
        ([replied(at=T0 - 5)], "Not late: answered after 0 s, 2 min before"),
        ([closed(at=T0 + 60)], "Not late: closed unanswered after 1 min, 1 min before"),
        ([closed(at=T0 + 180)], "Late: closed unanswered after 3 min, 1 min over"),
        ([created("other", T0 + 30)], "Not decided: waiting for 30 s, 1 min 30 s before"),
        ([created("other", T0 + 100)], "Not decided: waiting for 1 min 40 s, 20 s before"),
        ([created("other", T0 + 300)], "Late: still waiting after 5 min, 3 min over"),
        ([created("other", T0 + 31 * 86_400)], "Late: never answered; given up after 30 d"),
    ],
)
def test_the_answer_comes_first_in_a_sentence(write, events, sentence):
    lines = run("T1", write(created(), *events)).stdout.splitlines()
    assert lines[1].startswith(sentence)


def test_of_a_ticket_that_was_never_created_that_is_said(write):
    found = explained("T1", write(replied(at=T0)))
    assert found["verdict"] == "Not known: its creation is not among the events."
    assert "promise" not in found


def test_a_reply_after_the_close_counts_for_nothing_and_it_says_so(write):
    file = write(created(), closed(at=T0 + 60), replied(at=T0 + 90))
    says = [line["says"] for line in explained("T1", file)["timeline"]]
    assert "a human reply, after it was closed: it counts for nothing" in says


def test_what_came_late_is_told_with_when_it_was_read_and_what_it_took_back(write):
    file = write(created(), created("other", T0 + 300), replied(at=T0 + 60))
    found = explained("T1", file)
    (reply,) = [line for line in found["timeline"] if line["what"] == "agent-replied"]
    assert reply["read_at"] == "2026-01-31T12:05:00Z"
    says = [line["says"] for line in found["timeline"]]
    assert "taken back what this event proves false: at_risk, breached" in says
    assert "no longer counts as missed: the limit has passed" in says
    assert found["service_level"]["by_formula"]["abandon_ignored"] == "kept"


def test_a_broker_that_only_the_environment_names_is_none_where_there_is_a_file(write, monkeypatch):
    monkeypatch.setenv("SLA_MONITOR_BROKER", "127.0.0.1:1")
    assert explained("T1", write(created()))["ticket_id"] == "T1"


def test_what_its_customer_said_is_there_too(write):
    survey = {"type": "survey-answered", "survey_id": "s", "ticket_id": "T1", "kind": "csat"}
    file = write(created(), survey | {"score": 2, "answered_at": iso(T0 + 90)}, replied(at=T0 + 60))
    assert "survey csat: 2 points, dissatisfied" in run("T1", file).stdout


def test_what_could_not_be_used_of_a_ticket_is_told_with_its_line(write):
    file = write(created(), replied(at=T0 + 5) | {"replied_at": "yesterday"})
    assert f"not used: {file}:2: " in run("T1", file).stdout
    assert explained("T1", file)["unusable"][0].startswith(f"{file}:2: ")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("T11", "FILE"), 4, "did you mean T1?"),
        (("zzzz", "FILE"), 4, "its ids look like T1"),
        (("T1",), 2, "name an event file, or --broker"),
        (("T1", "nothing.jsonl"), 4, "there is no file"),
        (("T1", "--broker", "127.0.0.1:1", "--connect-timeout", "0"), 3, "no Kafka broker answers"),
    ],
)
async def test_what_cannot_work_is_told_in_a_sentence(write, arguments, code, words):
    file = write(created())
    arguments = [str(file) if each == "FILE" else each for each in arguments]
    found, out, err = await run_command("explain", *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
def test_of_real_tickets_just_that_is_told_which_backtest_tells(name):
    """Up to the last event; what follows by the clock alone, only backtest goes on to."""
    path = history(name)
    told = defaultdict(list)
    result = CliRunner().invoke(backtest.command, [str(path), "--events"])
    for event in map(json.loads, result.stdout.splitlines()):
        told[event["subject"]].append((event["id"], event["time"]))
    ids = {json.loads(line.raw)["ticket_id"] for line in read_events(path)}
    chosen = random.Random(name).sample(sorted(ids), 12)
    chosen += random.Random(name).sample(sorted(told), 12)
    for ticket_id in chosen:
        found = explained(ticket_id, path)
        mine = [(e["id"], e["at"]) for e in found["timeline"] if e["what"] == "told"]
        assert mine == [each for each in told[ticket_id] if each[1] < found["as_of"]]


TALKS = """\
channels:
  chat: {at_risk: 90s, limit: 2m, next_reply: {limit: 3m}}
  email:
    limit: 24h
    next_reply: {limit: 8h, at_risk: 6h}
    resolution: {limit: 10h, at_risk: 8h, pause: waiting_for_customer}
"""
HOUR = 3600


def asked(at, ticket_id="T1"):
    return {"type": "customer-replied", "ticket_id": ticket_id, "replied_at": iso(at)}


@pytest.fixture
def talk(write, tmp_path, monkeypatch):
    """An e-mail that was answered in time, and then late, and closed late."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(TALKS)
    return write(
        created() | {"channel": "email"},
        replied(at=T0 + HOUR),
        asked(T0 + 4 * HOUR),
        replied(at=T0 + 13 * HOUR),
        asked(T0 + 18 * HOUR),
        closed(at=T0 + 19 * HOUR),
    )


def test_each_other_clock_is_told_with_its_verdict_its_promise_and_the_line_that_made_it(talk):
    lines = run("T1", talk, "--policy", "policy.yaml").stdout.splitlines()
    assert lines[1:5] == [
        "Not late: answered after 1 h, 23 h before its limit of 24 h.",
        "next reply 1: Late: answered after 9 h, 1 h over its limit of 8 h.",
        "next reply 2: Not late: ended without it after 1 h, 7 h before its limit of 8 h.",
        "resolution: Late: closed after 11 h, 1 h over its limit of 10 h.",
    ]
    assert lines[8:10] == [
        "Promised: the next reply within 8 h, to 90 % of tickets; at risk after 6 h",
        "  policy.yaml:5: next_reply: {limit: 8h, at_risk: 6h}",
    ]
    assert lines[10] == (
        "Promised: a resolution within 10 h, to 90 % of tickets; at risk after 8 h; it stands "
        "while the customer has to answer"
    )
    assert lines[11] == (
        "  policy.yaml:6: resolution: {limit: 10h, at_risk: 8h, pause: waiting_for_customer}"
    )


CLOCKS_TIMELINE = """\
resolution: its clock starts
resolution: its clock stands: the customer has to answer
next reply 1: its clock starts
resolution: its clock goes on: the customer has written
next reply 1: told at risk: it has run 6 h
resolution: told at risk: it has run 8 h
next reply 1: told breached: its limit of 8 h has passed unanswered
next reply: counts as missed: the limit has passed
next reply 1: its clock ends: answered
resolution: its clock stands: the customer has to answer
next reply 1: told answered, after 9 h
next reply: counts as answered late
next reply 2: its clock starts
resolution: its clock goes on: the customer has written
resolution: told breached: its limit of 10 h has passed with no close
resolution: counts as missed: the limit has passed
next reply 2: its clock ends: the ticket is closed
resolution: its clock ends: closed
resolution: told closed, after 11 h
next reply: counts as ended within the limit without it
resolution: counts as closed late
"""


def test_what_becomes_of_each_other_clock_is_on_the_timeline(talk):
    found = [
        e for e in explained("T1", talk, "--policy", "policy.yaml")["timeline"] if "clock" in e
    ]
    assert [each["says"] for each in found] == CLOCKS_TIMELINE.splitlines()
    told = {(e["clock"], e["kind"]): e.get("policy") for e in found if e["what"] == "told"}
    assert told == {
        ("next_reply", "at_risk"): "policy.yaml:5",
        ("next_reply", "breached"): "policy.yaml:5",
        ("next_reply", "answered"): None,
        ("resolution", "at_risk"): "policy.yaml:6",
        ("resolution", "breached"): "policy.yaml:6",
        ("resolution", "closed"): None,
    }


def test_what_is_told_of_every_clock_is_what_backtest_tells(talk):
    result = CliRunner().invoke(
        backtest.command, [str(talk), "--events", "--policy", "policy.yaml"]
    )
    told = [(event["id"], event["time"]) for event in map(json.loads, result.stdout.splitlines())]
    found = explained("T1", talk, "--policy", "policy.yaml")
    assert [(e["id"], e["at"]) for e in found["timeline"] if e["what"] == "told"] == told
    assert {e["clock"] for e in found["timeline"] if "clock" in e} == {"next_reply", "resolution"}


def test_a_clock_that_stands_says_so(write, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(TALKS)
    file = write(
        created() | {"channel": "email"}, replied(at=T0 + HOUR), created("other", T0 + 9 * HOUR)
    )
    (run,) = explained("T1", file, "--policy", policy)["clocks"]
    assert (run["clock"], run["state"], run["stands"]) == ("resolution", "waiting", True)
    assert (run["ran_seconds"], run["due_at"]) == (HOUR, "2026-02-01T06:00:00Z")
    assert run["verdict"] == (
        "Not decided: not closed after 1 h, 9 h before its limit of 10 h; its clock stands, the "
        "customer has to answer."
    )


def test_a_reply_that_came_late_takes_back_what_another_clock_had_done(write, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(TALKS)
    file = write(
        created() | {"channel": "email"},
        replied(at=T0 + HOUR),
        asked(T0 + 2 * HOUR),
        created("other", T0 + 12 * HOUR),
        replied(at=T0 + 3 * HOUR),
    )
    found = explained("T1", file, "--policy", policy)
    says = [line["says"] for line in found["timeline"]]
    assert "next reply 1: taken back what this event proves false: at_risk, breached" in says
    assert "next reply: no longer counts as missed: the limit has passed" in says
    verdicts = {run["clock"]: run["verdict"] for run in found["clocks"]}
    assert verdicts["next_reply"] == ("Not late: answered after 1 h, 7 h before its limit of 8 h.")
