"""What history is made of."""

from events.history import HistoryParkedEventSkipped, HistoryRefusalSettled, HistoryUpstreamReconciled
from services.history import api
from services.history.application import History
from services.history.policies import policies
from services.history.worklists import care_team, metadata
from shared.access import CARE_TEAM, AccessTable, Relation, Role, Rule
from shared.service import Service

READERS = Rule(CARE_TEAM | {Role.PATIENT}, Relation.MEMBER) | Rule({Role.AUDITOR})

ACCESS: AccessTable = {
    "patient_timeline": READERS,
    "patient_record": READERS,
}

SERVICE = Service(
    name="history",
    title="CareTrail history",
    application=History,
    worklists=metadata,
    policies=policies,
    settled=HistoryRefusalSettled,
    skipped=HistoryParkedEventSkipped,
    reconciled=HistoryUpstreamReconciled,
    upstreams=("intake", "prescription", "referral", "monitoring"),
    blueprints=(api.blueprint,),
    access=ACCESS,
    care_team=care_team,
    connect=History.follow,
    set_aside=History.set_aside,
)
