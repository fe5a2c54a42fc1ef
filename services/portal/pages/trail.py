"""One patient's trail: where they stand, what happened and why, the program, the measures; now or as of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from services.portal.charts import PHONE, WIDE, NotDrawn, description, phq9_spec
from services.portal.pages import words
from services.portal.pages.measures import marks_of, measures_of, points_of
from services.portal.pages.moments import NoSuchMoment, Place, moment_written, written
from services.portal.pages.neighbours import NotAllowed, NotToBeSeen, SessionOver, Unavailable
from services.portal.pages.patients import name_of
from services.portal.pages.people import People, care_team_of
from services.portal.pages.programs import programs_of
from services.portal.pages.referrals import referrals_of
from services.portal.pages.screenings import screenings_of
from services.portal.pages.standing import standing
from services.portal.pages.stories import day_of
from services.portal.pages.timeline import days
from services.portal.pages.visitor import portal, questions, visitor

Record = Mapping[str, Any]

MOST_FACTS = 5000
FACTS_AT_FIRST = 25
EARLIER = "Nothing was recorded of this patient up to then. This is what is recorded now."


def trail(patient_id: UUID) -> ResponseReturnValue:
    """Show the trail now, or as it was recorded up to `as-of`, local time where the patient lives."""
    latest = _record(patient_id)
    place = Place(latest["patient"].get("time_zone"))
    record, sentence = _as_of(patient_id, latest, place)
    is_past = record is not latest
    status = 400 if sentence and sentence is not EARLIER else 200
    return _page(patient_id, record, place, is_past, sentence), status


def _as_of(patient_id: UUID, latest: Record, place: Place) -> tuple[Record, str]:
    """Give the record as of the moment that is asked for; the latest, and why, where there is none."""
    asked = request.args.get("as-of", "")
    if not asked:
        return latest, ""
    try:
        return _record(patient_id, moment_written(asked, place.zone)), ""
    except NoSuchMoment as error:
        return latest, str(error)
    except NotToBeSeen:
        return latest, EARLIER


def _record(patient_id: UUID, as_of: datetime | None = None) -> Record:
    moment = written(as_of) if as_of else None
    return questions().get("history", f"/v1/patients/{patient_id}/record", as_of=moment)


def _page(patient_id: UUID, record: Record, place: Place, is_past: bool, sentence: str) -> str:
    people = People(visitor().id, care_team_of(record), _names())
    return render_template(
        "trail.html",
        patient_id=patient_id,
        name=name_of(record["patient"]),
        patient=record["patient"],
        born=day_of(record["patient"].get("birth_date")),
        behind=[words.words(words.SERVICES, service).lower() for service in record["behind"]],
        record=record,
        place=place,
        people=people,
        is_past=is_past,
        sentence=sentence,
        standing=_standing(patient_id, record, place, is_past),
        screenings=screenings_of(record, place, people),
        programs=programs_of(record, place, people),
        referrals=referrals_of(record, place, people),
        **_measures(record, place),
        **_timeline(patient_id, record, place, people),
    )


def _names() -> Mapping[str, str]:
    """Give the names that the local issuer knows; the page is of use without them, too."""
    try:
        known = questions().get("identity", "/v1/people")
    except (Unavailable, SessionOver, NotAllowed, NotToBeSeen):
        return {}
    return {person["id"]: person["name"] for person in known["people"]}


def _measures(record: Record, place: Place) -> dict[str, Any]:
    measures = measures_of(record)
    points = points_of(measures, place)
    described = description(points, marks_of(record, place))
    return {"measures": list(reversed(measures)), "charted": bool(points), "chart_words": described}


def _timeline(patient_id: UUID, record: Record, place: Place, people: People) -> dict[str, Any]:
    newest_first = request.args.get("order") != "oldest"
    facts, all_there = _facts(patient_id, record)
    shown = facts if "all" in request.args else _some(facts, newest_first)
    read = days(shown, facts, place, people, newest_first=newest_first)
    hidden = len(facts) - len(shown)
    return {"days": read, "newest_first": newest_first, "hidden": hidden, "all_there": all_there}


def _facts(patient_id: UUID, record: Record) -> tuple[list[dict[str, Any]], bool]:
    path = f"/v1/patients/{patient_id}/timeline"
    return questions().all("history", path, MOST_FACTS, as_of=record["as_of"])


def _some(facts: list[dict[str, Any]], newest_first: bool) -> list[dict[str, Any]]:
    return facts[-FACTS_AT_FIRST:] if newest_first else facts[:FACTS_AT_FIRST]


def _standing(patient_id: UUID, record: Record, place: Place, is_past: bool) -> list[Any]:
    if is_past:
        return standing(record, None, None, place)
    return standing(record, _due(patient_id), place.local(portal().clock()).date(), place)


def _due(patient_id: UUID) -> Record | None:
    """Give the patient's newest running plan; an auditor asks history alone, and the page does without the rest."""
    try:
        plans = questions().get("monitoring", "/v1/plans", patient_id=str(patient_id), status="active", limit=1)
    except (NotAllowed, NotToBeSeen, Unavailable):
        return None
    return plans["items"][0] if plans["items"] else {}


def phq9_chart(patient_id: UUID) -> ResponseReturnValue:
    """Draw the PHQ-9 chart of the record that a vector names, for a wide or a narrow screen."""
    vector = request.args.get("vector", "")
    record = questions().get("history", f"/v1/patients/{patient_id}/record", vector=vector)
    place = Place(record["patient"].get("time_zone"))
    points = points_of(measures_of(record), place)
    if not points:
        raise NotToBeSeen
    size = PHONE if request.args.get("size") == "phone" else WIDE
    try:
        svg = portal().charts.svg(phq9_spec(points, marks_of(record, place), size))
    except NotDrawn as error:
        raise Unavailable("charts") from error
    return Response(svg, mimetype="image/svg+xml")
