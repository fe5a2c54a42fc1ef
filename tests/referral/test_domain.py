"""What each step of a referral records, and which words it asks for."""

from datetime import UTC, date, datetime, timedelta

import pytest

from events.base import UNSET, Actor, Event
from events.referral import (
    DeclineReason,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralCancelled,
    ReferralCompleted,
    ReferralDeclined,
    ReferralReceived,
    ReferralReported,
    ReferralRequested,
)
from events.terms import ClearanceOutcome, Intensity, Priority, ReferralKind
from services.referral.domain import Referral, Report, Status, Unfit
from shared.eventlog.aggregate import Refused
from tests.referral.given import (
    FRIDAY,
    MONDAY,
    PATIENT,
    PHYSICIAN,
    REFERRAL,
    REQUESTED,
    REQUESTER,
    SCREENING,
    a_referral,
    context,
    happened,
    history,
    loaded,
)

A_POLICY = Actor(id="policy:referral.a-policy", role="service", on_behalf_of="erin")


class TestRequesting:
    def test_records_what_is_asked_of_whom(self):
        referral = Referral.request(REFERRAL, context(REQUESTER), PATIENT, **REQUESTED)

        (event,) = referral.pending
        assert event == ReferralRequested(
            originator_id=REFERRAL,
            originator_version=1,
            occurred_at=MONDAY,
            patient_id=PATIENT,
            actor=REQUESTER,
            correlation_id=context().correlation_id,
            causation_id="a-request",
            kind=ReferralKind.PHYSICIAN_CLEARANCE,
            priority=Priority.ROUTINE,
            requested_by="erin",
            about=SCREENING,
            reason="Chest pain on stairs last year, never looked at.",
        )
        assert (referral.status, referral.since, referral.requester) == ("requested", MONDAY, "erin")

    def test_of_an_urgent_physician_is_left_to_the_policy(self):
        with pytest.raises(Refused, match="follows a red flag by itself") as refusal:
            Referral.request(
                REFERRAL, context(REQUESTER), PATIENT, ReferralKind.URGENT_PHYSICIAN, priority=Priority.URGENT
            )

        assert refusal.value.code == "kind-not-by-hand"

    def test_of_an_urgent_physician_by_the_policy_is_recorded(self):
        referral = Referral.request(
            REFERRAL, context(A_POLICY), PATIENT, ReferralKind.URGENT_PHYSICIAN, priority=Priority.URGENT
        )

        assert (referral.kind, referral.priority) == ("urgent-physician", "urgent")


class TestReceiving:
    def test_makes_the_receiver_the_provider(self):
        referral = a_referral(seen_by=PHYSICIAN)

        referral.receive()

        assert _recorded(referral) == (ReferralReceived, {"received_by": "paula"})
        assert referral.provider == "paula"


class TestAccepting:
    def test_records_who_takes_the_patient_on_in_which_role_and_until_when(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN)

        referral.accept(FRIDAY, message="Thursday at ten.")

        assert _recorded(referral) == (
            ReferralAccepted,
            {
                "kind": "physician-clearance",
                "accepted_by": "paula",
                "role": "physician",
                "first_visit_due": FRIDAY,
                "message": "Thursday at ten.",
            },
        )

    def test_puts_the_promised_day_in_the_place_of_the_wanted_one(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN, first_visit_due=date(2026, 11, 25))
        assert referral.next_due == date(2026, 11, 25)

        referral.accept(FRIDAY)

        assert referral.next_due == FRIDAY

    def test_is_refused_for_a_day_that_has_passed_everywhere(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN)

        with pytest.raises(Unfit, match="cannot be due before today") as refusal:
            referral.accept(date(2026, 11, 21))

        assert refusal.value.allowed == ("accept",)

    def test_bears_a_day_that_is_still_today_in_the_west(self):
        at_dawn_in_utc = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
        referral = Referral.load(history(Status.RECEIVED), context(PHYSICIAN, now=at_dawn_in_utc))

        referral.accept(date(2026, 11, 22))

        assert referral.status == "accepted"


class TestDeclining:
    def test_records_the_reason(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN)

        referral.decline(DeclineReason.CAPACITY, note="From January on again.")

        assert _recorded(referral) == (
            ReferralDeclined,
            {"declined_by": "paula", "reason": "capacity", "note": "From January on again."},
        )
        assert (referral.status_reason, referral.status_note) == ("capacity", "From January on again.")

    def test_for_another_reason_needs_a_note(self):
        referral = a_referral(Status.RECEIVED, seen_by=PHYSICIAN)

        with pytest.raises(Unfit, match="needs a note"):
            referral.decline(DeclineReason.OTHER)


class TestAReason:
    @pytest.mark.parametrize("status", Status)
    def test_stands_exactly_where_a_referral_was_declined_or_cancelled(self, status: Status):
        referral = a_referral(status)

        assert (referral.status_reason is not UNSET) == (status in ("declined", "cancelled"))


