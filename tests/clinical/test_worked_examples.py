"""The fifty worked examples of the clinical rules, section 6, numbered as there, with the figures printed there."""

from datetime import date
from decimal import Decimal

import pytest

from shared.clinical import cssrs
from shared.clinical.activities import activity
from shared.clinical.adherence import AdherenceBand, adherence
from shared.clinical.change import Deterioration, Direction, Response, Verdict, compare, is_nonresponse
from shared.clinical.conclusion import Cap, ConditionCode, Permission
from shared.clinical.cssrs import Tier
from shared.clinical.dose import (
    ActivityBand,
    Component,
    equivalent_minutes,
    exercise_vital_sign,
    kilocalories,
    meets_guideline,
    met_minutes,
    weekly_dose,
)
from shared.clinical.escalation import LEVELS, Level, Trigger
from shared.clinical.findings import Result
from shared.clinical.heartrate import effort_target, heart_rate_range, karvonen, maximal_rate
from shared.clinical.intensity import Intensity, Scale, intensity_of
from shared.clinical.preparticipation import Clearance, Wish, acsm_gate
from shared.clinical.progression import planned_weeks, return_after_pause
from shared.clinical.redflags import trigger_of
from shared.clinical.rules import HeartRateFormula
from shared.clinical.safety import Flag, Prompt
from shared.clinical.scoring import score
from shared.clinical.severity import Severity, severity_gates
from shared.clinical.totals import Status
from shared.clinical.vitals import Vitals, vitals_gate
from shared.clinical.walktest import Capacity, Sex, Walker, predict, read_walk, walk_change_is_meaningful
from shared.clinical.wearables import Counter, minutes_from_vendor, minutes_from_zones

TODAY = date(2026, 11, 23)
_ = None


class TestPhq9Examples:
    def test_01_eleven_is_moderate_and_other_depressive(self):
        result = score("PHQ9", [2, 2, 1, 2, 1, 2, 1, 0, 0])

        assert (result.total, result.band, result.flags) == (11, "moderate", ())
        assert result.finding("nice") == "less-severe"
        assert result.finding("algorithm-count") == 4
        assert result.finding("algorithm") == "other-depressive"

    def test_02_nineteen_with_item_nine_is_major_and_flagged(self):
        result = score("PHQ9", [3, 3, 2, 3, 2, 2, 2, 1, 1])

        assert (result.total, result.band) == (19, "moderately-severe")
        assert result.flags == (Flag.SI_POSITIVE,)
        assert result.finding("nice") == "more-severe"
        assert result.finding("algorithm-count") == 8
        assert result.finding("algorithm") == "major-depressive"

    def test_03_item_nine_fires_at_a_total_of_one(self):
        result = score("PHQ9", [0, 0, 0, 0, 0, 0, 0, 0, 1])

        assert (result.total, result.band, result.flags) == (1, "minimal", (Flag.SI_POSITIVE,))

    def test_04_fifteen_is_adjunct_with_active_treatment(self):
        result = score("PHQ9", [2, 2, 2, 2, 2, 2, 2, 1, 0])

        gates = severity_gates(Severity(phq9=result.total, gad7=0, item_9=0))

        assert (result.total, result.band, result.flags) == (15, "moderately-severe", ())
        treated = next(gate for gate in gates if gate.reason == "SEVERITY_ADJUNCT_TREATED")
        assert treated.permission is Permission.READY
        assert [condition.code for condition in treated.conditions] == [ConditionCode.ACTIVE_TREATMENT]

    def test_05_one_missing_is_prorated_to_a_provisional_eleven(self):
        result = score("PHQ9", [2, 2, _, 2, 1, 2, 1, 0, 0])

        assert (result.total, result.band, result.provisional) == (11, "moderate", True)
        assert (result.missing, result.flags) == (1, ())

    def test_06_three_missing_are_invalid_but_item_nine_is_read(self):
        result = score("PHQ9", [_, _, _, 2, 1, 2, 1, 0, 2])

        assert (result.status, result.total, result.band) == (Status.INVALID, None, None)
        assert result.flags == (Flag.SI_POSITIVE,)

    def test_07_missing_item_nine_is_a_provisional_nine_and_unknown_risk(self):
        result = score("PHQ9", [1, 1, 1, 1, 1, 1, 1, 1, _])

        assert (result.total, result.band, result.provisional) == (9, "mild", True)
        assert result.flags == (Flag.SI_UNKNOWN,)
        assert Prompt.ASK_ITEM_9 in result.prompts

    @pytest.mark.parametrize(
        ("answers", "total", "band"),
        [
            ([2, 2, 2, 2, 2, 2, 2, 0, 0], 14, "moderate"),
            ([2, 2, 2, 2, 2, 2, 2, 1, 0], 15, "moderately-severe"),
            ([3, 3, 3, 3, 3, 3, 1, 0, 0], 19, "moderately-severe"),
            ([3, 3, 3, 3, 3, 3, 2, 0, 0], 20, "severe"),
        ],
    )
    def test_08_bands_change_at_fifteen_and_twenty(self, answers, total, band):
        result = score("PHQ9", answers)

        assert (result.total, result.band) == (total, band)


