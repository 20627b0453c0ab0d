"""What the guides say, held against the program as far as a program can be asked."""

import importlib
import json
import re
import shlex

import pytest
from click.testing import CliRunner

from monitor.cli import _COMMANDS, INTERRUPTED, backtest
from monitor.cli.tail import READER_GONE
from monitor.errors import (
    BrokerUnreachableError,
    InputError,
    PolicyError,
    SlaMonitorError,
    UsageError,
)
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy, Target
from monitor.sla.windows import service_level
from monitor.streaming.codec import Decoder, UnusableError
from tests.support.guides import DOCS, PAGES, anchors, blocks, links, rows, text
from tests.support.histories import history
from tests.support.program import ROOT

PRODUCERS, OPERATORS, LEADS = (
    DOCS / f"{name}.md" for name in ("producers", "operators", "team-leads")
)
NOON = 1_769_860_800 * SECOND

of_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@of_page
def test_every_link_leads_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_index():
    seen, todo = set(), [DOCS / "README.md"]
    while todo:
        page = todo.pop()
        if page not in seen:
            seen.add(page)
            found = ((page.parent / link.partition("#")[0]).resolve() for link in links(page))
            todo += [each for each in found if each.suffix == ".md"]
    assert set(PAGES) <= seen


def called():
    """Return every call of the program in a block of shell code: page and arguments."""
    return [
        (page, shlex.split(line, comments=True)[1:])
        for page in PAGES
        for code in blocks(page, "sh")
        for line in code.replace("\\\n", " ").splitlines()
        if re.match(r"(\.venv/bin/)?sla-monitor ", line)
    ]


def test_every_call_in_the_guides_is_one_that_the_program_understands():
    calls = called()
    assert len(calls) > 15
    for page, arguments in calls:
        name, *rest = " ".join(arguments).partition(" >")[0].split()
        command = importlib.import_module(_COMMANDS[name]).command
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        # Parses, and checks every value; nothing is run.
        context = command.make_context(name, rest, resilient_parsing=False)
        assert context.params, page


def dead_letters():
    """Return the table of what is refused: topic, key, value and reason."""
    found = rows(PRODUCERS, 4)
    return found[found.index(["topic", "key", "value", "`sla.reason`"]) + 1 :]


@pytest.mark.parametrize("row", dead_letters(), ids=lambda row: row[3][:40])
def test_every_reason_for_a_dead_letter_is_what_the_program_says(row):
    topic, key, value, reason = row
    read = Decoder(DEFAULT_POLICY).reader(topic)
    with pytest.raises(UnusableError) as refused:
        read(
            None if key == "none" else key.encode(),
            None if value == "none" else value.strip("`").encode(),
            NOON,
        )
    assert str(refused.value) == reason


def test_the_events_in_the_guide_for_producers_are_what_it_says_of_them(tmp_path):
    one, day = blocks(PRODUCERS, "json")
    assert Decoder(DEFAULT_POLICY).event("ticket-created", one).ticket_id == "T-1017"
    file = tmp_path / "day.jsonl"
    file.write_text(day)
    result = CliRunner().invoke(backtest.command, ["--events", str(file)])
    kinds = [json.loads(line)["type"] for line in result.stdout.splitlines()]
    assert kinds == [f"sla.first_response.{kind}" for kind in ("at_risk", "breached", "answered")]
    assert "line 5: expected datetime with a timezone component" in result.stderr


def test_the_formulas_of_the_bank_are_those_figures():
    policy = Policy({"phone": Target(120 * SECOND, 240 * SECOND)})
    bank = backtest.Backtest(policy)
    for _ in bank.run(str(history("phone-bank-1999-02"))):
        pass
    counts = bank.tally._channels["phone"].counts
    told = {
        name.removesuffix(" (unless told)").strip("`"): figure
        for name, _, _, figure in rows(LEADS, 4)[1:]
    }
    assert told == {
        formula.value: f"{100 * service_level(counts, formula):.1f} %" for formula in Formula
    }
    figures = bank.tally.figures()["phone"]
    assert f"{figures['created']:,} calls" in text(LEADS)
    assert f"{figures['abandoned']:,} of which hung up" in text(LEADS)


def test_the_exit_codes_are_those_of_the_errors():
    codes = {int(code) for code, _ in rows(OPERATORS, 2) if code.isdigit()}
    errors = (SlaMonitorError, UsageError, BrokerUnreachableError, PolicyError, InputError)
    assert codes == {0, INTERRUPTED, READER_GONE, *(error.exit_code for error in errors)}
