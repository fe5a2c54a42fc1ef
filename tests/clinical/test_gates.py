"""The gates of a screening: truth table, vitals, severity, contraindications, modifiers."""

from datetime import date

import pytest

from shared.clinical.conclusion import Cap, ConditionCode, GateName, Permission
from shared.clinical.contraindications import CONTRAINDICATIONS, Kind, contraindication_gates
from shared.clinical.cssrs import screen
from shared.clinical.modifiers import (
    MODIFIERS,
    Effect,
    Glucose,
    effects,
    exceeds_prescription,
    glucose_advice,
    has_fall_risk,
    modifier_gates,
)
from shared.clinical.preparticipation import TABLE, Clearance, Need, Wish, acsm_gate, age_on, require_adult
from shared.clinical.refusals import MeasureRefused, Under18, UnknownCode
from shared.clinical.severity import Severity, Treatment, severity_gates
from shared.clinical.vitals import Vitals, implausible, vitals_gate

TODAY = date(2026, 11, 23)
LM, V = Wish.LIGHT_MODERATE, Wish.VIGOROUS
READY, CLEARANCE, HOLD = Permission.READY, Permission.CLEARANCE_NEEDED, Permission.HOLD
NO_ONE_AT_RISK = screen([0, 0, None, None, None, 0, None])


def healthy(**changes):
    """A Severity of somebody well, with changes."""
    return Severity(**{"phq9": 3, "gad7": 3, "item_9": 0, **changes})


def measured(systolic=120, diastolic=80, rate=70):
    """One reading."""
    return Vitals(systolic=systolic, diastolic=diastolic, rate=rate)


def codes(gate):
    """The codes of a gate's conditions."""
    return {condition.code for condition in gate.conditions}


class TestTruthTable:
    @pytest.mark.parametrize(
        ("number", "active", "disease", "symptoms", "wish", "need", "permission", "cap"),
        [
            (1, False, False, False, LM, Need.NOT_NEEDED, READY, Cap.MODERATE),
            (2, False, False, False, V, Need.NOT_NEEDED, READY, Cap.MODERATE),
            (3, False, True, False, LM, Need.NEEDED, CLEARANCE, Cap.NONE),
            (4, False, True, False, V, Need.NEEDED, CLEARANCE, Cap.NONE),
            (5, False, False, True, LM, Need.NEEDED, CLEARANCE, Cap.NONE),
            (6, False, False, True, V, Need.NEEDED, CLEARANCE, Cap.NONE),
            (7, False, True, True, LM, Need.NEEDED, CLEARANCE, Cap.NONE),
            (8, False, True, True, V, Need.NEEDED, CLEARANCE, Cap.NONE),
            (9, True, False, False, LM, Need.NOT_NEEDED, READY, Cap.MODERATE),
            (10, True, False, False, V, Need.NOT_NEEDED, READY, Cap.VIGOROUS),
            (11, True, True, False, LM, Need.NOT_NEEDED, READY, Cap.MODERATE),
            (12, True, True, False, V, Need.NEEDED_FOR_VIGOROUS, READY, Cap.MODERATE),
            (13, True, False, True, LM, Need.STOP_AND_NEEDED, CLEARANCE, Cap.NONE),
            (14, True, False, True, V, Need.STOP_AND_NEEDED, CLEARANCE, Cap.NONE),
            (15, True, True, True, LM, Need.STOP_AND_NEEDED, CLEARANCE, Cap.NONE),
            (16, True, True, True, V, Need.STOP_AND_NEEDED, CLEARANCE, Cap.NONE),
        ],
    )
    def test_has_its_sixteen_rows(self, number, active, disease, symptoms, wish, need, permission, cap):
        gate = acsm_gate(active=active, disease=disease, symptoms=symptoms, wish=wish, on=TODAY)

        assert (gate.reason, gate.permission, gate.cap) == (f"ACSM_ROW_{number}", permission, cap)
        assert TABLE[number - 1].need is need
        assert (ConditionCode.STOP_EXERCISE in codes(gate)) == (number >= 13)
        assert (ConditionCode.PHYSICIAN_CLEARANCE in codes(gate)) == (permission is CLEARANCE)

    def test_takes_unknown_for_the_careful_answer(self):
        gate = acsm_gate(active=None, disease=None, symptoms=None, wish=LM, on=TODAY)

        assert gate.reason == "ACSM_ROW_7"
        assert gate.because == ("active unknown", "disease unknown", "symptoms unknown")

    def test_opens_with_a_clearance_and_within_its_limit(self):
        given = Clearance(given_on=date(2026, 11, 1), limit=Cap.LIGHT)

        gate = acsm_gate(active=False, disease=True, symptoms=False, wish=V, on=TODAY, clearance=given)

        assert (gate.reason, gate.permission, gate.cap) == ("ACSM_ROW_4_CLEARED", READY, Cap.LIGHT)
        assert ConditionCode.PHYSICIAN_CLEARANCE not in codes(gate)


