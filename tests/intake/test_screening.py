"""Given a screening, when its parts are recorded in any order, then safety comes first and the gates conclude."""

from datetime import date

import pytest

from events.terms import Intensity, Permission
from services.intake.domain import Occasion, Part, Screening, Status, screening_id
from shared.eventlog import Refused
from tests.intake.given import (
    CALM,
    HEALTHY,
    PATIENT,
    TODAY,
    WELL,
    a_concluded_screening,
    a_context,
    a_filled_screening,
    a_patient,
    a_physician,
    a_psychiatrist,
    a_screening,
    born,
    in_treatment,
    later,
    recorded,
    replayed,
    someone_brought_in,
)

DARK = (1, 1, 0, 0, 0, 0, 0, 0, 1)
"""PHQ-9 with item 9 at one."""


class TestOpening:
    def test_is_refused_for_a_minor(self):
        with pytest.raises(Refused, match="adults"):
            Screening.open(a_patient(**born(2012)), 1, Occasion.INTAKE)

    def test_is_refused_for_the_dead(self):
        with pytest.raises(Refused, match="died"):
            Screening.open(someone_brought_in(deceased=True), 1, Occasion.INTAKE)

    def test_gives_the_nth_screening_its_own_id(self):
        first, second = screening_id(PATIENT, 1), screening_id(PATIENT, 2)

        assert first != second
        assert a_screening().id == first


class TestWhatIsMissing:
    def test_is_everything_at_first(self):
        screening = a_screening()

        assert screening.missing == list(Part)
        assert screening.blocks == ["medical-history", "phq-9", "gad-7", "vitals"]

    def test_is_nothing_in_whatever_order_the_parts_came(self):
        screening = a_screening()
        screening.record_preferences(goals="Sleep better")
        screening.record_vitals(128, 78, 72)
        screening.record_questionnaire("GAD7", CALM)
        screening.record_activity(0, 0)
        screening.record_questionnaire("PHQ9", WELL)
        screening.record_medical_history(**HEALTHY)

        assert (screening.missing, screening.blocks) == ([], [])

    def test_keeps_a_screening_from_its_conclusion(self):
        screening = a_screening()
        screening.record_questionnaire("PHQ9", WELL)

        with pytest.raises(Refused, match=r"medical-history, gad-7, vitals") as refusal:
            screening.conclude(TODAY)

        assert refusal.value.allowed == ("medical-history", "questionnaires", "vitals")


class TestQuestionnaires:
    def test_are_scored_and_keep_their_raw_answers(self):
        screening = a_screening()

        screening.record_questionnaire("PHQ9", (2, 2, 1, 2, 1, 1, 1, 1, 0, 1))

        result = screening.results["PHQ9"]
        assert (result.total, result.band, result.difficulty) == (11, "moderate", 1)
        assert result.answers == (2, 2, 1, 2, 1, 1, 1, 1, 0)

    def test_are_prorated_where_the_rules_allow_it(self):
        screening = a_screening()

        screening.record_questionnaire("GAD7", (1, 1, 1, 1, 1, None, None))

        result = screening.results["GAD7"]
        assert (result.total, result.provisional, result.missing) == (7, True, 2)

    def test_are_refused_out_of_range_and_never_clamped(self):
        with pytest.raises(Refused, match="PHQ9 item 2 takes a whole number from 0 to 3"):
            a_screening().record_questionnaire("PHQ9", (0, 4))

    def test_are_refused_if_nobody_knows_them(self):
        with pytest.raises(Refused, match="questionnaire"):
            a_screening().record_questionnaire("MOOD", (1,))


