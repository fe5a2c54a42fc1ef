"""Who may see and do what: roles, the table of access, care-team facts, and the one decision.

    ACCESS: AccessTable = {
        "register_patient": Rule({Role.CARE_COORDINATOR}),
        "patient": Rule(CARE_TEAM | {Role.PATIENT}, Relation.MEMBER) | Rule({Role.AUDITOR}),
        "referral": Rule(CARE_TEAM, Relation.MEMBER, Relation.ADDRESSED),
        "events_feed": Rule({Role.SERVICE}),
    }
    access = Access(ACCESS, CareTeam(care_team, application.query, clock))

Keys are the names of the view functions. No row, no access (403); a role without the relation meets a 404.
A patient stands only to themselves: MEMBER means SELF for the role patient.
"""

from shared.access.decisions import AccessTable, Allowed, Facts, Refused, Relation, Resource, Rule, decide
from shared.access.doors import Access
from shared.access.facts import CareTeam, care_team_table, keep_care_team
from shared.access.roles import CARE_TEAM, CLINICIANS, EXERCISE_PROFESSIONALS, Role

__all__ = [
    "CARE_TEAM",
    "CLINICIANS",
    "EXERCISE_PROFESSIONALS",
    "Access",
    "AccessTable",
    "Allowed",
    "CareTeam",
    "Facts",
    "Refused",
    "Relation",
    "Resource",
    "Role",
    "Rule",
    "care_team_table",
    "decide",
    "keep_care_team",
]