class TestClearance:
    @pytest.mark.parametrize(
        ("clearance", "stands"),
        [
            (Clearance(given_on=date(2025, 11, 23)), True),  # 365 days
            (Clearance(given_on=date(2025, 11, 22)), False),  # 366 days
            (Clearance(given_on=TODAY), True),
            (Clearance(given_on=date(2026, 11, 24)), False),  # not given yet
            (Clearance(given_on=date(2026, 11, 1), valid_until=TODAY), True),
            (Clearance(given_on=date(2026, 11, 1), valid_until=date(2026, 11, 22)), False),
            (Clearance(given_on=date(2020, 1, 1), valid_until=date(2030, 1, 1)), False),  # 365 days at most
            (Clearance(given_on=TODAY, changed_since=True), False),
            (Clearance(given_on=TODAY, limit=Cap.NONE), False),
        ],
    )
    def test_stands_for_twelve_months_unless_something_changed(self, clearance, stands):
        assert clearance.stands(TODAY) is stands


class TestAdults:
    def test_are_eighteen_on_their_birthday(self):
        assert require_adult(date(2008, 11, 23), TODAY) == 18
        with pytest.raises(Under18, match="adults of 18 and over"):
            require_adult(date(2008, 11, 24), TODAY)

    def test_born_on_a_leap_day_grow_older_in_march(self):
        assert age_on(date(2008, 2, 29), date(2026, 2, 28)) == 17
        assert age_on(date(2008, 2, 29), date(2026, 3, 1)) == 18

    def test_are_not_born_in_the_future(self):
        with pytest.raises(MeasureRefused):
            age_on(date(2027, 1, 1), TODAY)