class TestChangeExamples:
    def test_09_eighteen_to_nine_is_a_response(self):
        change = compare("PHQ9", 18, 9)

        assert (change.delta, change.improvement) == (-9, Decimal("50.0"))
        assert (change.response, change.reliable, change.remission) == (Response.RESPONSE, Verdict.YES, Verdict.NO)
        assert not is_nonresponse(change, week=8)

    def test_10_eighteen_to_ten_is_nonresponse_at_week_eight(self):
        change = compare("PHQ9", 18, 10)

        assert change.improvement == Decimal("44.4")
        assert (change.direction, change.reliable) == (Direction.BETTER, Verdict.YES)
        assert (change.response, change.uk_recovery) == (Response.PARTIAL, Verdict.NO)
        assert is_nonresponse(change, week=8)
        assert not is_nonresponse(change, week=7)

    def test_11_twelve_to_seven_is_meaningful_not_reliable_and_recovered(self):
        change = compare("PHQ9", 12, 7)

        assert (change.delta, change.improvement) == (-5, Decimal("41.7"))
        assert (change.meaningful, change.reliable, change.uk_recovery) == (Verdict.YES, Verdict.NO, Verdict.YES)

    def test_12_nine_to_fifteen_is_reliable_deterioration(self):
        change = compare("PHQ9", 9, 15)

        assert (change.delta, change.deterioration) == (6, Deterioration.RELIABLE)
        assert LEVELS[Trigger.RELIABLE_DETERIORATION] is Level.E2

    def test_13_fourteen_to_four_is_response_and_remission(self):
        change = compare("PHQ9", 14, 4)

        assert change.improvement == Decimal("71.4")
        assert (change.response, change.remission) == (Response.RESPONSE, Verdict.YES)

    def test_14_gad7_of_ten_is_positive_and_recovers_at_six(self):
        result = score("GAD7", [2, 2, 2, 1, 1, 1, 1])
        change = compare("GAD7", 10, 6)

        assert (result.total, result.band, result.positive) == (10, "moderate", Result.POSITIVE)
        assert (change.delta, change.reliable, change.uk_recovery) == (-4, Verdict.YES, Verdict.YES)

    def test_15_who5_of_forty_is_low_and_prompts_a_phq9(self):
        result = score("WHO5", [3, 2, 2, 1, 2])
        change = compare("WHO5", 40, 52)

        assert (result.total, result.percent, result.band) == (10, 40, "low")
        assert Prompt.ASK_PHQ9 in result.prompts
        assert (change.delta, change.meaningful, change.direction) == (12, Verdict.YES, Direction.BETTER)

    def test_16_who5_turns_negative_between_raw_twelve_and_thirteen(self):
        twelve, thirteen = score("WHO5", [3, 3, 2, 2, 2]), score("WHO5", [3, 3, 3, 2, 2])

        assert (twelve.percent, twelve.positive) == (48, Result.POSITIVE)
        assert (thirteen.percent, thirteen.positive) == (52, Result.NEGATIVE)

    def test_17_who5_of_twenty_eight_is_likely_depression(self):
        result = score("WHO5", [1, 1, 1, 2, 2])

        assert (result.total, result.percent, result.band) == (7, 28, "likely-depression")


