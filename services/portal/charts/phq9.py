"""What the PHQ-9 chart shows: bands of severity, totals over time, and the revisions of the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clinical.instruments import PHQ9

Spec = dict[str, Any]

HIGHEST = 27
INK, ACCENT, MARK = "#495057", "#0b5394", "#6f42c1"
BAND_COLOURS = ("#eef7f0", "#f8f8e1", "#fff1d9", "#ffe4d6", "#fbdadd")
BAND_NAMES: Mapping[str, str] = {"moderately-severe": "mod. severe"}

LABEL_WIDTH = 52
"""Pixels that the label of a revision takes."""


@dataclass(frozen=True)
class Size:
    """Width and height of the plot in pixels, and about how many days its axis names."""

    width: int
    height: int
    ticks: int


WIDE = Size(600, 230, 5)
PHONE = Size(225, 220, 3)


@dataclass(frozen=True)
class Point:
    """A total at a wall time."""

    at: datetime
    total: int


@dataclass(frozen=True)
class Mark:
    """A revision of the program at a wall time."""

    at: datetime
    revision: int


def description(points: Sequence[Point], marks: Sequence[Mark]) -> str:
    """Say in words what the chart shows."""
    if not points:
        return "No PHQ-9 totals."
    first, last = points[0], points[-1]
    days = ", ".join(dict.fromkeys(_day(mark.at) for mark in marks))
    revisions = f" The program was written or changed on {days}." if days else ""
    if len(points) == 1:
        return f"PHQ-9 total: {first.total} on {_day(first.at)}.{revisions}"
    course = f"from {first.total} on {_day(first.at)} to {last.total} on {_day(last.at)}"
    return f"PHQ-9 totals, {len(points)} values, {course}.{revisions} The table below holds every value."


def phq9_spec(points: Sequence[Point], marks: Sequence[Mark], size: Size) -> Spec:
    """Describe the chart in Vega-Lite; there must be at least one point."""
    first, last = _span([*points, *marks])
    label_takes = (last - first) * LABEL_WIDTH / size.width
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": size.width,
        "height": size.height,
        "padding": {"left": 4, "top": 4, "right": 16, "bottom": 4},
        "background": "white",
        "encoding": {"x": _time_axis(first, last, size)},
        "layer": [*_bands(first, last, size), *_rules(marks, label_takes), *_totals(points)],
        "config": {
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "grid": False},
        },
    }


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"


def _moment(at: datetime) -> str:
    # wall times are drawn as if they were UTC, or the machine's own zone would move them
    return f"{at.replace(microsecond=0).isoformat()}Z"


def _span(seen: Sequence[Point | Mark]) -> tuple[datetime, datetime]:
    """Give the time that the chart covers: what there is, and some room on both sides."""
    first, last = min(each.at for each in seen), max(each.at for each in seen)
    room = max((last - first) / 20, timedelta(days=3))
    return first - room, last + room


def _time_axis(first: datetime, last: datetime, size: Size) -> Spec:
    return {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [_moment(first), _moment(last)]},
        "axis": {"title": None, "format": "%-d %b %y", "tickCount": size.ticks, "labelOverlap": True},
    }


def _text(**style: Any) -> Spec:
    return {"type": "text", "align": "left", "fontSize": 11, **style}


def _bands(first: datetime, last: datetime, size: Size) -> list[Spec]:
    """The bands of severity as a ground, their names to the right of the plot."""
    values = [
        {
            "at": _moment(first),
            "end": _moment(last),
            "low": band.low,
            "high": min(band.high + 1, HIGHEST),
            "middle": (band.low + band.high + 1) / 2,
            "name": BAND_NAMES.get(band.code, band.code),
            "colour": colour,
        }
        for band, colour in zip(PHQ9.bands, BAND_COLOURS, strict=True)
    ]
    scale = {"domain": [0, HIGHEST], "nice": False}
    axis = {"title": "PHQ-9 total", "values": [0, 5, 10, 15, 20, HIGHEST]}
    low = {"field": "low", "type": "quantitative", "scale": scale, "axis": axis}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    ground = {"x2": {"field": "end"}, "y": low, "y2": {"field": "high"}, "color": colour}
    beside = {"x": {"value": size.width}, "y": {**low, "field": "middle"}, "text": {"field": "name"}}
    return [
        {"data": {"values": values}, "mark": {"type": "rect", "aria": False}, "encoding": ground},
        {"data": {"values": values}, "mark": _text(baseline="middle", dx=6, color=INK), "encoding": beside},
    ]


def _rules(marks: Sequence[Mark], label_takes: timedelta) -> list[Spec]:
    """The revisions as dashed rules."""
    groups = _within(label_takes, sorted(marks, key=lambda mark: (mark.at, mark.revision)))
    if not groups:
        return []
    rules = [{"at": _moment(mark.at)} for mark in marks]
    labels = [{"at": _moment(group[0].at), "label": _label(group)} for group in groups]
    top = {"y": {"value": 0}, "text": {"field": "label"}}
    return [
        {"data": {"values": rules}, "mark": {"type": "rule", "strokeDash": [4, 3], "color": MARK}},
        {"data": {"values": labels}, "mark": _text(baseline="top", dx=4, dy=2, color=MARK), "encoding": top},
    ]


def _within(time: timedelta, marks: Sequence[Mark]) -> list[list[Mark]]:
    """Group marks whose labels would cover each other."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.at - groups[-1][0].at < time:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _label(group: Sequence[Mark]) -> str:
    first, last = group[0].revision, group[-1].revision
    if first == last:
        return "Program" if first == 1 else f"Rev. {first}"
    return f"Rev. {first}–{last}"


def _totals(points: Sequence[Point]) -> list[Spec]:
    """The totals as a line, a dot and a figure each."""
    values = {"values": [{"at": _moment(point.at), "total": point.total} for point in points]}
    height = {"y": {"field": "total", "type": "quantitative"}}
    dot = {"type": "point", "filled": True, "size": 70, "color": ACCENT, "opacity": 1}
    figure = _text(align="center", baseline="bottom", dy=-7, fontSize=13, fontWeight="bold", color=ACCENT)
    return [
        {"data": values, "mark": {"type": "line", "color": ACCENT, "strokeWidth": 2.5}, "encoding": height},
        {"data": values, "mark": dot, "encoding": height},
        {"data": values, "mark": figure, "encoding": {**height, "text": {"field": "total"}}},
    ]
