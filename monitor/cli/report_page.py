"""A report as one HTML page that needs nothing else: to read, to mail, to print."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from monitor.cli.report_chart import chart
from monitor.cli.report_rows import ALL, Report, Row
from monitor.cli.report_style import CSS
from monitor.sla.durations import format_duration, short_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import Formula, Policy

NOTHING: Final = "–"  # noqa: RUF001 - an en dash, as tables have it


class Heading(NamedTuple):
    """What the report is of."""

    source: str
    per: str
    timezone: str
    policy: Policy


def as_html(report: Report, heading: Heading) -> str:
    """Return the page."""
    body = _body(report, heading) if report.rows else "<p>There are no tickets in it.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>Support report: {escape(heading.source)}</title>\n<style>{CSS}</style>\n</head>\n"
        f"<body>\n<header><h1>Support report</h1>{_subtitle(report, heading)}</header>\n{body}\n"
        "</body>\n</html>\n"
    )


def _subtitle(report: Report, heading: Heading) -> str:
    parts = [heading.source]
    if report.periods:
        first, last = report.periods[0].name, report.periods[-1].name
        parts.append(
            f"one {heading.per}, from {first}"
            if first == last
            else f"{len(report.periods)} {heading.per}s, from that of {first} to that of {last}"
        )
    parts += [heading.timezone, f"service level by {heading.policy.formula}"]
    return f"<p>{' · '.join(map(escape, parts))}</p>"


def _body(report: Report, heading: Heading) -> str:
    return "\n".join(
        (
            _section("The whole time", _totals(report, heading.policy)),
            _section("Customers", _customers(report.total[-1])),
            _section(f"{heading.per.title()} by {heading.per}", _charts(report, heading.policy)),
            _section("In figures", _periods(report, heading.policy)),
        )
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _totals(report: Report, policy: Policy) -> str:
    """Return a column a channel, and one of all."""
    rows = report.total
    if len(report.channels) == 1:
        rows = rows[:1]  # all of one channel is that channel
    head = "".join(f"<th>{escape(_title(row))}</th>" for row in rows)
    lines = []
    for label, cells in _lines(rows, policy):
        lines.append(f"<tr><th>{escape(label)}</th>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table class="totals"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _lines(rows: Sequence[Row], policy: Policy) -> Iterable[tuple[str, list[str]]]:
    def line(label: str, column: str) -> tuple[str, list[str]]:
        return label, [_cell(column, row[column]) for row in rows]

    yield line("Tickets", "created")
    yield line("  of all", "tickets_ratio")
    yield line("Answered", "answered")
    yield line("Abandoned", "abandoned")
    level = f"service_level_{policy.formula}_ratio"
    yield f"Service level ({policy.formula})", [_level(row, level, policy) for row in rows]
    for formula in Formula:
        if formula is not policy.formula:
            yield line(f"  {formula}", f"service_level_{formula}_ratio")
    yield line("Promise broken", "breached")
    yield line("First response, mean", "first_response_mean_seconds")
    yield line("  median", "first_response_p50_seconds")
    yield line("  nine tenths within", "first_response_p90_seconds")
    yield line("Resolution, mean", "resolution_mean_seconds")
    yield line("Unresolved at the end", "unresolved")
    for age in policy.backlog_ages:
        name = short_duration(age)
        yield line(f"  longer than {format_duration(age)}", f"unresolved_longer_than_{name}")
    yield "Satisfied (CSAT)", [_answers(row, "csat_ratio", "csat_answers") for row in rows]
    yield "Net promoter score", [_answers(row, "net_promoter_score", "nps_answers") for row in rows]
    if any(row["customers"] for row in rows):
        yield line("Customers", "customers")
        yield line("  of all", "customers_ratio")


def _title(row: Row) -> str:
    return "All" if row["channel"] == ALL else str(row["channel"])


def _level(row: Row, column: str, policy: Policy) -> str:
    """Return a service level, marked where it is below what was promised."""
    value, target = row[column], policy.channels.get(row["channel"])
    if value is None or target is None:
        return _cell(column, value)
    kind, mark = ("good", "✓") if value >= target.share else ("bad", "✗")
    promised = f"{100 * target.share:g} % promised"
    return f'<td class="{kind}" title="{promised}">{_shown(column, value)} {mark}</td>'


def _answers(row: Row, column: str, count: str) -> str:
    if not row[count]:
        return f"<td>{NOTHING}</td>"
    return f"<td>{_shown(column, row[column])} <small>of {row[count]:,}</small></td>"


def _customers(row: Row) -> str:
    """Return what is known of customers, or nothing where nothing is."""
    facts = []
    if row["customers"]:
        facts.append(("opened a ticket", row["customers"], "customers"))
        facts.append(("on several channels", row["omnichannel_customers"], "customers"))
    if row["customers_at_start"] or row["customers_joined"]:
        for label, column in (
            ("at the start", "customers_at_start"),
            ("joined", "customers_joined"),
            ("left", "customers_left"),
            ("retention", "customer_retention_ratio"),
            ("churn", "customer_churn_ratio"),
        ):
            facts.append((label, row[column], column))
    cells = (
        f"<div><b>{_shown(column, value)}</b><span>{escape(label)}</span></div>"
        for label, value, column in facts
    )
    return f'<div class="facts">{"".join(cells)}</div>' if facts else ""


def _charts(report: Report, policy: Policy) -> str:
    column = f"service_level_{policy.formula}_ratio"
    charts = []
    for channel in report.channels:
        rows = [row for row in report.rows if row["channel"] == channel]
        charts.append(
            f"<figure><figcaption><b>{escape(channel)}</b> "
            f"<small>bars: tickets · line: service level · dashed: promised "
            f"{100 * policy.channels[channel].share:g} %</small></figcaption>"
            + chart(
                [str(row["period"]) for row in rows],
                [int(row["created"]) for row in rows],
                [row[column] for row in rows],
                policy.channels[channel].share,
            )
            + "</figure>"
        )
    return f'<div class="charts">{"".join(charts)}</div>'


_COLUMNS: Final = (
    ("Tickets", "created"),
    ("Answered", "answered"),
    ("Service level", ""),
    ("Broken", "breached"),
    ("First response", "first_response_mean_seconds"),
    ("Nine tenths within", "first_response_p90_seconds"),
    ("Resolution", "resolution_mean_seconds"),
    ("Unresolved", "unresolved"),
    ("CSAT", "csat_ratio"),
    ("NPS", "net_promoter_score"),
)


def _periods(report: Report, policy: Policy) -> str:
    level = f"service_level_{policy.formula}_ratio"
    head = "".join(f"<th>{name}</th>" for name, _ in _COLUMNS)
    lines = []
    shown = [row for row in report.rows if len(report.channels) > 1 or row["channel"] != ALL]
    before = ""
    for row in shown:
        period = row["period"] if row["period"] != before else ""
        before = row["period"]
        cells = "".join(
            _cell(column, row[column]) if column else _level(row, level, policy)
            for _, column in _COLUMNS
        )
        kind = ' class="first"' if period else ""
        lines.append(f"<tr{kind}><th>{period}</th><th>{escape(_title(row))}</th>{cells}</tr>")
    return (
        '<div class="wide"><table class="periods"><thead>'
        f"<tr><th>From</th><th>Channel</th>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(column: str, value: Any) -> str:
    return f"<td>{_shown(column, value)}</td>"


def _shown(column: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if column.endswith("_ratio"):
        return f"{100 * value:.1f}\u202f%"
    if column.endswith("_seconds"):
        return _duration(value)
    if column == "net_promoter_score":
        return f"{value:+.0f}"
    return f"{value:,}"


def _duration(seconds: float) -> str:
    """Return a time to the two units that matter."""
    for size, digits in ((86_400, 3600), (3600, 60), (60, 1)):
        if seconds >= size:
            whole = round(seconds / digits) * digits
            return escape(" ".join(format_duration(whole * SECOND).split(" ")[:4]))
    return f"{seconds:.1f} s"