class TestOtherInstrumentExamples:
    def test_18_pcl5_below_the_cut_may_meet_the_dsm_rule(self):
        result = score("PCL5", [2, 1, 0, 3, 0, 2, 0, 2, 2, 0, 0, 1, 0, 0, 3, 0, 2, 0, 1, 0])

        assert (result.total, result.positive) == (19, Result.NEGATIVE)
        assert result.finding("dsm") == Result.POSITIVE
        assert [result.finding(f"dsm-{cluster}") for cluster in "BCDE"] == [2, 1, 2, 2]

    def test_19_pcl5_above_the_cut_may_miss_the_dsm_rule(self):
        result = score("PCL5", [4, 3, 3, 2, 2, 1, 1, 3, 3, 2, 2, 2, 1, 1, 3, 2, 2, 2, 1, 1])

        assert (result.total, result.positive) == (41, Result.POSITIVE)
        assert (result.finding("dsm-C"), result.finding("dsm")) == (0, Result.NEGATIVE)

    def test_20_pcl5_eleven_is_meaningful_and_seventeen_reliable(self):
        eleven, seventeen = compare("PCL5", 45, 34), compare("PCL5", 45, 28)

        assert (eleven.delta, eleven.meaningful, eleven.reliable) == (-11, Verdict.YES, Verdict.NO)
        assert (seventeen.delta, seventeen.reliable, seventeen.remission) == (-17, Verdict.YES, Verdict.YES)

    def test_21_asrs_of_four_is_positive(self):
        result = score("ASRS6", [2, 2, 1, 3, 3, 2])

        assert (result.total, result.positive, result.finding("sum")) == (4, Result.POSITIVE, 13)

    def test_22_asrs_of_three_is_negative(self):
        result = score("ASRS6", [2, 2, 2, 2, 2, 2])

        assert (result.total, result.positive, result.finding("sum")) == (3, Result.NEGATIVE, 12)

    def test_23_asrs_with_missing_items_is_decided_by_bounds(self):
        decided, open_ = score("ASRS6", [3, 3, 3, 3, _, _]), score("ASRS6", [2, 2, _, 0, 0, _])

        assert (decided.positive, decided.finding("positives")) == (Result.POSITIVE, 4)
        assert (open_.positive, open_.status) == (Result.INDETERMINATE, Status.INCOMPLETE)

    def test_24_isi_sixteen_to_seven_is_response_and_remission(self):
        result = score("ISI", [3, 2, 1, 3, 3, 2, 2])
        change = compare("ISI", 16, 7)

        assert (result.total, result.band) == (16, "moderate")
        assert (change.delta, change.response, change.remission) == (-9, Response.RESPONSE, Verdict.YES)

    def test_25_pss_reverses_its_items_and_shows_its_band_as_unofficial(self):
        ten, four = score("PSS10", [2, 3, 3, 1, 1, 3, 2, 1, 3, 2]), score("PSS4", [2, 3, 1, 3])

        assert (ten.total, ten.band, ten.band_validated) == (27, "high", False)
        assert (four.total, four.band) == (9, None)


class TestColumbiaExamples:
    def test_26_a_wish_alone_is_low_and_skips_three_questions(self):
        result = cssrs.screen({"q1": True, "q2": False, "q6_life": False})

        assert (result.tier, result.complete) == (Tier.LOW, True)
        assert result.asked == ("q1", "q2", "q6_life")

    def test_27_method_without_intent_is_moderate(self):
        result = cssrs.screen({"q1": True, "q2": True, "q3": True, "q4": False, "q5": False, "q6_life": False})

        assert (result.tier, result.complete) == (Tier.MODERATE, True)

    def test_28_intent_is_high(self):
        result = cssrs.screen({"q2": True, "q4": True})

        assert (result.tier, result.flags[0]) == (Tier.HIGH, Flag.CSSRS_HIGH)

    @pytest.mark.parametrize(("recent", "tier"), [(False, Tier.MODERATE), (True, Tier.HIGH)])
    def test_29_behaviour_is_moderate_in_the_past_and_high_when_recent(self, recent, tier):
        result = cssrs.screen({"q1": False, "q2": False, "q6_life": True, "q6_3mo": recent})

        assert (result.tier, result.complete) == (tier, True)


