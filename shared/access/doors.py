"""The doorkeeper of a service: its table of access and the facts it knows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, true

from shared.access.decisions import AccessTable, Facts, Refused, Relation, Resource, decide
from shared.access.facts import CareTeam
from shared.http.doorkeeper import Forbidden, OutOfSight
from shared.identity import Subject


class Access:
    """Decides for one service; `table` has a row for every route, `care_team` the service's own facts."""

    def __init__(self, table: AccessTable, care_team: CareTeam | None = None):
        self._table = table
        self._care_team = care_team

    def knows(self, action: str) -> bool:
        """Tell whether the table has a row for this action."""
        return action in self._table

    def admit(self, subject: Subject, action: str) -> str | None:
        """Let in by role; None if it depends on the resource, Forbidden if no role allows the action."""
        decision = decide(self._table, subject, action, Resource(), Facts())
        if not isinstance(decision, Refused):
            return decision.role
        if not decision.hidden:
            raise Forbidden(decision.reason)
        return None

    def admit_to(self, subject: Subject, action: str, resource: Resource | UUID | None) -> str:
        """Let in to one resource (a patient's id will do), and give the role; OutOfSight for whoever stands outside."""
        if not isinstance(resource, Resource):
            resource = Resource(patient_id=resource)
        decision = decide(self._table, subject, action, resource, self._facts(subject, resource))
        if isinstance(decision, Refused):
            raise OutOfSight(decision.reason) if decision.hidden else Forbidden(decision.reason)
        return decision.role

    def _facts(self, subject: Subject, resource: Resource) -> Facts:
        if self._care_team is None or resource.patient_id is None:
            return Facts()
        return Facts(is_member=self._care_team.is_member(resource.patient_id, subject.id))

    def narrow(
        self, subject: Subject, action: str, patient: ColumnElement[Any] | None, addressed: Sequence[ColumnElement[Any]]
    ) -> tuple[str, ColumnElement[bool]]:
        """Give the role, and the condition that leaves only rows which the subject may see."""
        grants = list(self._table[action].grants(subject)) if action in self._table else []
        if not grants:
            raise Forbidden("role not allowed")
        conditions = [self._condition(relation, subject, patient, addressed) for _, relation in grants]
        return grants[0][0], or_(false(), *conditions)

    def _condition(
        self,
        relation: Relation,
        subject: Subject,
        patient: ColumnElement[Any] | None,
        addressed: Sequence[ColumnElement[Any]],
    ) -> ColumnElement[bool]:
        match relation:
            case Relation.NONE:
                return true()
            case Relation.MEMBER if patient is not None and self._care_team is not None:
                return patient.in_(self._care_team.patients_of(subject.id))
            case Relation.ADDRESSED:
                return or_(false(), *(column == subject.id for column in addressed))
            case Relation.SELF if patient is not None and subject.patient_id is not None:
                return patient == subject.patient_id
            case _:
                return false()
