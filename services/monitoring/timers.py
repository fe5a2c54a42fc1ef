"""What monitoring does when a time has passed and nobody has looked."""

from __future__ import annotations

from uuid import UUID

from events.monitoring import AlertOverdue, AlertReviewOverdue, MonitoringReactionRefused
from services.monitoring.domain import Alert
from services.monitoring.worklists import to_acknowledge, to_review
from shared.messaging import Firing, Timers

timers = Timers("monitoring", refused=MonitoringReactionRefused)


@timers.when_due(to_acknowledge, records=(AlertOverdue,))
def escalate_the_alert_that_nobody_took(alert_id: UUID, firing: Firing) -> None:
    """Raise it a level, where it is seen sooner; the next level has a clock of its own."""
    firing.get(Alert, alert_id).escalate()


@timers.when_due(to_review, records=(AlertReviewOverdue,))
def note_the_review_that_is_overdue(alert_id: UUID, firing: Firing) -> None:
    """Say that nobody has closed the alert in time."""
    firing.get(Alert, alert_id).miss_review()
