"""Forecasts on the real queues, judged on the half of each file from which nothing was chosen.

Half-life, priors and the trust in the queue were chosen on the first halves. A forecast knows
what was known at its moment only, so all of a file is unknown to it when it speaks; but constants
are not. So the first half is read to learn from, and what is said of tickets created in the
second half is judged.
"""

import gzip
import json
import zlib

import pytest
from click.testing import CliRunner

from monitor.cli import backtest
from monitor.cli.backtest_forecast import NAMES, forecast_quality
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY
from monitor.sla.scores import Scores
from tests.support.guides import DOCS, rows
from tests.support.histories import LARGEST_IS_SLOW, history, tally

FORECAST, BASELINES = "likely_late", ("at_risk", "share_of_misses")
STRONGER = ("threshold", "queue")
"""The threshold that knows how often it is right, and the formula alone."""


def halves(name, folder, part=0, parts=1):
    """Write both halves of a history, or of a share of its tickets; return the files."""
    lines = gzip.decompress(history(name).read_bytes()).splitlines()
    created = [number for number, line in enumerate(lines) if b'"ticket-created"' in line]
    middle = created[len(created) // 2]
    found = []
    for number, half in enumerate((lines[:middle], lines[middle:])):
        file = folder / f"{name}-{part}-{number}.jsonl"
        file.write_bytes(b"\n".join(line for line in half if is_of(line, part, parts)) + b"\n")
        found.append(str(file))
    return found


def is_of(line, part, parts):
    return zlib.crc32(json.loads(line)["ticket_id"].encode()) % parts == part


def out_of_sample(name, folder, **share):
    """Return the record of forecasts and baselines on the second half of a history."""
    first, second = halves(name, folder, **share)
    run = backtest.Backtest(DEFAULT_POLICY, forecasts=True)
    list(run.read(first))
    run.forecasts.begin_record()
    list(run.run(second))
    return run.forecasts.scores()[tally(name)[0]]


def table(name, scores):
    """Return the rows that stand in docs/forecast.md."""
    limit = DEFAULT_POLICY.channels[tally(name)[0]].limit
    for warning, each in scores.items():
        figures = each.figures(limit)
        yield [
            name,
            NAMES[warning],
            f"{figures['brier_score']:.3f}",
            *(percent(figures[key]) for key in ("precision_ratio", "recall_ratio")),
            *(lead(figures[key]) for key in ("lead_p50_seconds", "lead_p10_seconds")),
        ]


def percent(ratio):
    return "-" if ratio is None else f"{ratio:.0%}"


def lead(seconds):
    return "-" if seconds is None else format_duration(int(seconds) * SECOND)


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
def test_out_of_sample_the_forecast_beats_both_baselines(name, tmp_path, capsys):
    scores = out_of_sample(name, tmp_path)
    measured = list(table(name, scores))
    with capsys.disabled():
        print("", *(f"| {' | '.join(row)} |" for row in measured), sep="\n")
    forecast = scores[FORECAST]
    for baseline in BASELINES:
        assert forecast.brier_score < 0.8 * scores[baseline].brier_score
    for baseline in STRONGER:
        assert forecast.brier_score < scores[baseline].brier_score
    # It is right in the mean: what was forecast is what came.
    assert sum(forecast.chances) == pytest.approx(sum(forecast.missed), rel=0.05)
    assert [row for row in rows(DOCS / "forecast.md", 7) if row[0] == name] == measured


@pytest.mark.parametrize("name", ["email-rhelp-2007-06", "social-twitter-2018"])
def test_a_partition_that_sees_a_quarter_of_the_queue_forecasts_nearly_as_well(name, tmp_path):
    whole = out_of_sample(name, tmp_path)
    quarters = {warning: Scores() for warning in whole}
    for part in range(4):
        for warning, scores in out_of_sample(name, tmp_path, part=part, parts=4).items():
            quarters[warning].add(scores)
    assert quarters[FORECAST].brier_score < 1.05 * whole[FORECAST].brier_score
    for baseline in BASELINES:
        assert quarters[FORECAST].brier_score < 0.8 * quarters[baseline].brier_score


def run(*args):
    return CliRunner().invoke(backtest.command, list(map(str, args)))


def test_the_forecasts_are_beside_the_figures_and_change_none():
    file = history("email-rhelp-2007-06")
    plain, found = (json.loads(run(file, "--json", *more).stdout) for more in ([], ["--forecast"]))
    assert plain.keys() == {"channels"}
    assert found.keys() == {"channels", "forecasts"}
    assert found["channels"] == plain["channels"]
    assert found["forecasts"].keys() == {"email"}
    email = found["forecasts"]["email"]
    assert email.keys() == {FORECAST, *BASELINES, *STRONGER}
    # Everybody who misses the limit has been at risk before; and nothing is judged twice.
    breached, likely_late = found["channels"]["email"]["breached"], email["likely_late"]
    assert email["at_risk"]["true_positive"] == breached
    assert likely_late["true_positive"] + likely_late["false_negative"] == breached
    rows = filter(None, likely_late["reliability"])
    assert sum(row["forecasts"] for row in rows) == likely_late["forecasts"]


def test_the_forecasts_change_no_event():
    file = history("email-rhelp-2007-06")
    assert run(file, "--events", "--forecast").stdout == run(file, "--events").stdout


def test_people_get_a_table_of_warnings_and_one_of_reliability():
    shown = run(history("email-rhelp-2007-06"), "--forecast").stdout
    assert "email: how good were the warnings?" in shown
    assert "likely late" in shown
    assert "misses so far" in shown
    assert "…" not in shown
    assert "email: what was forecast, and how often it came" in shown
    assert "90% to 100%" in shown


def test_a_file_in_which_nobody_waits_says_so(tmp_path):
    file = tmp_path / "empty.jsonl"
    file.write_text("")
    result = run(file, "--forecast")
    assert result.exit_code == 0
    assert "nobody waited for a forecast" in result.stdout
    assert quality_of_nothing() == {}


def quality_of_nothing():
    return forecast_quality(DEFAULT_POLICY, backtest.Backtest(DEFAULT_POLICY).forecasts)
