"""What the monitoring service is made of."""

from events.monitoring import MonitoringParkedEventSkipped, MonitoringRefusalSettled, MonitoringUpstreamReconciled
from services.monitoring import api, worklists
from services.monitoring.application import Monitoring
from services.monitoring.policies import policies
from services.monitoring.timers import timers
from shared.service import Service

SERVICE = Service(
    name="monitoring",
    title="Monitoring",
    application=Monitoring,
    worklists=worklists.metadata,
    care_team=worklists.care_team,
    policies=policies,
    timers=timers,
    settled=MonitoringRefusalSettled,
    skipped=MonitoringParkedEventSkipped,
    reconciled=MonitoringUpstreamReconciled,
    upstreams=("intake", "prescription"),
    blueprints=api.blueprints,
    access=api.ACCESS,
)
