"""Given what referral records, when it comes to intake, then each policy does its part once, or says why not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from events.base import UNSET, Actor
from events.intake import IntakeRefusalSettled
from events.referral import ReferralAccepted, ReferralReported
from events.terms import CareRole, ClearanceOutcome, Intensity, ReferralKind
from events.vocabulary import CATALOGUE
from services.intake.domain import Occasion, Patient, Screening
from services.intake.policies import policies
from shared.eventlog.tables import refused_reactions
from shared.messaging import Inbox, settle
from tests.intake.given import CALM, CORA, HEALTHY, NOW, PHIL, REFERRAL, WELL, a_context, an_identity, placed


@pytest.fixture
def inbox(intake):
    return Inbox(intake, CATALOGUE, policies, feeds={}, clock=lambda: NOW, pause=lambda seconds: None)


@pytest.fixture
def patient(intake):
    return intake.register(a_context(), an_identity())


@pytest.fixture
def screening(intake, patient):
    """A screening whose conclusion asks for a clearance."""
    screening = intake.open_screening(a_context(), patient.id, Occasion.INTAKE)
    intake.record_medical_history(a_context(), screening.id, **{**HEALTHY, "known_disease": True})
    intake.record_questionnaire(a_context(), screening.id, "PHQ9", WELL)
    intake.record_questionnaire(a_context(), screening.id, "GAD7", CALM)
    vitals = {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False}
    ready = intake.record_vitals(a_context(), screening.id, **vitals)
    return intake.conclude(a_context(), screening.id, ready.version)


def accepted(patient: Patient, by: str = PHIL) -> ReferralAccepted:
    return ReferralAccepted(
        **placed(patient, 3),
        kind=ReferralKind.PHYSICIAN_CLEARANCE,
        accepted_by=by,
        role=CareRole.PHYSICIAN,
        first_visit_due=date(2026, 12, 7),
    )


def reported(patient: Patient, **words: Any) -> ReferralReported:
    said = {
        "kind": ReferralKind.PHYSICIAN_CLEARANCE,
        "about": None,
        "reported_by": PHIL,
        "outcome": ClearanceOutcome.CLEARED_WITH_LIMITS,
        "intensity_cap": Intensity.LIGHT,
        "valid_until": date(2027, 5, 31),
        "note": "No heavy lifting.",
    }
    return ReferralReported(**{**placed(patient, 4), **said, **words})


def refusals(intake):
    return [(row["policy"], row["reason"]) for row in intake.query(select(refused_reactions))]


class TestLettingTheAcceptingClinicianJoinTheCareTeam:
    def test_is_done_in_the_policy_s_name_on_behalf_of_the_clinician(self, intake, inbox, patient):
        inbox.carry_out(accepted(patient))

        member = intake.get(Patient, patient.id).team[PHIL]
        joined = list(intake.events.get(patient.id))[-1]
        assert member.role is CareRole.PHYSICIAN
        assert joined.actor == Actor(
            id="policy:intake.let_the_accepting_clinician_join_the_care_team", role="service", on_behalf_of=PHIL
        )
        assert (joined.causation_id, joined.hops, joined.referral_id) == (f"{REFERRAL}-3", 2, REFERRAL)

    def test_begins_when_it_is_granted_and_not_when_the_referral_was_accepted(self, intake, inbox, patient):
        inbox.carry_out(replace(accepted(patient), occurred_at=datetime(2026, 11, 22, 15, 0, tzinfo=UTC)))

        assert intake.get(Patient, patient.id).team[PHIL].since == NOW

    def test_is_refused_for_a_patient_whom_nobody_knows(self, intake, inbox):
        somebody = Patient.register(REFERRAL, a_context(), an_identity())

        inbox.carry_out(accepted(somebody))

        ((policy, reason),) = refusals(intake)
        assert policy == "let_the_accepting_clinician_join_the_care_team"
        assert "no Patient" in reason

    def test_happens_once_when_repeated(self, intake, inbox, patient):
        inbox.carry_out(accepted(patient))
        inbox.carry_out(accepted(patient))

        assert intake.get(Patient, patient.id).version == 3

    def test_changes_nothing_for_a_member(self, intake, inbox, patient):
        inbox.carry_out(accepted(patient, by=CORA))

        assert intake.get(Patient, patient.id).team[CORA].role is CareRole.COORDINATOR

    def test_is_there_after_a_replay(self, intake, inbox, patient):
        inbox.carry_out(accepted(patient))

        assert list(intake.get(Patient, patient.id).team) == [CORA, PHIL]


class TestRecordingTheClearance:
    def test_is_done_on_the_latest_concluded_screening(self, intake, inbox, patient, screening):
        inbox.carry_out(reported(patient))

        clearance = intake.get(Screening, screening.id).clearance
        assert (clearance.outcome, clearance.intensity_cap) == ("cleared-with-limits", "light")
        assert (clearance.valid_until, clearance.decided_by) == (date(2027, 5, 31), PHIL)
        assert clearance.note == "No heavy lifting."

    def test_is_as_old_as_the_report_however_late_it_is_taken(self, intake, inbox, patient, screening):
        inbox.carry_out(reported(patient, occurred_at=datetime(2026, 11, 23, 7, 15, tzinfo=UTC)))

        clearance = intake.get(Screening, screening.id).clearance
        assert clearance.occurred_at == datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
        assert clearance.recorded_at >= NOW

    def test_goes_by_the_day_where_the_patient_lives(self, intake, inbox, patient, screening):
        # half past midnight of the 23rd in Zurich
        late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

        inbox.carry_out(reported(patient, valid_until=None, occurred_at=late))

        assert intake.get(Screening, screening.id).clearance.valid_until == date(2027, 11, 23)

    def test_is_done_for_an_urgent_physician_too(self, intake, inbox, patient, screening):
        inbox.carry_out(
            reported(patient, kind=ReferralKind.URGENT_PHYSICIAN, outcome=ClearanceOutcome.NOT_CLEARED, note=UNSET)
        )

        assert intake.get(Screening, screening.id).clearance.intensity_cap is Intensity.NONE

    @pytest.mark.parametrize(
        "words", [{"outcome": None}, {"kind": ReferralKind.MENTAL_HEALTH}, {"kind": ReferralKind.BEHAVIORAL_COACH}]
    )
    def test_leaves_reports_alone_that_decide_nothing_about_exercise(self, intake, inbox, patient, screening, words):
        inbox.carry_out(reported(patient, **words))

        assert intake.get(Screening, screening.id).clearance is None
        assert refusals(intake) == []

    def test_is_refused_without_a_concluded_screening(self, intake, inbox, patient):
        intake.open_screening(a_context(), patient.id, Occasion.INTAKE)

        inbox.carry_out(reported(patient))

        assert refusals(intake) == [
            (
                "record_the_clearance",
                "A physician decided about exercise, but no screening of this patient has been concluded.",
            )
        ]

    def test_happens_once_when_repeated(self, intake, inbox, patient, screening):
        inbox.carry_out(reported(patient))
        inbox.carry_out(reported(patient))

        assert len(intake.get(Screening, screening.id).clearances) == 1

    def test_can_be_settled_when_it_was_refused(self, intake, inbox, patient):
        inbox.carry_out(reported(patient))
        ((refusal,),) = [intake.query(select(refused_reactions.c.aggregate_id))]

        words = "Screened again; the report was filed by hand."
        settle(intake, a_context(), refusal["aggregate_id"], IntakeRefusalSettled, words)

        assert refusals(intake) == []
