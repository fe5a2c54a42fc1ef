"""Exercise programs as they are read: what to do, and how each revision differs from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place
from services.portal.pages.people import People
from services.portal.pages.standing import TONES
from services.portal.pages.timeline import anchor_of

Record = Mapping[str, Any]

SINCE: Mapping[str, str] = {"active": "active", "paused": "paused", "completed": "ended", "discontinued": "ended"}


@dataclass(frozen=True)
class Part:
    """One part of a program in FITT terms."""

    activity: str
    code: str
    often: str
    hard: str
    long: str
    instructions: str


@dataclass(frozen=True)
class Change:
    """One field that a revision changed."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Revision:
    """One revision: who, when, why, what triggered it, what changed."""

    number: int
    author: str
    at: str
    reason: str
    anchor: str
    trigger: str
    changes: Sequence[Change]


@dataclass(frozen=True)
class Program:
    """One program as it stands."""

    state: str
    tone: str
    reason: str
    parts: Sequence[Part]
    goals: Sequence[str]
    statement: str
    revisions: Sequence[Revision]


def programs_of(record: Record, place: Place, people: People) -> list[Program]:
    """Give the patient's programs, the newest first."""
    return [_program(program, place, people) for program in reversed(record["programs"])]


def _program(program: Record, place: Place, people: People) -> Program:
    parts = program.get("components") or ()
    revisions = [_revision(each, parts, place, people) for each in reversed(program["revisions"])]
    said = program.get(program["status"]) or {}
    return Program(
        state=words.words(words.PROGRAM_STATES, program["status"]),
        tone=TONES.get(program["status"], "secondary"),
        reason=said.get("reason") or said.get("note") or "",
        parts=[_part(part) for part in parts],
        goals=program.get("goals") or (),
        statement=program.get("statement") or "",
        revisions=revisions,
    )


def _part(part: Record) -> Part:
    bounds = [
        f"{low}–{high}{unit}"
        for name, unit in (("heart_rate", " beats/min"), ("rpe", " RPE"))
        if part.get(name)
        for low, high in [part[name]]
    ]
    hard = ", ".join([words.capital(words.words(words.INTENSITIES, part["intensity"])), *bounds])
    return Part(
        activity=words.capital(part["name"]),
        code=f"Compendium {part['activity']}, {part['met']} MET",
        often=f"{part['times_per_week']} × a week",
        hard=hard,
        long=f"{part['minutes']} min",
        instructions=part.get("instructions") or "",
    )


def _revision(revision: Record, parts: Sequence[Record], place: Place, people: People) -> Revision:
    return Revision(
        number=revision["revision"],
        author=people.with_role(revision["author"]),
        at=place.both(revision["at"]),
        reason=revision.get("reason") or "",
        anchor=anchor_of(revision["event_id"]),
        trigger=anchor_of(revision["triggered_by"]) if revision.get("triggered_by") else "",
        changes=[_change(each, parts) for each in revision.get("changes") or ()],
    )


def _change(change: Record, parts: Sequence[Record]) -> Change:
    """Name a field by the part it belongs to: `components.0.minutes` is "Brisk walk: minutes"."""
    section, number, *field = change["path"].split(".")
    place = int(number)
    if section == "goals":
        what = f"Goal {place + 1}"
    else:
        part = words.capital(parts[place]["name"]) if place < len(parts) else f"Part {place + 1}"
        what = f"{part}: {words.words(words.FIELDS, field[0])}" if field else part
    return Change(what, change["before"] or "—", change["after"] or "—")
