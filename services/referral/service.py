"""What the referral service is made of."""

from events.referral import ReferralParkedEventSkipped, ReferralRefusalSettled, ReferralUpstreamReconciled
from services.referral import api, worklists
from services.referral.application import Referrals
from services.referral.policies import policies
from shared.service import Service

SERVICE = Service(
    name="referral",
    title="Referral",
    application=Referrals,
    worklists=worklists.metadata,
    care_team=worklists.care_team,
    policies=policies,
    settled=ReferralRefusalSettled,
    skipped=ReferralParkedEventSkipped,
    reconciled=ReferralUpstreamReconciled,
    upstreams=("intake", "monitoring"),
    blueprints=(api.blueprint,),
    access=api.ACCESS,
)
