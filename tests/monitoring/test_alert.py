"""The alert: raised, joined by evidence, acknowledged, resolved."""

from datetime import timedelta

import pytest

from events.monitoring import AlertAcknowledged, AlertEvidenceJoined, AlertRaised, AlertResolved
from services.monitoring.domain import Alert, Standing
from shared.eventlog.aggregate import Refused
from tests.monitoring.given import (
    MONDAY,
    PATIENT,
    PLAN,
    POLICY,
    SATURDAY,
    a_plan,
    an_alert,
    context,
    recorded,
)

LATER = MONDAY + timedelta(hours=3)


def chest_pain():
    """The concern over a chest pain."""
    return a_plan().check_in(symptoms=["RF_CHEST"]).concerns[0]


def worse_mood():
    """The concern over a PHQ-9 that rose by five."""
    return a_plan().repeat("PHQ9", (2, 2, 2, 2, 2, 2, 2, 0, 0), 9).concerns[0]


class TestRaising:
    def test_starts_the_clock_of_its_level(self):
        alert = Alert.over(chest_pain(), f"{PLAN}-2", PLAN, context(), PATIENT)

        (event,) = alert.pending
        assert isinstance(event, AlertRaised)
        assert (event.level, event.trigger, event.signs) == ("E0", "EMERGENCY_SIGN", ("RF_CHEST",))
        assert (event.plan_id, event.cause, event.patient_id) == (PLAN, f"{PLAN}-2", PATIENT)
        assert event.acknowledge_by == SATURDAY + timedelta(minutes=15)
        assert event.rules_version == "2026-11-23"

    def test_gives_three_days_to_review_a_worse_mood(self):
        alert = Alert.over(worse_mood(), f"{PLAN}-2", PLAN, context(), PATIENT)

        assert alert.level == "E2"
        assert alert.acknowledge_by == SATURDAY + timedelta(hours=24)
        assert alert.review_by == SATURDAY + timedelta(hours=72)

    def test_is_one_for_one_rule_and_one_entry(self):
        first = Alert.over(chest_pain(), f"{PLAN}-2", PLAN, context(), PATIENT)
        same = Alert.over(chest_pain(), f"{PLAN}-2", PLAN, context(), PATIENT)
        other_rule = Alert.over(worse_mood(), f"{PLAN}-2", PLAN, context(), PATIENT)
        other_entry = Alert.over(chest_pain(), f"{PLAN}-4", PLAN, context(), PATIENT)

        assert first.id == same.id
        assert len({first.id, other_rule.id, other_entry.id}) == 3


class TestNewEvidence:
    def test_joins_an_open_alert_and_leaves_its_clock(self):
        alert = an_alert()

        alert.join(chest_pain(), f"{PLAN}-4")

        (event,) = alert.pending
        assert isinstance(event, AlertEvidenceJoined)
        assert (event.evidence, event.acknowledge_by) == (f"{PLAN}-4", None)
        assert alert.evidence == [f"{PLAN}-2", f"{PLAN}-4"]
        assert alert.acknowledge_by == MONDAY + timedelta(minutes=15)

    def test_must_be_acknowledged_anew_by_whoever_took_the_alert_before_it(self):
        alert = an_alert(Standing.ACKNOWLEDGED, seen_at=context(now=LATER))

        alert.join(chest_pain(), f"{PLAN}-4")

        assert alert.standing is Standing.OPEN
        assert alert.acknowledge_by == LATER + timedelta(minutes=15)
        assert (alert.acknowledged_by, alert.acknowledged_at) == (None, None)

    def test_joins_once(self):
        alert = an_alert()

        alert.join(chest_pain(), f"{PLAN}-2")

        assert alert.pending == ()

    def test_adds_its_signs(self):
        alert = an_alert(signs=("RF_SYNCOPE",))

        alert.join(chest_pain(), f"{PLAN}-4")

        assert alert.signs == ("RF_SYNCOPE", "RF_CHEST")

    def test_does_not_join_what_is_closed(self):
        with pytest.raises(Refused, match="raises another"):
            an_alert(Standing.RESOLVED).join(chest_pain(), f"{PLAN}-4")


class TestAcknowledging:
    def test_names_who_took_it(self):
        alert = an_alert()

        alert.acknowledge()

        assert isinstance(alert.pending[0], AlertAcknowledged)
        assert (alert.standing, alert.acknowledged_by) == (Standing.ACKNOWLEDGED, "erin")
        assert alert.acknowledged_at == MONDAY + timedelta(minutes=10)

    @pytest.mark.parametrize(("standing", "allowed"), [(Standing.ACKNOWLEDGED, ("resolve",)), (Standing.RESOLVED, ())])
    def test_is_refused_unless_open(self, standing, allowed):
        with pytest.raises(Refused, match=str(standing)) as refusal:
            an_alert(standing).acknowledge()

        assert refusal.value.allowed == allowed


class TestResolving:
    def test_keeps_who_and_why(self):
        alert = an_alert(Standing.ACKNOWLEDGED)

        alert.resolve("Seen in the clinic.")

        (event,) = alert.pending
        assert isinstance(event, AlertResolved)
        assert (event.resolved_by, event.reason) == ("erin", "Seen in the clinic.")
        assert alert.is_open is False

    @pytest.mark.parametrize(("standing", "allowed"), [(Standing.OPEN, ("acknowledge",)), (Standing.RESOLVED, ())])
    def test_is_refused_unless_acknowledged(self, standing, allowed):
        with pytest.raises(Refused, match=str(standing)) as refusal:
            an_alert(standing).resolve("Done.")

        assert refusal.value.allowed == allowed


class TestOnlyAPerson:
    def test_takes_an_alert(self):
        alert = an_alert(seen_at=context(POLICY))

        with pytest.raises(Refused, match="Only a person"):
            alert.acknowledge()

    def test_closes_an_alert(self):
        alert = an_alert(Standing.ACKNOWLEDGED, seen_at=context(POLICY))

        with pytest.raises(Refused, match="Only a person"):
            alert.resolve("Nobody looked.")

        assert recorded(alert) == []