class TestSafety:
    def test_is_flagged_before_the_total(self):
        screening = a_screening()

        screening.record_questionnaire("PHQ9", DARK)

        assert recorded(screening)[1:] == ["SafetyFlagRaised", "QuestionnaireAnswered"]
        assert screening.open_flags == ["SI_POSITIVE"]

    def test_is_flagged_in_a_partial_answer_too(self):
        screening = a_screening()

        screening.record_questionnaire("PHQ9", (None,) * 8 + (1,))

        assert screening.open_flags == ["SI_POSITIVE"]
        assert screening.results["PHQ9"].total is None

    def test_is_asked_for_while_item_9_is_unanswered_and_no_longer_when_it_is(self):
        screening = a_screening()

        screening.record_questionnaire("PHQ9", WELL[:8])
        assert screening.open_flags == ["SI_UNKNOWN"]

        screening.record_questionnaire("PHQ9", WELL)
        assert screening.open_flags == []

    def test_is_answered_by_a_whole_columbia_screener_as_well(self):
        screening = a_screening()
        screening.record_questionnaire("CSSRS", (0, 0, None, None, None, 0))

        screening.record_questionnaire("PHQ9", WELL[:8])

        assert screening.open_flags == []

    def test_stays_flagged_when_the_answer_is_taken_back(self):
        screening = a_screening()
        screening.record_questionnaire("PHQ9", DARK)

        screening.record_questionnaire("PHQ9", WELL)

        assert screening.open_flags == ["SI_POSITIVE"]

    def test_is_flagged_anew_when_it_is_answered_so_again_after_an_assessment(self):
        screening = a_screening(a_physician())
        screening.record_questionnaire("PHQ9", DARK)
        screening.assess_safety("SI_POSITIVE", hold=False, assessment="passive thoughts")

        screening.record_questionnaire("PHQ9", DARK)

        assert screening.open_flags == ["SI_POSITIVE"]

    def test_is_flagged_as_worsening_against_the_answer_before(self):
        screening = a_screening()
        screening.record_questionnaire("PHQ9", DARK)

        screening.record_questionnaire("PHQ9", (*DARK[:8], 2))

        assert screening.open_flags == ["SI_POSITIVE", "SI_WORSENING"]

    def test_is_flagged_by_a_cry_for_help_among_the_barriers(self):
        screening = a_screening()

        screening.record_preferences(barriers=("I want to die",))

        assert screening.open_flags == ["CRISIS_SELF_REPORT"]

    def test_forbids_a_conclusion_until_a_clinician_has_assessed_it(self):
        screening = a_filled_screening(phq9=DARK)

        with pytest.raises(Refused, match="safety flag") as refusal:
            screening.conclude(TODAY)

        assert refusal.value.allowed == ("safety-assessments",)
        assert screening.blocks == ["safety-assessment"]

    @pytest.mark.parametrize("role", ["care-coordinator", "exercise-physiologist", "personal-trainer", "patient"])
    def test_is_assessed_by_clinicians_only(self, role):
        screening = a_filled_screening(phq9=DARK)
        screening.context = a_context("somebody", role)

        with pytest.raises(Refused, match="must assess"):
            screening.assess_safety("SI_POSITIVE", hold=False, assessment="passive, no plan")

    def test_is_assessed_only_where_it_was_flagged(self):
        screening = a_filled_screening()
        screening.context = a_physician()

        with pytest.raises(Refused, match="No such safety flag"):
            screening.assess_safety("SI_POSITIVE", hold=False, assessment="")

    @pytest.mark.parametrize(
        ("hold", "permission", "cap"),
        [(True, Permission.HOLD, Intensity.NONE), (False, Permission.READY, Intensity.MODERATE)],
    )
    def test_is_the_clinician_s_to_decide(self, hold, permission, cap):
        screening = a_filled_screening(phq9=DARK)
        screening.context = a_physician()
        screening.assess_safety("SI_POSITIVE", hold=hold, assessment="passive thoughts, safe at home")

        screening.conclude(TODAY)

        assert (screening.conclusion.permission, screening.conclusion.intensity_cap) == (permission, cap)
        assert "safety-plan" in [condition.code for condition in screening.conclusion.conditions]


class TestVitals:
    def test_are_refused_when_they_cannot_be(self):
        with pytest.raises(Refused, match="cannot be right: systolic"):
            a_screening().record_vitals(301, 80, 72)

    def test_are_refused_when_diastolic_is_not_below_systolic(self):
        with pytest.raises(Refused, match="Diastolic pressure must be below"):
            a_screening().record_vitals(80, 120, 72)

    def test_are_judged_by_the_repeats_of_one_occasion(self):
        screening = a_filled_screening(vitals=(184, 96, 80))
        for minutes, reading in ((5, (150, 88, 78)), (10, (148, 86, 76))):
            screening.context = a_context(now=later(minutes))
            screening.record_vitals(*reading, with_symptoms=False)

        screening.conclude(TODAY)

        assert screening.conclusion.permission is Permission.READY

    def test_of_another_occasion_do_not_count(self):
        screening = a_filled_screening(vitals=(184, 96, 80))
        screening.context = a_context(now=later(90))
        screening.record_vitals(128, 78, 72, with_symptoms=False)

        screening.conclude(TODAY)

        assert screening.conclusion.permission is Permission.READY


class TestActivity:
    @pytest.mark.parametrize("days_and_minutes", [(8, 10), (3, 1441), (-1, 0)])
    def test_is_refused_when_it_cannot_be(self, days_and_minutes):
        with pytest.raises(Refused, match="7 days"):
            a_screening().record_activity(*days_and_minutes)


