"""Who may take which step in intake, and in which relation to the patient."""

from shared.access import CARE_TEAM, CLINICIANS, AccessTable, Relation, Role, Rule

COORDINATOR = {Role.CARE_COORDINATOR}
MENTAL_HEALTH = {Role.PSYCHIATRIST, Role.PSYCHOTHERAPIST}

# A mental-health clinician comes first: who is a coordinator, too, concludes as the clinician that they are.
SCREENS = Rule(MENTAL_HEALTH, Relation.MEMBER) | Rule(CLINICIANS | COORDINATOR, Relation.MEMBER)
SEES_THE_PATIENT = Rule(CARE_TEAM | {Role.PATIENT}, Relation.MEMBER)
SEES_THE_SCREENING = Rule((CARE_TEAM - {Role.PERSONAL_TRAINER}) | {Role.PATIENT}, Relation.MEMBER)
KEEPS_THE_TEAM = Rule(COORDINATOR, Relation.MEMBER)

ACCESS: AccessTable = {
    "register_patient": Rule(COORDINATOR),
    "patient_list": SEES_THE_PATIENT,
    "patient": SEES_THE_PATIENT,
    "team": SEES_THE_PATIENT,
    "add_team_member": KEEPS_THE_TEAM,
    "remove_team_member": KEEPS_THE_TEAM,
    "open_screening": SCREENS,
    "screening_list": SEES_THE_SCREENING,
    "screening": SEES_THE_SCREENING,
    "record_medical_history": SCREENS,
    "record_questionnaire": SCREENS,
    "record_vitals": SCREENS,
    "record_activity": SCREENS,
    "record_preferences": SCREENS,
    "assess_safety": Rule(CLINICIANS, Relation.MEMBER),
    "conclude_screening": SCREENS,
    "imported_record": SEES_THE_SCREENING,
    "import_document": Rule(COORDINATOR),
    "current_risk_list": SCREENS,
    "review_current_risk": SCREENS,
    "instrument_list": Rule(frozenset(Role)),
}