class TestVitals:
    @pytest.mark.parametrize(
        ("reading", "reason"),
        [
            (measured(systolic=159), "VITALS_OK"),
            (measured(systolic=160), "VITALS_CAUTION"),
            (measured(systolic=179), "VITALS_CAUTION"),
            (measured(systolic=180), "VITALS_HOLD"),
            (measured(diastolic=99), "VITALS_OK"),
            (measured(diastolic=100), "VITALS_CAUTION"),
            (measured(diastolic=109), "VITALS_CAUTION"),
            (measured(diastolic=110), "VITALS_HOLD"),
            (measured(rate=100), "VITALS_OK"),
            (measured(rate=101), "VITALS_CAUTION"),
            (measured(rate=120), "VITALS_CAUTION"),
            (measured(rate=121), "VITALS_HOLD"),
            (measured(rate=50), "VITALS_OK"),
            (measured(rate=49), "VITALS_OK_LOW"),
            (measured(systolic=90, diastolic=60), "VITALS_OK"),
            (measured(systolic=89, diastolic=60), "VITALS_OK_LOW"),
        ],
    )
    def test_change_exactly_at_their_bounds(self, reading, reason):
        assert vitals_gate([reading], symptoms=False).reason == reason

    def test_in_caution_allow_light_only_with_a_review_in_a_week(self):
        gate = vitals_gate([measured(systolic=165)], symptoms=False)

        assert (gate.permission, gate.cap) == (READY, Cap.LIGHT)
        assert codes(gate) == {ConditionCode.REVIEW_BY, ConditionCode.NO_HEAVY_RESISTANCE}
        assert next(each for each in gate.conditions if each.code is ConditionCode.REVIEW_BY).within_hours == 168

    @pytest.mark.parametrize("symptoms", [True, None])
    def test_that_are_low_hold_with_symptoms_or_when_nobody_asked(self, symptoms):
        assert vitals_gate([measured(systolic=88, diastolic=60)], symptoms=symptoms).reason == "VITALS_HOLD_LOW"
        assert vitals_gate([measured(rate=45)], symptoms=symptoms).permission is HOLD

    def test_that_are_slow_hold_with_an_eating_disorder(self):
        assert vitals_gate([measured(rate=45)], symptoms=False, eating_disorder=True).reason == "VITALS_HOLD_LOW"
        low_pressure = measured(systolic=88, diastolic=60)
        assert vitals_gate([low_pressure], symptoms=False, eating_disorder=True).reason == "VITALS_OK_LOW"

    def test_on_hold_ask_for_two_repeats_then_for_a_clinician(self):
        high, fine = measured(systolic=185), measured()

        assert codes(vitals_gate([high], symptoms=False)) == {ConditionCode.REPEAT_VITALS}
        assert vitals_gate([high, fine], symptoms=False).reason == "VITALS_HOLD"
        assert vitals_gate([high, fine, fine], symptoms=False).reason == "VITALS_OK"
        assert codes(vitals_gate([high, fine, high], symptoms=False)) == {ConditionCode.SAME_DAY_CLINICIAN}

    def test_on_hold_with_symptoms_are_an_emergency(self):
        assert ConditionCode.EMERGENCY in codes(vitals_gate([measured(systolic=185)], symptoms=True))

    def test_unmeasured_hold(self):
        assert vitals_gate([], symptoms=False).reason == "VITALS_MISSING"
        gate = vitals_gate([measured(rate=None)], symptoms=False)
        assert (gate.reason, gate.permission, gate.because) == ("VITALS_MISSING", HOLD, ("rate not measured",))

    def test_unmeasured_do_not_hide_a_measured_hold(self):
        assert vitals_gate([measured(systolic=190, rate=None)], symptoms=False).reason == "VITALS_HOLD"

    @pytest.mark.parametrize("figure", [0, -120, 120.5, True, "120"])
    def test_refuse_what_is_no_measurement(self, figure):
        with pytest.raises(MeasureRefused):
            measured(systolic=figure, diastolic=None)

    def test_refuse_swapped_pressures_and_name_implausible_ones(self):
        with pytest.raises(MeasureRefused, match="below systolic"):
            measured(systolic=80, diastolic=120)
        assert implausible(measured(systolic=301, diastolic=201, rate=251)) == ("systolic", "diastolic", "rate")
        assert implausible(measured(systolic=49, diastolic=19, rate=19)) == ("systolic", "diastolic", "rate")
        assert implausible(measured(systolic=300, diastolic=200, rate=250)) == ()
        assert implausible(measured(systolic=50, diastolic=20, rate=20)) == ()