class TestReporting:
    def test_of_a_physician_records_the_decision(self):
        referral = a_referral(Status.ACCEPTED, seen_by=PHYSICIAN)

        referral.file(
            Report(
                outcome=ClearanceOutcome.CLEARED_WITH_LIMITS,
                intensity_cap=Intensity.LIGHT,
                valid_until=date(2027, 5, 31),
                note="No effort outdoors below freezing.",
            )
        )

        assert _recorded(referral) == (
            ReferralReported,
            {
                "kind": "physician-clearance",
                "about": SCREENING,
                "reported_by": "paula",
                "outcome": "cleared-with-limits",
                "intensity_cap": "light",
                "valid_until": date(2027, 5, 31),
                "note": "No effort outdoors below freezing.",
            },
        )

    @pytest.mark.parametrize(
        "report",
        [
            Report(outcome=ClearanceOutcome.CLEARED),
            Report(outcome=ClearanceOutcome.CLEARED, valid_until=date(2026, 11, 23), note="Fit."),
            Report(outcome=ClearanceOutcome.NOT_CLEARED),
            Report(
                outcome=ClearanceOutcome.CLEARED_WITH_LIMITS,
                intensity_cap=Intensity.VIGOROUS,
                note="No contact sports.",
            ),
        ],
    )
    @pytest.mark.parametrize("kind", ["physician-clearance", "urgent-physician"])
    def test_of_a_physician_may_say(self, kind: str, report: Report):
        referral = a_referral(Status.ACCEPTED, seen_by=PHYSICIAN, kind=ReferralKind(kind))

        referral.file(report)

        assert referral.report == report

    @pytest.mark.parametrize(
        ("report", "fault"),
        [
            (Report(note="Looks well."), "needs an outcome"),
            (
                Report(outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, note="Careful."),
                "Limits need an intensity cap",
            ),
            (
                Report(outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, intensity_cap=Intensity.NONE, note="Not at all."),
                "Limits need an intensity cap",
            ),
            (
                Report(outcome=ClearanceOutcome.CLEARED_WITH_LIMITS, intensity_cap=Intensity.LIGHT),
                "a note that explains them",
            ),
            (
                Report(outcome=ClearanceOutcome.CLEARED, intensity_cap=Intensity.LIGHT),
                "Only a clearance with limits holds an intensity cap",
            ),
            (
                Report(outcome=ClearanceOutcome.NOT_CLEARED, valid_until=date(2027, 1, 1)),
                "Only a clearance has a last day",
            ),
            (
                Report(outcome=ClearanceOutcome.CLEARED, valid_until=date(2026, 11, 21)),
                "cannot have ended before it is given",
            ),
        ],
    )
    def test_of_a_physician_is_refused_without_what_it_needs(self, report: Report, fault: str):
        referral = a_referral(Status.ACCEPTED, seen_by=PHYSICIAN)

        with pytest.raises(Unfit, match=fault) as refusal:
            referral.file(report)

        assert refusal.value.allowed == ("report",)
        assert referral.pending == ()

    def test_of_a_colleague_is_words(self):
        coach = Actor(id="cora", role="behavioral-coach")
        referral = _accepted_by(coach, ReferralKind.BEHAVIORAL_COACH)

        referral.file(Report(note="Walks with a neighbour now."))

        assert referral.report == Report(note="Walks with a neighbour now.")

    @pytest.mark.parametrize(
        ("report", "fault"),
        [
            (Report(), "needs a note"),
            (Report(outcome=ClearanceOutcome.CLEARED, note="Fit."), "Only a physician's report"),
        ],
    )
    def test_of_a_colleague_is_refused_without_words_or_with_a_decision(self, report: Report, fault: str):
        coach = Actor(id="cora", role="behavioral-coach")
        referral = _accepted_by(coach, ReferralKind.BEHAVIORAL_COACH)

        with pytest.raises(Unfit, match=fault):
            referral.file(report)


class TestTheEndOfTheLoop:
    def test_records_who_completed_it(self):
        referral = a_referral(Status.REPORTED, seen_by=PHYSICIAN)

        referral.complete()

        assert _recorded(referral) == (ReferralCompleted, {"completed_by": "paula"})

    def test_records_who_acknowledged_the_report(self):
        referral = a_referral(Status.COMPLETED, seen_by=REQUESTER)

        referral.acknowledge()

        assert _recorded(referral) == (ReferralAcknowledged, {"acknowledged_by": "erin"})

    def test_records_who_took_the_request_back_and_why(self):
        referral = a_referral(Status.ACCEPTED, seen_by=REQUESTER)

        referral.cancel("The patient has moved away.")

        assert _recorded(referral) == (
            ReferralCancelled,
            {"cancelled_by": "erin", "reason": "The patient has moved away."},
        )


class TestNextDue:
    @pytest.mark.parametrize(
        ("status", "due"),
        [
            ("requested", date(2026, 11, 25)),
            ("received", date(2026, 11, 25)),
            ("accepted", FRIDAY),
            ("declined", None),
            ("reported", None),
            ("completed", None),
            ("acknowledged", None),
            ("cancelled", None),
        ],
    )
    def test_is_the_first_visit_until_there_is_a_report(self, status: str, due: date | None):
        assert a_referral(Status(status), first_visit_due=date(2026, 11, 25)).next_due == due


class TestLoading:
    def test_never_refuses_a_history_that_no_rule_would_allow_today(self):
        facts = [*history(), happened(ReferralCompleted, 2, completed_by="nobody", occurred_at=MONDAY)]

        assert loaded(facts).status == "completed"

    def test_counts_the_status_from_when_its_event_occurred(self):
        referral = a_referral(Status.ACCEPTED)

        assert (referral.requested_at, referral.since) == (MONDAY - timedelta(minutes=2), MONDAY)


def _recorded(referral: Referral) -> tuple[type, dict[str, object]]:
    """The one event that was recorded, by its own fields."""
    (event,) = referral.pending
    own = [field for field in type(event).__struct_fields__ if field not in Event.__struct_fields__]
    return type(event), {name: getattr(event, name) for name in own if getattr(event, name) is not UNSET}


def _accepted_by(actor: Actor, kind: ReferralKind) -> Referral:
    facts = [
        happened(ReferralRequested, 1, kind=kind, priority=Priority.ROUTINE),
        happened(ReferralReceived, 2, received_by=actor.id),
        happened(ReferralAccepted, 3, kind=kind, accepted_by=actor.id, role=actor.role, first_visit_due=FRIDAY),
    ]
    return loaded(facts, actor)