class TestScreeningExamples:
    def test_30_seventy_five_minutes_are_insufficient(self):
        sign = exercise_vital_sign(3, 25, 1)

        assert (sign.minutes_per_week, sign.band, sign.strength_met) == (75, ActivityBand.INSUFFICIENT, False)

    def test_31_vigorous_minutes_count_twice(self):
        assert equivalent_minutes(90, 30) == 150
        assert meets_guideline(90, 30)

    def test_32_inactive_and_healthy_starts_light_to_moderate(self):
        gate = acsm_gate(active=False, disease=False, symptoms=False, wish=Wish.VIGOROUS, on=TODAY)

        assert (gate.reason, gate.permission, gate.cap) == ("ACSM_ROW_2", Permission.READY, Cap.MODERATE)

    def test_33_inactive_with_diabetes_needs_clearance_before_any(self):
        gate = acsm_gate(active=False, disease=True, symptoms=False, wish=Wish.LIGHT_MODERATE, on=TODAY)

        assert (gate.reason, gate.permission, gate.cap) == ("ACSM_ROW_3", Permission.CLEARANCE_NEEDED, Cap.NONE)

    @pytest.mark.parametrize(
        ("given_on", "reason", "cap", "demands"),
        [
            (date(2026, 3, 23), "ACSM_ROW_12_CLEARED", Cap.VIGOROUS, []),
            (date(2025, 9, 23), "ACSM_ROW_12", Cap.MODERATE, [ConditionCode.CLEARANCE_FOR_VIGOROUS]),
        ],
    )
    def test_34_clearance_for_vigorous_lasts_twelve_months(self, given_on, reason, cap, demands):
        gate = acsm_gate(
            active=True,
            disease=True,
            symptoms=False,
            wish=Wish.VIGOROUS,
            on=TODAY,
            clearance=Clearance(given_on=given_on),
        )

        assert (gate.reason, gate.permission, gate.cap) == (reason, Permission.READY, cap)
        assert [condition.code for condition in gate.conditions] == demands

    @pytest.mark.parametrize(("wish", "row"), [(Wish.LIGHT_MODERATE, 13), (Wish.VIGOROUS, 14)])
    def test_35_exertional_chest_pain_stops_and_needs_clearance(self, wish, row):
        gate = acsm_gate(active=True, disease=False, symptoms=True, wish=wish, on=TODAY)

        codes = {condition.code for condition in gate.conditions}
        assert (gate.reason, gate.permission, gate.cap) == (f"ACSM_ROW_{row}", Permission.CLEARANCE_NEEDED, Cap.NONE)
        assert {ConditionCode.STOP_EXERCISE, ConditionCode.PHYSICIAN_CLEARANCE} <= codes
        assert LEVELS[trigger_of("RF_CHEST", ongoing=True)] is Level.E0
        assert LEVELS[trigger_of("RF_CHEST", ongoing=False)] is not Level.E0


class TestHeartRateExamples:
    def test_36_karvonen_at_thirty(self):
        bounds = [karvonen(60, 187, percent) for percent in (40, 59, 60, 89)]

        assert maximal_rate(30) == 187
        assert bounds == [Decimal("110.8"), Decimal("134.93"), Decimal("136.2"), Decimal("173.03")]
        assert heart_rate_range(30, 60, Intensity.MODERATE) == (111, 135)
        assert heart_rate_range(30, 60, Intensity.VIGOROUS) == (136, 173)

    def test_37_fox_and_tanaka_meet_at_forty(self):
        assert maximal_rate(40, HeartRateFormula.FOX) == maximal_rate(40, HeartRateFormula.TANAKA) == 180
        assert heart_rate_range(40, 70, Intensity.MODERATE) == (114, 135)
        assert heart_rate_range(40, 70, Intensity.VIGOROUS) == (136, 168)

    def test_38_formulas_part_at_sixty_and_a_beta_blocker_ends_both(self):
        target = effort_target(Intensity.MODERATE, age=60, resting=72, rate_limited=True)

        assert maximal_rate(60, HeartRateFormula.TANAKA) == 166
        assert maximal_rate(60, HeartRateFormula.FOX) == 160
        assert heart_rate_range(60, 72, Intensity.MODERATE, HeartRateFormula.TANAKA) == (110, 127)
        assert heart_rate_range(60, 72, Intensity.MODERATE, HeartRateFormula.FOX) == (107, 124)
        assert (target.heart_rate, target.rpe) == (None, (12, 13))

    def test_39_sixty_percent_of_reserve_is_vigorous(self):
        assert intensity_of(Scale.PERCENT_HR_RESERVE, Decimal("60.0")) is Intensity.VIGOROUS


