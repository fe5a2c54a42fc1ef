"""Facts that decisions rest on: who is in whose care team, kept as a projection in every service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Index, MetaData, RowMapping, Select, String, Table, Uuid, or_, select

from events.intake import PatientTeamMemberJoined, PatientTeamMemberLeft
from shared.clock import Clock
from shared.eventlog import UtcDateTime
from shared.messaging import Policies, Rows

Query = Callable[[Select[Any]], Sequence[RowMapping]]
"""Reads worklists: `Application.query`."""


def care_team_table(metadata: MetaData) -> Table:
    """Add the table `care_team`: who looks after whom, in which role, since when, until when (None: still).

    Intake, which owns the care team, keeps it as a worklist of its patients; the others by `keep_care_team`.
    `aggregate_id` is the patient's id.
    """
    table = Table(
        "care_team",
        metadata,
        Column("aggregate_id", Uuid, nullable=False, index=True),
        Column("patient_id", Uuid, nullable=False),
        Column("member_id", String(200), nullable=False),
        Column("role", String(40), nullable=False),
        Column("since", UtcDateTime, nullable=False),
        Column("until", UtcDateTime),
    )
    Index("care_team_member", table.c.member_id, table.c.patient_id)
    return table


def keep_care_team(policies: Policies, table: Table) -> None:
    """Declare the projections that keep another service's copy of the care team, as intake's events tell it."""

    @policies.projects(PatientTeamMemberJoined)
    def keep_who_joined(event: PatientTeamMemberJoined, rows: Rows) -> None:
        member = _member(event)
        joined = {**member, "aggregate_id": event.patient_id, "role": event.role, "since": event.occurred_at}
        rows.replace(table, member, [{**joined, "until": None}])

    @policies.projects(PatientTeamMemberLeft)
    def forget_who_left(event: PatientTeamMemberLeft, rows: Rows) -> None:
        rows.replace(table, _member(event))


def _member(event: PatientTeamMemberJoined | PatientTeamMemberLeft) -> dict[str, object]:
    return {"patient_id": event.patient_id, "member_id": event.member_id}


@dataclass(frozen=True)
class CareTeam:
    """Membership as this service knows it."""

    table: Table
    query: Query
    clock: Clock

    def is_member(self, patient_id: UUID, member_id: str) -> bool:
        """Tell whether somebody is in a patient's care team now."""
        mine = self.patients_of(member_id).where(self.table.c.patient_id == patient_id)
        return bool(self.query(mine.limit(1)))

    def patients_of(self, member_id: str) -> Select[tuple[UUID]]:
        """Select the ids of the patients whose care team somebody is in now: `.where(patient_id.in_(...))`."""
        return select(self.table.c.patient_id).where(self.table.c.member_id == member_id, self._now())

    def _now(self) -> ColumnElement[bool]:
        return or_(self.table.c.until.is_(None), self.table.c.until > self.clock())