class TestConcluding:
    def test_lets_a_healthy_beginner_start_up_to_moderate(self):
        screening = a_concluded_screening()

        assert screening.status is Status.CONCLUDED
        assert (screening.conclusion.permission, screening.conclusion.intensity_cap) == ("ready", "moderate")
        assert recorded(screening)[-1] == "ScreeningConcluded"

    def test_names_every_gate_with_its_source(self):
        reasons = {reason.gate: reason.code for reason in a_concluded_screening().conclusion.reasons}

        assert reasons == {
            "acsm": "ACSM_ROW_1",
            "contraindication": "NO_CONTRAINDICATION",
            "vitals": "VITALS_OK",
            "severity": "SEVERITY_ALONE",
        }

    def test_asks_for_a_clearance_with_known_disease(self):
        screening = a_concluded_screening(known_disease=True)

        assert screening.conclusion.permission is Permission.CLEARANCE_NEEDED
        needed = screening.pending[-1]
        assert (type(needed).__name__, needed.screening_id, needed.before_any) == (
            "ClearanceNeeded",
            screening.id,
            True,
        )

    def test_counts_what_nobody_knows_as_the_rules_say(self):
        screening = a_concluded_screening(known_disease=None, symptoms=None, regularly_active=None)

        assert screening.conclusion.permission is Permission.CLEARANCE_NEEDED
        assert "ACSM_ROW_7" in [reason.code for reason in screening.conclusion.reasons]

    def test_asks_for_a_clearance_before_vigorous_exercise_only(self):
        screening = a_concluded_screening(known_disease=True, regularly_active=True, wants_vigorous=True)

        assert (screening.conclusion.permission, screening.conclusion.intensity_cap) == ("ready", "moderate")
        assert screening.pending[-1].before_any is False

    def test_holds_at_high_blood_pressure_and_sends_nobody_away_for_clearance(self):
        screening = a_concluded_screening(vitals=(182, 95, 88), known_disease=True)

        assert screening.conclusion.permission is Permission.HOLD
        assert recorded(screening)[-1] == "ScreeningConcluded"

    def test_holds_at_a_contraindication(self):
        screening = a_concluded_screening(contraindications=("UNSTABLE_ANGINA",))

        assert screening.conclusion.permission is Permission.HOLD

    def test_caps_an_eating_disorder_at_light(self):
        assert a_concluded_screening(modifiers=("EATING_DISORDER",)).conclusion.intensity_cap is Intensity.LIGHT

    def test_asks_for_mental_health_care_within_a_week_where_severity_does_and_none_is_under_way(self):
        screening = a_concluded_screening(phq9=(2, 2, 2, 2, 2, 2, 2, 2, 0))

        needed = screening.pending[-1]
        assert (type(needed).__name__, needed.within_days) == ("MentalHealthReferralNeeded", 7)

    def test_asks_for_none_where_it_is_under_way(self):
        screening = a_concluded_screening(phq9=(2, 2, 2, 2, 2, 2, 2, 2, 0), **in_treatment())

        assert recorded(screening)[-1] == "ScreeningConcluded"

    def test_holds_at_severe_symptoms_and_asks_for_urgent_care(self):
        screening = a_concluded_screening(phq9=(3, 3, 3, 3, 3, 3, 2, 2, 0), **in_treatment())

        assert screening.conclusion.permission is Permission.HOLD
        assert screening.pending[-1].within_days == 3

    def test_counts_as_co_signed_when_a_mental_health_clinician_concludes(self):
        screening = a_filled_screening(phq9=(3, 3, 3, 3, 3, 3, 2, 2, 0), **in_treatment())
        screening.context = a_psychiatrist()

        screening.conclude(TODAY)

        assert screening.conclusion.permission is Permission.READY
        assert screening.pending[-1].within_days == 3

    def test_holds_while_phq_9_has_no_valid_total(self):
        screening = a_concluded_screening(phq9=(0, 0, 0, None, None, None, 0, 0, 0))

        assert screening.conclusion.permission is Permission.HOLD

    def test_happens_once(self):
        screening = a_concluded_screening()

        with pytest.raises(Refused, match="has been concluded"):
            screening.conclude(TODAY)
        with pytest.raises(Refused, match="has been concluded"):
            screening.record_questionnaire("PHQ9", WELL)

    def test_is_the_same_after_a_replay(self):
        screening = a_concluded_screening(known_disease=True)

        again = replayed(screening)

        assert again.conclusion == screening.conclusion
        assert (again.status, again.results, again.version) == (Status.CONCLUDED, screening.results, screening.version)


class TestConditions:
    def test_have_days_instead_of_hours(self):
        screening = a_concluded_screening(vitals=(165, 92, 88))

        days = {condition.code: condition.within_days for condition in screening.conclusion.conditions}
        assert days["review-by"] == 7
        assert screening.conclusion.intensity_cap is Intensity.LIGHT

    def test_go_by_the_day_of_the_conclusion(self):
        screening = a_filled_screening()

        screening.conclude(date(2026, 11, 24))

        assert screening.conclusion.permission is Permission.READY
