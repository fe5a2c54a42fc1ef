"""What the prescription service is made of."""

from events.prescription import (
    PrescriptionParkedEventSkipped,
    PrescriptionRefusalSettled,
    PrescriptionUpstreamReconciled,
)
from services.prescription import api, worklists
from services.prescription.application import Programs
from services.prescription.policies import policies
from shared.service import Service

SERVICE = Service(
    name="prescription",
    title="Prescription",
    application=Programs,
    worklists=worklists.metadata,
    care_team=worklists.care_team,
    policies=policies,
    settled=PrescriptionRefusalSettled,
    skipped=PrescriptionParkedEventSkipped,
    reconciled=PrescriptionUpstreamReconciled,
    upstreams=("intake", "monitoring"),
    blueprints=(api.blueprint,),
    access=api.ACCESS,
)
