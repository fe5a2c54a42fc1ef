"""The decision about access: role and relation, deny by default."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import (
    CARE_TEAM,
    AccessTable,
    Allowed,
    Facts,
    Refused,
    Relation,
    Resource,
    Role,
    Rule,
    decide,
)
from shared.identity import Subject

PATIENT = UUID("11111111-1111-4111-8111-111111111111")
OTHER = UUID("22222222-2222-4222-8222-222222222222")

TABLE: AccessTable = {
    "register": Rule({Role.CARE_COORDINATOR}),
    "see": Rule(CARE_TEAM | {Role.PATIENT}, Relation.MEMBER) | Rule({Role.AUDITOR}),
    "receive": Rule({Role.PHYSICIAN}, Relation.MEMBER, Relation.ADDRESSED),
    "diary": Rule({Role.PATIENT}, Relation.SELF),
    "feed": Rule({Role.SERVICE}),
}


def a_subject(*roles: str, patient_id: UUID | None = None, id: str = "anna") -> Subject:
    return Subject(id, frozenset(roles), "urn:caretrail:identity", "caretrail", "jti", patient_id=patient_id)


def decision(
    action: str, subject: Subject, *, member: bool = False, addressed: bool = False, patient: UUID | None = PATIENT
):
    resource = Resource(patient, frozenset({subject.id} if addressed else ()))
    return decide(TABLE, subject, action, resource, Facts(is_member=member))


HIDDEN, OPEN = "as if not there", "openly"

EXPECTED = [
    # action, roles, member, addressed, the patient's own -> decision
    ("register", ["care-coordinator"], False, False, False, Role.CARE_COORDINATOR),
    ("register", ["physician"], True, True, True, OPEN),
    ("register", [], True, True, True, OPEN),
    ("see", ["physician"], True, False, False, Role.PHYSICIAN),
    ("see", ["physician"], False, False, False, HIDDEN),
    ("see", ["physician"], False, True, False, HIDDEN),
    ("see", ["personal-trainer"], True, False, False, Role.PERSONAL_TRAINER),
    ("see", ["patient"], False, False, True, Role.PATIENT),
    ("see", ["patient"], True, False, False, HIDDEN),
    ("see", ["patient"], False, False, False, HIDDEN),
    ("see", ["caregiver"], True, False, True, OPEN),
    ("see", ["auditor"], False, False, False, Role.AUDITOR),
    ("see", ["service"], True, True, True, OPEN),
    ("see", ["operator"], True, True, True, OPEN),
    ("see", ["physician", "auditor"], False, False, False, Role.AUDITOR),
    ("see", ["physician", "auditor"], True, False, False, Role.PHYSICIAN),
    ("receive", ["physician"], False, True, False, Role.PHYSICIAN),
    ("receive", ["physician"], True, False, False, Role.PHYSICIAN),
    ("receive", ["physician"], False, False, False, HIDDEN),
    ("receive", ["behavioral-coach"], True, True, False, OPEN),
    ("diary", ["patient"], False, False, True, Role.PATIENT),
    ("diary", ["patient"], True, True, False, HIDDEN),
    ("diary", ["physician"], True, True, True, OPEN),
    ("feed", ["service"], False, False, False, Role.SERVICE),
    ("feed", ["care-coordinator"], True, True, True, OPEN),
    ("nowhere", ["care-coordinator", "service", "auditor"], True, True, True, OPEN),
    ("see", ["emperor"], True, True, True, OPEN),
    ("see", ["Physician"], True, True, True, OPEN),
]


class TestDecision:
    @pytest.mark.parametrize(("action", "roles", "member", "addressed", "own", "expected"), EXPECTED)
    def test_follows_the_table(self, action, roles, member, addressed, own, expected):
        subject = a_subject(*roles, patient_id=PATIENT if own else OTHER)

        found = decision(action, subject, member=member, addressed=addressed)

        if isinstance(expected, Role):
            assert found == Allowed(expected)
        else:
            assert isinstance(found, Refused)
            assert found.hidden == (expected == HIDDEN)

    def test_refuses_a_relation_to_nothing(self):
        assert isinstance(decision("see", a_subject("physician"), member=True, patient=None), Refused)
        assert isinstance(decision("see", a_subject("patient"), patient=None), Refused)

    def test_is_no_for_whoever_has_no_role(self):
        for action, member, addressed in product([*TABLE, "nowhere"], [True, False], [True, False]):
            found = decision(action, a_subject(patient_id=PATIENT), member=member, addressed=addressed)
            assert found == Refused("role not allowed") or found == Refused("no row for this action")

    @given(
        roles=st.frozensets(st.sampled_from([*Role]), max_size=4),
        action=st.sampled_from([*TABLE, "nowhere"]),
        member=st.booleans(),
        addressed=st.booleans(),
        own=st.booleans(),
    )
    def test_agrees_with_a_naive_reading_of_the_table(self, roles, action, member, addressed, own):
        subject = a_subject(*roles, patient_id=PATIENT if own else None)
        naive = {
            "register": "care-coordinator" in roles,
            "see": (member and bool(roles & {
                "care-coordinator", "physician", "psychiatrist", "psychotherapist",
                "exercise-physiologist", "personal-trainer", "behavioral-coach",
            })) or (own and "patient" in roles) or "auditor" in roles,
            "receive": "physician" in roles and (member or addressed),
            "diary": "patient" in roles and own,
            "feed": "service" in roles,
            "nowhere": False,
        }  # fmt: skip

        assert isinstance(decision(action, subject, member=member, addressed=addressed), Allowed) == naive[action]

    @given(roles=st.frozensets(st.sampled_from([*Role])), action=st.sampled_from([*TABLE]), member=st.booleans())
    def test_never_gives_a_role_that_the_caller_does_not_have(self, roles, action, member):
        found = decision(action, a_subject(*roles, patient_id=PATIENT), member=member, addressed=True)

        assert isinstance(found, Refused) or found.role in roles