class TestSeverity:
    @pytest.mark.parametrize(
        ("state", "reasons"),
        [
            (healthy(phq9=9, gad7=9), ["SEVERITY_ALONE"]),
            (healthy(phq9=10), ["SEVERITY_ADJUNCT"]),
            (healthy(gad7=10), ["SEVERITY_ADJUNCT"]),
            (healthy(gad7=14), ["SEVERITY_ADJUNCT"]),
            (healthy(isi=15), ["SEVERITY_ADJUNCT"]),
            (healthy(isi=14), ["SEVERITY_ALONE"]),
            (healthy(phq9=15), ["SEVERITY_ADJUNCT", "SEVERITY_ADJUNCT_TREATED"]),
            (healthy(gad7=15), ["SEVERITY_ADJUNCT", "SEVERITY_ADJUNCT_TREATED"]),
            (healthy(pcl5=31), ["SEVERITY_ADJUNCT_TREATED"]),
            (healthy(pcl5=30), ["SEVERITY_ALONE"]),
            (healthy(phq9=20), ["SEVERITY_ADJUNCT", "SEVERITY_ADJUNCT_TREATED", "SEVERITY_COSIGN"]),
            (healthy(difficulty=3), ["SEVERITY_ADJUNCT_TREATED", "SEVERITY_COSIGN"]),
            (healthy(difficulty=2), ["SEVERITY_ALONE"]),
            (healthy(functional_collapse=True), ["SEVERITY_ADJUNCT_TREATED", "SEVERITY_COSIGN"]),
            (healthy(psychosis=True), ["SEVERITY_HOLD"]),
            (healthy(mania=True), ["SEVERITY_HOLD"]),
            (healthy(adhd_positive=True), ["SEVERITY_ALONE", "ASRS_REFERRAL"]),
            (healthy(phq9=None), ["SEVERITY_UNKNOWN"]),
        ],
    )
    def test_emits_every_row_that_applies(self, state, reasons):
        assert [gate.reason for gate in severity_gates(state)] == reasons

    def test_demands_everything_by_its_time(self):
        state = healthy(phq9=20, item_9=1, cssrs=screen([1, 0, None, None, None, 0]))

        hours = {each.code: each.within_hours for gate in severity_gates(state) for each in gate.conditions}

        assert hours == {
            ConditionCode.PHYSICIAN_NOTIFIED: 336,
            ConditionCode.TREATMENT_RECORDED: None,
            ConditionCode.ACTIVE_TREATMENT: 168,
            ConditionCode.CO_SIGN: None,
            ConditionCode.MENTAL_HEALTH_REFERRAL: 72,
            ConditionCode.SAFETY_ACKNOWLEDGED: None,
            ConditionCode.SAFETY_PLAN: 72,
        }

    def test_is_light_to_moderate_until_treatment_is_recorded(self):
        untreated = severity_gates(healthy(phq9=17))[-1]
        treated = severity_gates(healthy(phq9=17), Treatment(active=True))[-1]
        referred = severity_gates(healthy(phq9=17), Treatment(referral_sent=True))[-1]

        assert (untreated.permission, untreated.cap) == (READY, Cap.MODERATE)
        assert [each.within_hours for each in untreated.conditions] == [168]
        assert treated.cap is referred.cap is Cap.VIGOROUS

    def test_holds_from_twenty_until_a_clinician_signs_too(self):
        alone = severity_gates(healthy(phq9=20))[-1]
        signed = severity_gates(healthy(phq9=20), Treatment(active=True, cosigned=True))[-1]

        assert (alone.permission, alone.cap) == (HOLD, Cap.NONE)
        assert codes(alone) == {ConditionCode.CO_SIGN, ConditionCode.MENTAL_HEALTH_REFERRAL}
        assert (signed.permission, codes(signed)) == (READY, {ConditionCode.MENTAL_HEALTH_REFERRAL})

    @pytest.mark.parametrize("answers", [[0, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0]])
    def test_holds_at_a_moderate_or_high_tier(self, answers):
        reasons = [gate.reason for gate in severity_gates(healthy(cssrs=screen(answers)))]

        assert "SEVERITY_HOLD" in reasons

    @pytest.mark.parametrize("item_9", [1, 2, 3, None])
    def test_concludes_nothing_in_silence_after_item_nine(self, item_9):
        gate = next(gate for gate in severity_gates(healthy(item_9=item_9)) if gate.gate is GateName.SAFETY)

        assert (gate.reason, gate.permission, codes(gate)) == (
            "SI_UNASSESSED",
            HOLD,
            {ConditionCode.SAFETY_ASSESSMENT},
        )

    def test_demands_a_named_look_and_a_safety_plan_once_assessed(self):
        state = healthy(item_9=1, cssrs=screen([1, 0, None, None, None, 0]))

        gate = severity_gates(state)[-1]

        assert (gate.reason, gate.permission) == ("SI_ASSESSED", READY)
        assert codes(gate) == {ConditionCode.SAFETY_ACKNOWLEDGED, ConditionCode.SAFETY_PLAN}

    def test_keeps_an_unfinished_screener_open(self):
        assert severity_gates(healthy(cssrs=screen([0])))[-1].reason == "SI_UNASSESSED"
        assert len(severity_gates(healthy(cssrs=NO_ONE_AT_RISK))) == 1

    def test_refuses_figures_off_the_scale(self):
        with pytest.raises(MeasureRefused):
            healthy(phq9=28)


