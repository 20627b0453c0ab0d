"""What every panel says of itself: none is made without unit, description, words for no data."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = "datasource"

GOOD, WARN, BAD, PLAIN, UNKNOWN = "green", "orange", "red", "text", "purple"
ON_GOOD, ON_WARN, ON_BAD, ON_UNKNOWN = "dark-green", "dark-orange", "dark-red", "dark-purple"
"""The same as a ground for white words."""

NOBODY_WAITS: Final = "nobody waits"
NOTHING_DECIDED: Final = "none decided"
NO_DATA: Final = "NO DATA"

Steps = Sequence[tuple[float | None, str]]
"""Colours, each from a value on; the first from None: from anything on."""

NEUTRAL: Final[Steps] = ((None, PLAIN),)


Panel = (
    stat.Panel
    | bargauge.Panel
    | heatmap.Panel
    | statetimeline.Panel
    | table.Panel
    | timeseries.Panel
)
P = TypeVar(
    "P",
    stat.Panel,
    bargauge.Panel,
    heatmap.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)


class About:
    """What every panel has to say of itself."""

    def __init__(
        self,
        title: str,
        description: str,
        unit: str,
        *,
        no_value: str = NO_DATA,
        steps: Steps = NEUTRAL,
        words: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Take `words` to show for values, `nan` among them, each with its colour."""
        self.title, self.description, self.unit = title, description, unit
        self.no_value, self.steps, self.words = no_value, steps, words or {}


def told(
    panel: P,
    about: About,
    queries: Mapping[str, str],
    *,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> P:
    """Give a panel all it has to say, and its queries by the names of their series."""
    source = common.DataSourceRef("prometheus", f"${{{DATASOURCE}}}")
    for ref_id, (legend, expression) in zip("ABCDEFGH", queries.items(), strict=False):
        query = Dataquery().ref_id(ref_id).datasource(source).expr(expression).format(form)
        query.legend_format(legend or "__auto")
        panel.with_target(query.instant() if instant else query.range())
    steps = [dashboard.Threshold(value, colour) for value, colour in about.steps]
    return (
        panel.title(about.title)
        .description(about.description)
        .unit(about.unit)
        .no_value(about.no_value)
        .datasource(source)
        .thresholds(ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
        .mappings(_mappings(about.words))
    )


def _mappings(words: Mapping[str, tuple[str, str]]) -> list[dashboard.ValueMapping]:
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    of_nan = results.pop("nan", None)
    found: list[dashboard.ValueMapping] = [dashboard.ValueMap(results)] if results else []
    if of_nan is not None:
        match = dashboard.SpecialValueMatch.NA_N
        found.append(
            dashboard.SpecialValueMap(dashboard.DashboardSpecialValueMapOptions(match, of_nan))
        )
    return found


def property_of(name: str, value: Any) -> dashboard.DynamicConfigValue:
    """Return one setting of an override."""
    return dashboard.DynamicConfigValue(name, value)
