"""What referral is asked for often: where each referral stands, who may take which, and who is in the care team."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    and_,
    or_,
    select,
)

from events.terms import CareRole, Priority, ReferralKind
from services.referral.domain import ADDRESSED_ROLES, AWAITING_REPORT, Referral, Status
from shared.access import care_team_table
from shared.columns import word_of
from shared.eventlog import UtcDateTime, Worklist

metadata = MetaData()
care_team = care_team_table(metadata)

referrals = Table(
    "referrals",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("kind", word_of(ReferralKind), nullable=False),
    Column("priority", word_of(Priority), nullable=False),
    Column("status", word_of(Status), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("next_due", Date),
    Column("about", Uuid),
    Column("requester", String(200)),
    Column("addressed_to", String(200)),
    Column("provider", String(200)),
    Index("referrals_patient", "patient_id", "requested_at"),
    Index("referrals_status", "status", "kind", "requested_at"),
    Index("referrals_provider", "provider", "requested_at"),
    Index("referrals_requester", "requester", "requested_at"),
    comment="one row per referral: where it stands, since when, and who holds it",
)


def _row(referral: Referral) -> Iterator[dict[str, Any]]:
    names = {column.name for column in referrals.columns} - {"aggregate_id"}
    yield {name: getattr(referral, name) for name in names}


REFERRALS = Worklist(referrals, of=Referral, rows=_row)


def open_to(person: str, roles: Collection[str]) -> ColumnElement[bool]:
    """The pool: what somebody of these roles could receive."""
    kinds = [kind for kind, asked in ADDRESSED_ROLES.items() if not asked.isdisjoint(roles)]
    return and_(
        referrals.c.status == Status.REQUESTED,
        referrals.c.kind.in_(kinds),
        or_(referrals.c.addressed_to.is_(None), referrals.c.addressed_to == person),
    )


def held_by(person: str) -> ColumnElement[bool]:
    """What somebody has received."""
    return referrals.c.provider == person


def shared_with(person: str) -> ColumnElement[bool]:
    """The referrals of the patients whose care team somebody is in."""
    patients = select(care_team.c.patient_id).where(care_team.c.member_id == person, care_team.c.until.is_(None))
    return referrals.c.patient_id.in_(patients)


def awaited(kind: ReferralKind, about: UUID) -> Select[tuple[UUID]]:
    """The referrals of a kind about the same thing that have no report yet."""
    return select(referrals.c.aggregate_id).where(
        referrals.c.kind == kind, referrals.c.about == about, referrals.c.status.in_(AWAITING_REPORT)
    )


def professionals_of(patient_id: UUID) -> Select[tuple[str, str]]:
    """The members of a patient's care team and their roles, the longest-serving first, without caregivers."""
    return (
        select(care_team.c.member_id, care_team.c.role)
        .where(care_team.c.patient_id == patient_id, care_team.c.role != CareRole.CAREGIVER)
        .order_by(care_team.c.since, care_team.c.member_id)
    )
