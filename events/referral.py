"""What referral records: one request to a colleague, from asking to the closed loop."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from events.base import (
    UNSET,
    Category,
    Event,
    ParkedEventSkipped,
    ReactionRefused,
    RefusalSettled,
    Sensitive,
    UpstreamReconciled,
)
from events.terms import CareRole, ClearanceOutcome, Intensity, Priority, ReferralKind


class DeclineReason(StrEnum):
    """Why a provider does not take a patient on (IHE 360X practice); `other` says why in the note."""

    CAPACITY = "capacity"
    WRONG_SPECIALTY = "wrong-specialty"
    INSUFFICIENT_INFORMATION = "insufficient-info"
    OUT_OF_NETWORK = "out-of-network"
    PATIENT_DECLINED = "patient-declined"
    OTHER = "other"


class ReferralRequested(Event, frozen=True, kw_only=True, tag="caretrail.referral.requested.v1"):
    """Somebody, or a policy, asks a colleague to take up part of a patient's care.

    `requested_by` is the person who hears back (None: any care coordinator of the team). `about` is the screening
    that a clearance or a mental-health referral rests on, or the program that an urgent one has paused. Without
    `addressed_to` every colleague of the role may take it. `first_visit_due` is the latest day of a first visit.
    """

    safety: ClassVar[bool] = True

    kind: ReferralKind
    priority: Priority
    requested_by: str | None = None
    about: UUID | None = None
    addressed_to: str | None = None
    first_visit_due: date | None = None
    reason: Sensitive[str, Category.NOTES] = UNSET


class ReferralReceived(Event, frozen=True, kw_only=True, tag="caretrail.referral.received.v1"):
    """A provider has the request before them."""

    received_by: str


class ReferralAccepted(Event, frozen=True, kw_only=True, tag="caretrail.referral.accepted.v1"):
    """The provider took the patient on; the loop now waits for a first visit and a report."""

    kind: ReferralKind
    accepted_by: str
    role: CareRole
    first_visit_due: date
    message: Sensitive[str, Category.NOTES] = UNSET


class ReferralDeclined(Event, frozen=True, kw_only=True, tag="caretrail.referral.declined.v1"):
    """The provider will not take the patient on, for a stated reason; the requester must ask somebody else."""

    safety: ClassVar[bool] = True

    declined_by: str
    reason: DeclineReason
    note: Sensitive[str, Category.NOTES] = UNSET


class ReferralReported(Event, frozen=True, kw_only=True, tag="caretrail.referral.reported.v1"):
    """The provider's report; a physician's holds the decision about exercise, and the cap that its limits set."""

    safety: ClassVar[bool] = True

    kind: ReferralKind
    about: UUID | None
    reported_by: str
    outcome: ClearanceOutcome | None = None
    intensity_cap: Intensity | None = None
    valid_until: date | None = None
    note: Sensitive[str, Category.NOTES] = UNSET


class ReferralCompleted(Event, frozen=True, kw_only=True, tag="caretrail.referral.completed.v1"):
    """The provider has done what was asked; the requester is to acknowledge it."""

    completed_by: str


class ReferralAcknowledged(Event, frozen=True, kw_only=True, tag="caretrail.referral.acknowledged.v1"):
    """The requesting side has read the report: the loop is closed."""

    acknowledged_by: str


class ReferralCancelled(Event, frozen=True, kw_only=True, tag="caretrail.referral.cancelled.v1"):
    """The requesting side takes the request back before it is done, for a stated reason."""

    cancelled_by: str
    reason: Sensitive[str, Category.NOTES] = UNSET


class ReferralReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.referral.reaction-refused.v1"):
    """Referral could not do what another service's event asked for."""


class ReferralRefusalSettled(RefusalSettled, frozen=True, kw_only=True, tag="caretrail.referral.refusal-settled.v1"):
    """A coordinator has dealt with a refused reaction of referral."""


class ReferralParkedEventSkipped(
    ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.referral.parked-event-skipped.v1"
):
    """An operator let referral pass over another service's event that it could not take."""


class ReferralUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.referral.upstream-reconciled.v1"
):
    """An operator let referral go on behind an upstream whose log was restored from a backup."""
