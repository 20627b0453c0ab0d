"""The kinds of panels that the dashboards are made of."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    ScaleDistributionConfig,
    VizLegendOptions,
    VizTextDisplayOptions,
)
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitor.observability.dashboards.panels import About, P, Steps, property_of, told

_BAR_TEXT: Final = 30
"""Pixels: by themselves the words beside a bar are small print."""

_MANY_BARS: Final = 6
_MANY_BARS_TEXT: Final = 14
"""So many bars have no room for more."""


def big(
    about: About, queries: Mapping[str, str], *, solid: bool = False, named: bool | None = None
) -> stat.Panel:
    """Return one or more figures, large; `solid` colours all of the panel.

    Whose they are is shown where there is more than one, or as `named` says.
    """
    panel = told(stat.Panel(), about, queries, instant=True)
    return (
        panel.reduce_options(ReduceDataOptions().calcs(["last"]).values(False))
        .graph_mode(common.BigValueGraphMode.NONE)
        .justify_mode(common.BigValueJustifyMode.CENTER)
        .color_mode(
            common.BigValueColorMode.BACKGROUND_SOLID if solid else common.BigValueColorMode.VALUE
        )
        .text_mode(
            common.BigValueTextMode.VALUE_AND_NAME
            if (len(queries) > 1 if named is None else named)
            else common.BigValueTextMode.VALUE
        )
    )


def bar(about: About, queries: Mapping[str, str], *, most: float | None = None) -> bargauge.Panel:
    """Return figures as bars from nothing to `most`; named where there can be more than one."""
    panel = told(bargauge.Panel(), about, queries, instant=True).min(0)
    is_named = len(queries) > 1 or any("{{" in name for name in queries)
    text = _BAR_TEXT if len(queries) < _MANY_BARS else _MANY_BARS_TEXT
    if most is not None:
        panel.max(most)
    return (
        panel.reduce_options(ReduceDataOptions().calcs(["last"]).values(False))
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .show_unfilled(True)
        .name_placement(
            common.BarGaugeNamePlacement.TOP if is_named else common.BarGaugeNamePlacement.HIDDEN
        )
        .text(VizTextDisplayOptions().value_size(text))
    )


def lines(about: About, queries: Mapping[str, str], *, fill: int = 10) -> timeseries.Panel:
    """Return values over time."""
    return (
        told(timeseries.Panel(), about, queries)
        .min(0)
        .fill_opacity(fill)
        .line_width(2)
        .show_points(common.VisibilityMode.NEVER)
        .legend(
            VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
        )
    )


def heat(about: About, query: str) -> heatmap.Panel:
    """Return a histogram's buckets over time; the axis is that of the buckets."""
    panel = told(heatmap.Panel(), about, {"{{le}}": query}, form=PromQueryFormat.HEATMAP)
    return (
        panel.calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges"))
        .cell_gap(1)
        .y_axis(heatmap.YAxisConfig().unit(about.unit).axis_label("waited"))
    )


def periods(about: About, query: str, name: str) -> statetimeline.Panel:
    """Return states over time."""
    return told(statetimeline.Panel(), about, {name: query}).merge_values(True)


def listing(about: About, query: str) -> table.Panel:
    """Return labels as a table, and how many hosts show them."""
    panel = told(table.Panel(), about, {"": query}, instant=True, form=PromQueryFormat.TABLE)
    columns = {"excludeByName": {"Time": True}, "renameByName": {"Value": "hosts"}}
    return panel.with_transformation(DataTransformerConfig("organize", options=columns))


def on_log_scale(panel: timeseries.Panel, least: float) -> timeseries.Panel:
    """Return it with room for what is a thousand times as much as something else."""
    scale = ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
    return panel.min(least).scale_distribution(scale)


def coloured(panel: P, name: str, colour: str, *, dashed: bool = False) -> P:
    """Give a series its colour; dashed is a promise, which is not measured."""
    properties = [property_of("color", {"mode": "fixed", "fixedColor": colour})]
    if dashed:
        properties += [
            property_of("custom.lineStyle", {"fill": "dash", "dash": [10, 8]}),
            property_of("custom.fillOpacity", 0),
        ]
    return panel.override_by_name(name, properties)


def stepped(panel: P, name: str, steps: Steps) -> P:
    """Give one figure among several thresholds of its own."""
    mode = dashboard.ThresholdsMode.ABSOLUTE.value
    values = [{"color": colour, "value": value} for value, colour in steps]
    return panel.override_by_name(
        name, [property_of("thresholds", {"mode": mode, "steps": values})]
    )
