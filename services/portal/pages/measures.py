"""Questionnaires over time: the rows of the table, and the points of the chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.portal.charts import Mark, Point
from services.portal.pages import words
from services.portal.pages.moments import Place
from services.portal.pages.timeline import anchor_of

Record = Mapping[str, Any]

IMPORTED = "caretrail.intake.questionnaire-imported.v1"
CHARTED = "PHQ9"


@dataclass(frozen=True)
class Measure:
    """One answered questionnaire; `total` is None where it has none, `note` says what to know about the figure."""

    instrument: str
    name: str
    at: str
    total: int | None
    band: str
    source: str
    note: str
    anchor: str


def measures_of(record: Record) -> list[Measure]:
    """Give every questionnaire in the order in which they were answered."""
    imported = ({**each, "source": "imported"} for each in record["imported"] if each["fact"] == IMPORTED)
    found = sorted([*record["measures"], *imported], key=lambda each: each["at"])
    return [_measure(each) for each in found]


def _measure(said: Record) -> Measure:
    result = said.get("result") or {}
    total = result.get("total")
    stated = result.get("stated_total")
    return Measure(
        instrument=said["instrument"],
        name=words.words(words.INSTRUMENT_NAMES, said["instrument"]),
        at=said["at"],
        total=stated if total is None else total,
        band=words.capital(words.spelled(result.get("band") or "")),
        source=words.words(words.SOURCES, said["source"]),
        note=words.capital("; ".join(_notes(said, result))),
        anchor=anchor_of(said["event_id"]),
    )


def _notes(said: Record, result: Record) -> Iterator[str]:
    total, stated = result.get("total"), result.get("stated_total")
    if result.get("invalid"):
        yield f"no valid total: {words.spelled(result['invalid'])}"
    if result.get("provisional"):
        yield f"provisional, {words.count(result.get('missing', 0), 'answer')} missing"
    if stated is not None and total is None:
        yield "as stated, without answers"
    elif said.get("contradicts"):
        yield f"stated as {stated}, which contradicts the answers"
    if said.get("change") is not None:
        yield f"{words.signed(said['change'])} against the baseline of {said['baseline']}"
    yield from (words.sign(flag) for flag in said.get("flags") or ())


def points_of(measures: Iterable[Measure], place: Place) -> list[Point]:
    """Give the PHQ-9 totals as the chart draws them, at the wall time of the patient's place."""
    charted = (measure for measure in measures if measure.instrument == CHARTED)
    return [
        Point(place.local(measure.at).replace(tzinfo=None), measure.total)
        for measure in charted
        if measure.total is not None
    ]


def marks_of(record: Record, place: Place) -> list[Mark]:
    """Give the moments at which the program changed."""
    return [
        Mark(place.local(revision["at"]).replace(tzinfo=None), revision["revision"])
        for program in record["programs"]
        for revision in program["revisions"]
    ]
