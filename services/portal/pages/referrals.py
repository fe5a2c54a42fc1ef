"""Referrals as they are read: whom was asked for what, why, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place
from services.portal.pages.people import People
from services.portal.pages.stories import day_of

Record = Mapping[str, Any]

TONES: Mapping[str, str] = {
    "requested": "warning",
    "declined": "danger",
    "reported": "info",
    "completed": "info",
    "acknowledged": "success",
    "cancelled": "secondary",
}
BY = ("received_by", "accepted_by", "declined_by", "reported_by", "completed_by", "acknowledged_by", "cancelled_by")


@dataclass(frozen=True)
class Step:
    """One step of a referral."""

    state: str
    at: str
    who: str
    said: str


@dataclass(frozen=True)
class Referral:
    """One referral as it stands."""

    kind: str
    state: str
    tone: str
    urgent: bool
    asked_by: str
    asked_at: str
    reason: str
    visit_by: str
    steps: Sequence[Step]


def referrals_of(record: Record, place: Place, people: People) -> list[Referral]:
    """Give the patient's referrals, the newest first."""
    return [_referral(each, place, people) for each in reversed(record["referrals"])]


def _referral(referral: Record, place: Place, people: People) -> Referral:
    return Referral(
        kind=words.words(words.REFERRALS, referral["kind"]),
        state=words.words(words.REFERRAL_STATES, referral["status"]),
        tone=TONES.get(referral["status"], "primary"),
        urgent=referral.get("priority") == "urgent",
        asked_by=people.with_role(referral["requested_by"]),
        asked_at=place.both(referral["requested_at"]),
        reason=referral.get("reason") or "",
        visit_by=day_of(referral.get("first_visit_due")),
        steps=[_step(step, place, people) for step in referral["steps"]],
    )


def _step(step: Record, place: Place, people: People) -> Step:
    who = next((step[name] for name in BY if step.get(name)), step["by"])
    outcome, cap = words.words(words.OUTCOMES, step.get("outcome")), words.words(words.CAPS, step.get("intensity_cap"))
    declined = words.words(words.DECLINES, step["reason"]) if step["status"] == "declined" else step.get("reason")
    until = day_of(step.get("valid_until"))
    said = (outcome, cap, until and f"valid until {until}", declined, step.get("note"), step.get("message"))
    return Step(
        state=words.words(words.REFERRAL_STATES, step["status"]),
        at=place.both(step["at"]),
        who=people.with_role(who),
        said=words.capital("; ".join(part for part in said if part)),
    )