class TestWalkExamples:
    def test_40_man_of_forty_five_is_low(self):
        walk = read_walk(Walker(sex=Sex.MALE, age=45, height_cm=178, weight_kg=82), 500)

        assert walk.predicted.metres == Decimal("668.24")
        assert walk.predicted.lower_limit == Decimal("515.24")
        assert (walk.percent_predicted, walk.capacity) == (Decimal("74.8"), Capacity.LOW_CAPACITY)

    def test_41_woman_of_forty_is_normal(self):
        walk = read_walk(Walker(sex=Sex.FEMALE, age=40, height_cm=165, weight_kg=68), 560)

        assert walk.predicted.metres == Decimal("628.23")
        assert walk.predicted.lower_limit == Decimal("489.23")
        assert (walk.percent_predicted, walk.capacity) == (Decimal("89.1"), Capacity.NORMAL)

    def test_42_geird_serves_the_young(self):
        woman = predict(Walker(sex=Sex.FEMALE, age=30, height_cm=165, weight_kg=60, active=True))
        man = predict(Walker(sex=Sex.MALE, age=30, height_cm=178, weight_kg=80))

        assert (woman.metres, woman.lower_limit) == (Decimal("604.38"), Decimal("508.38"))
        assert (man.metres, man.lower_limit) == (Decimal("635.50"), Decimal("513.50"))

    def test_43_thirty_metres_are_meaningful(self):
        assert not walk_change_is_meaningful(410, 438)
        assert walk_change_is_meaningful(410, 442)


class TestDoseExamples:
    def test_44_brisk_walk_five_times_thirty(self):
        met = activity("17200").met

        assert met_minutes(met, 150) == 645
        assert weekly_dose([Component(met=met, minutes=30, times_per_week=5, cap=Cap.MODERATE)]).within_met_minutes
        assert kilocalories(met, 30, 70) == Decimal("158.0")

    @pytest.mark.parametrize(("strength_met", "total"), [(None, 991), (Decimal("3.5"), 967)])
    def test_45_three_kinds_add_up(self, strength_met, total):
        parts = [
            Component(met=activity("17200").met, minutes=30, times_per_week=3, cap=Cap.MODERATE),
            Component(met=activity("02150").met, minutes=60, times_per_week=2, cap=Cap.LIGHT),
            Component(met=strength_met or activity("02022").met, minutes=40, times_per_week=2, cap=Cap.MODERATE),
        ]

        assert weekly_dose(parts).met_minutes == total

    def test_46_ten_percent_a_week_reaches_150_in_week_eleven(self):
        weeks = [str(minutes) for minutes in planned_weeks(60)]

        assert weeks == ["60.0", "66.0", "72.6", "79.9", "87.8", "96.6", "106.3", "116.9", "128.6", "141.5", "150.0"]
        assert len(weeks) == 11

    def test_47_a_pause_shrinks_the_way_back(self):
        ten, twenty = return_after_pause(10, 120), return_after_pause(20, 120)

        assert (ten.minutes, ten.cap) == (90, None)
        assert (twenty.minutes, twenty.cap) == (60, Cap.MODERATE)

    def test_48_four_of_five_sessions_are_partial_adherence(self):
        week = adherence(sessions_prescribed=5, sessions_done=4, minutes_prescribed=150, minutes_done=100)

        assert (week.frequency, week.time, week.overall) == (Decimal("80.0"), Decimal("66.7"), Decimal("53.3"))
        assert week.band is AdherenceBand.PARTIAL

    @pytest.mark.parametrize(
        ("reading", "reason"),
        [((182, 95, 88), "VITALS_HOLD"), ((165, 92, 88), "VITALS_CAUTION"), ((128, 78, 72), "VITALS_OK")],
    )
    def test_49_vitals_hold_caution_and_pass(self, reading, reason):
        systolic, diastolic, rate = reading

        gate = vitals_gate([Vitals(systolic=systolic, diastolic=diastolic, rate=rate)], symptoms=False)

        assert gate.reason == reason

    def test_50_fitbit_minutes_are_not_doubled_again(self):
        assert minutes_from_vendor(Counter.FITBIT_AZM, 60) == 60
        assert minutes_from_zones(moderate=20, vigorous=20) == 60