class TestContraindications:
    def test_hold_or_need_clearance_by_kind(self):
        expected = {Kind.ABSOLUTE: HOLD, Kind.MENTAL_HEALTH: HOLD, Kind.RELATIVE: CLEARANCE}

        for code, found in CONTRAINDICATIONS.items():
            (gate,) = contraindication_gates([code], on=TODAY)
            assert (gate.reason, gate.permission, gate.cap) == (code, expected[found.kind], Cap.NONE)

    def test_are_lifted_by_clearance_only_when_relative(self):
        given = Clearance(given_on=TODAY, limit=Cap.MODERATE)

        relative, absolute = contraindication_gates(["PACEMAKER_ICD", "UNSTABLE_ANGINA"], on=TODAY, clearance=given)

        assert (relative.permission, relative.cap) == (READY, Cap.MODERATE)
        assert absolute.permission is HOLD

    def test_leave_a_reason_when_there_is_none(self):
        assert [gate.reason for gate in contraindication_gates([], on=TODAY)] == ["NO_CONTRAINDICATION"]

    def test_are_known_codes(self):
        with pytest.raises(UnknownCode):
            contraindication_gates(["COLD_FEET"], on=TODAY)


class TestModifiers:
    def test_cover_section_2_6(self):
        assert len(MODIFIERS) == 13

    def test_need_an_obstetric_clearance_in_pregnancy(self):
        (before,) = modifier_gates(["PREGNANCY"], on=TODAY)
        (after,) = modifier_gates(["PREGNANCY"], on=TODAY, obstetric_clearance=Clearance(given_on=TODAY))

        assert (before.permission, codes(before)) == (CLEARANCE, {ConditionCode.OBSTETRIC_CLEARANCE})
        assert (after.permission, after.cap) == (READY, Cap.MODERATE)

    def test_start_mild_with_an_eating_disorder(self):
        (gate,) = modifier_gates(["EATING_DISORDER"], on=TODAY)

        assert (gate.cap, codes(gate)) == (Cap.LIGHT, {ConditionCode.MULTIDISCIPLINARY_PLAN})

    def test_join_their_effects(self):
        assert effects(["BETA_BLOCKER", "LITHIUM"]) == {
            Effect.NO_HEART_RATE_TARGETS,
            Effect.HYDRATION,
            Effect.AVOID_HEAT,
        }

    def test_suspect_fall_risk_by_age_or_walk(self):
        assert has_fall_risk(65, None)
        assert has_fall_risk(40, 399)
        assert not has_fall_risk(64, 400)

    def test_notice_far_more_than_prescribed_for_two_weeks(self):
        assert exceeds_prescription([(100, 100), (151, 100), (151, 100)])
        assert not exceeds_prescription([(151, 100), (150, 100)])
        assert not exceeds_prescription([(200, 100)])

    @pytest.mark.parametrize(
        ("level", "ketones", "advice"),
        [
            (69, None, Glucose.TREAT_FIRST),
            (70, None, Glucose.EAT_CARBOHYDRATE),
            (99, None, Glucose.EAT_CARBOHYDRATE),
            (100, None, Glucose.GO),
            (250, None, Glucose.GO),
            (251, None, Glucose.CHECK_KETONES),
            (251, True, Glucose.NO_SESSION),
            (300, False, Glucose.GO),
            (301, False, Glucose.NO_SESSION),
        ],
    )
    def test_read_glucose_before_a_session(self, level, ketones, advice):
        assert glucose_advice(level, ketones=ketones) is advice
        assert glucose_advice(level, ketones=ketones, severe_hypo_within_24h=True) is Glucose.CONTRAINDICATED
