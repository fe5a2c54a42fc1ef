"""What a patient may do by the latest conclusion, clearance and red flag, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from events.terms import ClearanceOutcome, Intensity, Permission
from shared.clinical.conclusion import Cap
from shared.clinical.preparticipation import Clearance as Validity


class Missing(StrEnum):
    """What stands between a patient and a program; WORDS says it to a clinician."""

    CONCLUDED_SCREENING = "concluded-screening"
    END_OF_HOLD = "end-of-hold"
    CLEARANCE = "clearance"
    CLEARANCE_AFTER_RED_FLAG = "clearance-after-red-flag"
    POSITIVE_CLEARANCE = "positive-clearance"
    VALID_CLEARANCE = "valid-clearance"
    INTENSITY_WITHIN_CAP = "intensity-within-cap"


WORDS: Mapping[Missing, str] = {
    Missing.CONCLUDED_SCREENING: "a concluded screening",
    Missing.END_OF_HOLD: "a new conclusion, since the present one holds exercise until a clinician decides",
    Missing.CLEARANCE: "a physician's clearance",
    Missing.CLEARANCE_AFTER_RED_FLAG: "a physician's clearance decided after the red flag",
    Missing.POSITIVE_CLEARANCE: "a clearance that allows exercise, since the latest decision does not",
    Missing.VALID_CLEARANCE: "a clearance that is valid on the day, since the latest one has expired",
    Missing.INTENSITY_WITHIN_CAP: "components within the intensity cap",
}


@dataclass(frozen=True, order=True)
class Moment:
    """When a fact was true, then when it was recorded: the order in which facts of several services count."""

    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """A concluded screening, as intake recorded it."""

    event_id: str
    screening_id: UUID
    permission: Permission
    cap: Intensity
    conditions: tuple[str, ...]
    decided: Moment


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """A physician's decision, as intake recorded it; without `valid_until` it stands for 365 days (section 2.2)."""

    event_id: str
    screening_id: UUID
    outcome: ClearanceOutcome
    cap: Intensity
    valid_until: date | None
    decided: Moment

    @property
    def positive(self) -> bool:
        """Whether it allows any exercise."""
        return self.outcome is not ClearanceOutcome.NOT_CLEARED and self.cap is not Intensity.NONE

    def stands(self, today: date) -> bool:
        """Whether it allows exercise on that day."""
        given_on = min(today, self.decided.occurred_at.date())
        return self.positive and Validity(given_on=given_on, valid_until=self.valid_until).stands(today)


@dataclass(frozen=True)
class Permit:
    """What counts for a patient: the latest conclusion, the latest clearance and the latest red flag."""

    conclusion: Conclusion | None = None
    clearance: Clearance | None = None
    red_flag: Moment | None = None

    def basis(self, today: date) -> tuple[str, ...]:
        """Name the facts that a permission on that day rests on."""
        clearance = self.clearance if self.clearance and self.clearance.stands(today) else None
        return tuple(fact.event_id for fact in (self.conclusion, clearance) if fact is not None)


def allowed_to_exercise(
    permit: Permit, today: date, cap_needed: Intensity, after_red_flag: Moment | None
) -> tuple[Missing, ...]:
    """Tell what is missing for exercise of an intensity on a day; nothing if it is allowed.

    The most restrictive wins: a hold is ended by a new conclusion only, a conclusion that needs clearance by a
    decision made after it, a red flag by a decision made after the flag, and a physician's "not cleared" by a later
    decision only. The cap is judged once nothing else is missing.
    """
    missing = tuple(_missing(permit, today, after_red_flag))
    if not missing and Cap(cap_needed.value) > Cap(cap_of(permit, today).value):
        return (Missing.INTENSITY_WITHIN_CAP,)
    return missing


def _missing(permit: Permit, today: date, after_red_flag: Moment | None) -> Iterator[Missing]:
    conclusion, clearance = permit.conclusion, permit.clearance
    needed = conclusion is not None and conclusion.permission is Permission.CLEARANCE_NEEDED
    if conclusion is None:
        yield Missing.CONCLUDED_SCREENING
    elif conclusion.permission is Permission.HOLD:
        yield Missing.END_OF_HOLD
    if after_red_flag is not None and not _decided_after(clearance, after_red_flag):
        yield Missing.CLEARANCE_AFTER_RED_FLAG
    elif needed and conclusion is not None and not _decided_after(clearance, conclusion.decided):
        yield Missing.CLEARANCE
    elif clearance is not None and not clearance.positive:
        yield Missing.POSITIVE_CLEARANCE
    elif clearance is not None and _relied_on(clearance, conclusion, after_red_flag) and not clearance.stands(today):
        yield Missing.VALID_CLEARANCE


def _relied_on(clearance: Clearance, conclusion: Conclusion | None, after_red_flag: Moment | None) -> bool:
    """Whether it must still be valid; a screening that was concluded ready after it has taken its place."""
    if conclusion is None or conclusion.permission is not Permission.READY:
        return True
    return after_red_flag is not None and clearance.decided > conclusion.decided


def _decided_after(clearance: Clearance | None, moment: Moment) -> bool:
    return clearance is not None and clearance.decided > moment


def cap_of(permit: Permit, today: date) -> Intensity:
    """Give the highest intensity that conclusion and clearance leave open on a day, red flags apart.

    With a clearance that was decided after the conclusion intake has judged every gate again: its cap takes the place
    of the conclusion's. An older clearance that still stands can only lower the cap.
    """
    conclusion, clearance = permit.conclusion, permit.clearance
    if conclusion is None or conclusion.permission is Permission.HOLD:
        return Intensity.NONE
    own = conclusion.cap if conclusion.permission is Permission.READY else Intensity.NONE
    if clearance is None or not clearance.stands(today):
        return own
    if clearance.decided > conclusion.decided:
        return clearance.cap
    return Intensity(min(Cap(own.value), Cap(clearance.cap.value)).value)
