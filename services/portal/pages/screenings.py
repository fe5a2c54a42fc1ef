"""Screenings as they are read: what was concluded, by which gate and why, and what is demanded besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place
from services.portal.pages.people import People
from services.portal.pages.standing import TONES

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Reason:
    """One gate's reason, and the source of its rule."""

    gate: str
    why: str
    source: str


@dataclass(frozen=True)
class Screening:
    """One screening as it stands; `reasons` and `demands` are empty until it is concluded."""

    opened: str
    verdict: str
    cap: str
    tone: str
    by: str
    reasons: Sequence[Reason]
    demands: Sequence[str]
    flags: Sequence[str]


def screenings_of(record: Record, place: Place, people: People) -> list[Screening]:
    """Give the patient's screenings, the newest first."""
    return [_screening(each, place, people) for each in reversed(record["screenings"])]


def _screening(screening: Record, place: Place, people: People) -> Screening:
    concluded = screening.get("conclusion") or {}
    permission = concluded.get("permission", "")
    by = f"{people.with_role(concluded['by'])}, {place.both(concluded['at'])}" if concluded else ""
    return Screening(
        opened=place.both(screening["opened_at"]),
        verdict=words.words(words.PERMISSIONS, permission) or "Under way",
        cap=words.capital(words.words(words.CAPS, concluded.get("intensity_cap"))),
        tone=TONES.get(permission, "secondary"),
        by=by,
        reasons=[_reason(reason) for reason in concluded.get("reasons") or ()],
        demands=[_demand(condition) for condition in concluded.get("conditions") or ()],
        flags=[_flag(flag) for flag in _latest(screening["safety_flags"])],
    )


def _reason(reason: Record) -> Reason:
    why = words.capital(words.sign(reason["code"]))
    return Reason(words.words(words.GATES, reason["gate"]), why, reason["source"])


def _demand(condition: Record) -> str:
    days = condition.get("within_days")
    within = "" if days is None else ", today" if days == 0 else f", within {words.count(days, 'day')}"
    return words.words(words.CONDITIONS, condition["code"]) + within


def _latest(flags: Sequence[Record]) -> list[Record]:
    """Keep what was said last of each flag; one that can no longer be opened says nothing."""
    return list({flag["flag"]: flag for flag in flags if flag.get("flag")}.values())


def _flag(flag: Record) -> str:
    """A flag as raised, or as a clinician assessed it."""
    about = words.capital(words.sign(flag["flag"]))
    if "hold" not in flag:
        return f"{about}: to be assessed by a clinician"
    held = "exercise on hold" if flag["hold"] else "no hold"
    return f"{about}: assessed, {held}. {flag.get('assessment', '')}".strip()
