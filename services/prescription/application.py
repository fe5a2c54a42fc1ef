"""The use cases of prescription: load the program, ask it, save it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, Table, select

from services.prescription.domain import (
    Clearance,
    Conclusion,
    HeartRateFrom,
    Moment,
    Permit,
    Program,
    Wanted,
    planned,
)
from services.prescription.worklists import PROGRAMS, clearances, conclusions, red_flags
from shared.eventlog import Application, Context
from shared.messaging import REFUSED_REACTIONS, Refusal


class Programs(Application):
    """Exercise programs and what may be prescribed."""

    aggregates = (Program, Refusal)
    worklists = (PROGRAMS, REFUSED_REACTIONS)

    # Commands

    def draft(
        self,
        context: Context,
        patient_id: UUID,
        components: Sequence[Wanted],
        goals: Sequence[str] = (),
        heart_rate_from: HeartRateFrom | None = None,
    ) -> Program:
        """Write the first revision of a program."""
        program = Program.draft(uuid4(), context, patient_id, planned(components, heart_rate_from), goals)
        return self.save(program)

    def revise(
        self,
        context: Context,
        program_id: UUID,
        version: int,
        components: Sequence[Wanted],
        reason: str,
        goals: Sequence[str] = (),
        heart_rate_from: HeartRateFrom | None = None,
        triggered_by: str | None = None,
    ) -> Program:
        """Write the next revision of the program as it was read at `version`."""
        program = self.get(Program, program_id, context, version=version)
        permit = self.permit_of(program.patient_id)
        program.revise(planned(components, heart_rate_from), goals, reason, permit, triggered_by)
        return self.save(program)

    def activate(self, context: Context, program_id: UUID, starts_on: date) -> Program:
        """Let the patient exercise by it."""
        program = self.get(Program, program_id, context)
        program.activate(starts_on, self.permit_of(program.patient_id))
        return self.save(program)

    def pause(self, context: Context, program_id: UUID, reason: str, needs_clearance: bool = False) -> Program:
        """Stop for now, until somebody resumes it, or until a physician's clearance too."""
        program = self.get(Program, program_id, context)
        program.pause(reason, clearance_after=context.now if needs_clearance else None)
        return self.save(program)

    def resume(self, context: Context, program_id: UUID, reason: str) -> Program:
        """Go on."""
        program = self.get(Program, program_id, context)
        program.resume(reason, self.permit_of(program.patient_id))
        return self.save(program)

    def complete(self, context: Context, program_id: UUID, note: str) -> Program:
        """Bring it to its planned end."""
        program = self.get(Program, program_id, context)
        program.complete(note)
        return self.save(program)

    def discontinue(self, context: Context, program_id: UUID, reason: str) -> Program:
        """End it early."""
        program = self.get(Program, program_id, context)
        program.discontinue(reason)
        return self.save(program)

    # Questions

    def permit_of(self, patient_id: UUID | None) -> Permit:
        """Give what the latest conclusion, clearance and red flag of a patient say, as far as they have come here."""
        concluded = (_conclusion(row) for row in self._facts(conclusions, patient_id))
        cleared = (_clearance(row) for row in self._facts(clearances, patient_id))
        flagged = (_moment(row) for row in self._facts(red_flags, patient_id))
        return Permit(
            conclusion=max(concluded, key=lambda fact: fact.decided, default=None),
            clearance=max(cleared, key=lambda fact: fact.decided, default=None),
            red_flag=max(flagged, default=None),
        )

    def _facts(self, table: Table, patient_id: UUID | None) -> Sequence[RowMapping]:
        return self.query(select(table).where(table.c.patient_id == patient_id))


def _moment(row: RowMapping) -> Moment:
    return Moment(row["occurred_at"], row["recorded_at"])


def _conclusion(row: RowMapping) -> Conclusion:
    return Conclusion(
        event_id=row["event_id"],
        screening_id=row["screening_id"],
        permission=row["permission"],
        cap=row["intensity_cap"],
        conditions=tuple(row["conditions"]),
        decided=_moment(row),
    )


def _clearance(row: RowMapping) -> Clearance:
    return Clearance(
        event_id=row["event_id"],
        screening_id=row["screening_id"],
        outcome=row["outcome"],
        cap=row["intensity_cap"],
        valid_until=row["valid_until"],
        decided=_moment(row),
    )
