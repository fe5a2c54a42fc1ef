"""Monitoring over HTTP: plans and the entries to them, measures over time, alerts."""

from services.monitoring.api import alerts, plans
from shared.access import CARE_TEAM, AccessTable, Relation, Role, Rule

TEAM = Rule(CARE_TEAM, Relation.MEMBER)
TEAM_AND_PATIENT = Rule(CARE_TEAM | {Role.PATIENT}, Relation.MEMBER)

ACCESS: AccessTable = {
    "plan_list": TEAM_AND_PATIENT,
    "plan": TEAM_AND_PATIENT,
    "check_in": TEAM_AND_PATIENT,
    "check_in_list": TEAM_AND_PATIENT,
    "repeat_measure": TEAM_AND_PATIENT,
    "patient_measures": TEAM_AND_PATIENT,
    "alert_list": TEAM,
    "alert": TEAM,
    "acknowledge_alert": TEAM,
    "resolve_alert": TEAM,
}

blueprints = (plans.blueprint, alerts.blueprint)
