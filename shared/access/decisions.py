"""The decision: may this subject take this action on this resource, given these facts?"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.access.roles import Role
from shared.identity import Subject


class Relation(StrEnum):
    """How the subject must stand to the resource. A patient stands only to themselves, whatever a row says."""

    NONE = "none"
    MEMBER = "member of the patient's care team"
    ADDRESSED = "named in the resource itself"
    SELF = "the patient"


@dataclass(frozen=True)
class Resource:
    """What an action is about: a patient's case, and the subjects named in it (requester, provider)."""

    patient_id: UUID | None = None
    addressed_to: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known about subject and resource at this moment."""

    is_member: bool = False


class Rule:
    """One row of the table: `Rule(roles, relation, ...)`; any one of the relations suffices, none named means NONE.

    Join rows with `|`: `Rule(CARE_TEAM, Relation.MEMBER) | Rule({Role.AUDITOR})`.
    """

    def __init__(self, roles: Collection[Role], *relations: Relation):
        self.parts: tuple[tuple[frozenset[Role], tuple[Relation, ...]], ...] = (
            (frozenset(roles), relations or (Relation.NONE,)),
        )

    def __or__(self, other: "Rule") -> "Rule":
        joined = Rule(())
        joined.parts = self.parts + other.parts
        return joined

    def grants(self, subject: Subject) -> Iterator[tuple[Role, Relation]]:
        """Give each role of the subject that the row names, with each relation that it then needs."""
        for roles, relations in self.parts:
            for role in sorted(role for role in roles if role in subject.roles):
                for relation in relations:
                    of_a_patient = role is Role.PATIENT and relation is Relation.MEMBER
                    yield role, Relation.SELF if of_a_patient else relation


@dataclass(frozen=True)
class Allowed:
    """Yes, in this role."""

    role: Role


@dataclass(frozen=True)
class Refused:
    """No; `hidden` when even the resource's being there must not show. The reason is for the record, not the caller."""

    reason: str
    hidden: bool = False


AccessTable = Mapping[str, Rule]
"""Action (the name of the route's view function) -> who may take it. No row, no access."""


def decide(table: AccessTable, subject: Subject, action: str, resource: Resource, facts: Facts) -> Allowed | Refused:
    """Decide by role AND relation; deny by default.

    A missing row or role is refused openly; a missing relation is refused as if the resource were not there.
    """
    rule = table.get(action)
    if rule is None:
        return Refused("no row for this action")
    grants = list(rule.grants(subject))
    if not grants:
        return Refused("role not allowed")
    for role, relation in grants:
        if _stands(relation, subject, resource, facts):
            return Allowed(role)
    return Refused("outside the relation", hidden=True)


def _stands(relation: Relation, subject: Subject, resource: Resource, facts: Facts) -> bool:
    match relation:
        case Relation.NONE:
            return True
        case Relation.MEMBER:
            return resource.patient_id is not None and facts.is_member
        case Relation.ADDRESSED:
            return subject.id in resource.addressed_to
        case Relation.SELF:
            return resource.patient_id is not None and resource.patient_id == subject.patient_id
