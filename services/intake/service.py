"""What the intake service is made of."""

from events.intake import IntakeParkedEventSkipped, IntakeRefusalSettled, IntakeUpstreamReconciled
from services.intake import api, worklists
from services.intake.application import Intake
from services.intake.policies import policies
from shared.service import Service

SERVICE = Service(
    name="intake",
    title="Intake",
    application=Intake,
    worklists=worklists.metadata,
    care_team=worklists.care_team,
    policies=policies,
    settled=IntakeRefusalSettled,
    skipped=IntakeParkedEventSkipped,
    reconciled=IntakeUpstreamReconciled,
    upstreams=("referral",),
    blueprints=api.BLUEPRINTS,
    access=api.ACCESS,
)
