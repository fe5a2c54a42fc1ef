"""Which events are safety events: those whose delay may cost a life, by the clinical rules."""

from __future__ import annotations

import msgspec

from events.base import Category
from events.vocabulary import CATALOGUE
from services.suite import SERVICES

SAFETY = {
    # Rules 1.7: an answer that speaks of suicide, or a risk found in imported history; a person looks first.
    "caretrail.intake.safety-flag-raised.v1",
    "caretrail.intake.current-risk-found.v1",
    # Rules 2 and 4.1: what stops exercise or limits it, and the colleagues whom that calls for.
    "caretrail.intake.screening-concluded.v1",
    "caretrail.intake.clearance-needed.v1",
    "caretrail.intake.mental-health-referral-needed.v1",
    "caretrail.intake.clearance-recorded.v1",
    "caretrail.referral.requested.v1",
    "caretrail.referral.declined.v1",
    "caretrail.referral.reported.v1",
    "caretrail.prescription.program-paused.v1",
    # Rules 5.4 and 5.5: red flags, and alerts with their clocks.
    "caretrail.monitoring.red-flag-raised.v1",
    "caretrail.monitoring.alert-raised.v1",
    "caretrail.monitoring.alert-evidence-joined.v1",
    "caretrail.monitoring.alert-overdue.v1",
    "caretrail.monitoring.alert-review-overdue.v1",
}
TELL_OF_SAFETY_BUT_STOP_NOTHING = {
    # How a person dealt with it: until that arrives the stricter state holds.
    "caretrail.intake.safety-flag-assessed.v1",
    "caretrail.intake.current-risk-reviewed.v1",
    # What was answered; the flag or alert that it led to is an event of its own, recorded with it.
    "caretrail.monitoring.check-in-recorded.v1",
    "caretrail.monitoring.measure-repeated.v1",
}


def declared() -> set[str]:
    return {CATALOGUE.name_of(cls) for cls in CATALOGUE if cls.safety}


class TestSafetyEvents:
    def test_are_those_of_the_clinical_rules(self):
        assert declared() == SAFETY

    def test_hold_every_type_that_speaks_of_safety_but_those_that_stop_nothing(self):
        speak = {name for name in CATALOGUE.types() if Category.SAFETY in CATALOGUE.sensitive_fields(name).values()}

        assert speak - SAFETY == TELL_OF_SAFETY_BUT_STOP_NOTHING

    def test_hold_every_event_that_stops_a_program_or_calls_a_colleague_by_a_policy(self):
        urgent = {"caretrail.prescription.program-paused.v1", "caretrail.referral.requested.v1"}

        causes = {
            CATALOGUE.name_of(policy.on)
            for service in SERVICES
            for policy in service.policies
            for effect in policy.records
            if CATALOGUE.name_of(effect) in urgent
        }

        assert causes <= SAFETY

    def test_say_so_in_their_class_and_not_in_what_is_stored(self):
        for cls in CATALOGUE:
            assert "safety" not in {field.name for field in msgspec.structs.fields(cls)}
