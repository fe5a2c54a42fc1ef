"""What monitoring decides: when something is due, what an entry means, and when somebody must look."""

from services.monitoring.domain.alert import UNTAKEN, Alert, Deadline, Standing, alert_id
from services.monitoring.domain.concerns import Concern
from services.monitoring.domain.crisis import CrisisText, crisis_text
from services.monitoring.domain.plan import REPEATED, Evidence, MonitoringPlan, Status, plan_id
from services.monitoring.domain.schedule import Due, ScheduleRules
from services.monitoring.domain.series import Point, Series, Source, reading_of, series_of
from services.monitoring.domain.weeks import Week

__all__ = [
    "REPEATED",
    "UNTAKEN",
    "Alert",
    "Concern",
    "CrisisText",
    "Deadline",
    "Due",
    "Evidence",
    "MonitoringPlan",
    "Point",
    "ScheduleRules",
    "Series",
    "Source",
    "Standing",
    "Status",
    "Week",
    "alert_id",
    "crisis_text",
    "plan_id",
    "reading_of",
    "series_of",
]
