"""Four real histories under four policies: counts equal to those worked out by hand, slowly."""

import json

import pytest
from click.testing import CliRunner

from monitor.cli.backtest import command
from tests.support.histories import COUNTS, LARGEST_IS_SLOW, history
from tests.unit.cli import promises_by_hand as by_hand

DEFAULT = {
    "phone": (120, 240),
    "chat": (90, 120),
    "social": (2880, 3600),
    "email": (69_120, 86_400),
}
OFFICE = (
    "calendars:\n  office: {zone: Europe/Bucharest, hours: {mon-fri: 08:00-18:00}, holidays: RO}\n"
)
CHANNELS = """\
channels:
  phone:  {at_risk: 2m, limit: 4m}
  chat:   {at_risk: 90s, limit: 2m}
  social: {at_risk: 48m, limit: 1h}
  email:  {at_risk: 19h12m, limit: 24h}
"""

POLICIES = {
    "default": (CHANNELS, DEFAULT, by_hand.wall_time),
    "tiered email": (
        CHANNELS.replace(
            "{at_risk: 19h12m, limit: 24h}",
            "{targets: [50% within 2h, 80% within 12h, 100% within 24h]}",
        ),
        DEFAULT | {"email": (69_120, 86_400, 7200, 43_200)},
        by_hand.wall_time,
    ),
    "voice and chat 80 % in 30 s": (
        CHANNELS.replace("{at_risk: 2m, limit: 4m}", "{targets: [80% within 30s]}").replace(
            "{at_risk: 90s, limit: 2m}", "{targets: [80% within 30s]}"
        ),
        DEFAULT | {"phone": (24, 30), "chat": (24, 30)},
        by_hand.wall_time,
    ),
    "business hours": (
        OFFICE + CHANNELS.replace("}", ", hours: office}"),
        DEFAULT,
        by_hand.office_time,
    ),
    "a list in business hours": (
        f"{OFFICE}channels:\n"
        + "".join(
            f"  {name}: {{targets: [50% within 1h, 90% within 20h], hours: office}}\n"
            for name in DEFAULT
        ),
        dict.fromkeys(DEFAULT, (57_600, 72_000, 3600)),
        by_hand.office_time,
    ),
}


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
@pytest.mark.parametrize("policy", POLICIES)
def test_the_counts_are_those_of_a_second_slow_computation(policy, name, tmp_path):
    text, promises, clock = POLICIES[policy]
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    result = CliRunner().invoke(command, [str(history(name)), "--json", "--policy", str(file)])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)["channels"]
    expected = by_hand.counts(history(name), promises, clock)
    assert set(figures) == set(expected)
    for channel, counted in expected.items():
        assert {each: figures[channel][each] for each in COUNTS} == {
            each: counted[each] for each in COUNTS
        }
        for target in figures[channel].get("targets", []):
            seconds = target["within_seconds"]
            met, missed = counted["met", seconds], counted["missed", seconds]
            assert (target["met"], target["missed"]) == (met, missed)
        several = len(promises[channel]) > 2
        assert len(figures[channel].get("targets", [])) == (len(promises[channel]) - 1) * several
