"""Dose, intensity bands, heart rate, walk test, activities and templates."""

from decimal import Decimal

import pytest

from shared.clinical.activities import ACTIVITIES, activity
from shared.clinical.conclusion import Cap
from shared.clinical.dose import (
    ActivityBand,
    Component,
    default_dose,
    dose_breaches,
    exercise_vital_sign,
    kilocalories,
    start_dose,
    weekly_dose,
)
from shared.clinical.exact import half_up
from shared.clinical.heartrate import effort_target, heart_rate_range, karvonen, maximal_rate
from shared.clinical.intensity import Intensity, Scale, intensity_of
from shared.clinical.refusals import MeasureRefused, UnknownCode
from shared.clinical.rules import HeartRateFormula
from shared.clinical.statement import COMPLEMENTARY_CARE
from shared.clinical.templates import TEMPLATES
from shared.clinical.walktest import Capacity, Sex, Walker, read_walk, walk_change_is_meaningful


class TestRounding:
    def test_goes_half_up_where_python_takes_the_even_neighbour(self):
        assert [half_up(Decimal(value)) for value in ("0.5", "1.5", "2.5", "-2.5")] == [1, 2, 3, -3]


class TestExerciseVitalSign:
    @pytest.mark.parametrize(
        ("days", "minutes", "band"),
        [
            (0, 60, ActivityBand.INACTIVE),
            (5, 0, ActivityBand.INACTIVE),
            (1, 1, ActivityBand.INSUFFICIENT),
            (1, 149, ActivityBand.INSUFFICIENT),
            (1, 150, ActivityBand.SUFFICIENT),
            (7, 1440, ActivityBand.SUFFICIENT),
        ],
    )
    def test_changes_exactly_at_its_bounds(self, days, minutes, band):
        assert exercise_vital_sign(days, minutes).band is band

    @pytest.mark.parametrize(("days", "minutes"), [(8, 30), (-1, 30), (3, 1441), (3, 30.5), (True, 30)])
    def test_refuses_what_no_week_has(self, days, minutes):
        with pytest.raises(MeasureRefused):
            exercise_vital_sign(days, minutes)

    def test_leaves_strength_open_when_nobody_asked(self):
        assert exercise_vital_sign(3, 30).strength_met is None
        assert exercise_vital_sign(3, 30, 2).strength_met is True


class TestIntensityBands:
    @pytest.mark.parametrize(
        ("scale", "starts"),
        [
            (Scale.PERCENT_HR_MAX, ["57", "64", "77", "96"]),
            (Scale.PERCENT_HR_RESERVE, ["30", "40", "60", "90"]),
            (Scale.RPE_6_20, ["9", "12", "14", "18"]),
            (Scale.EFFORT_0_10_PAG, ["3", "5", "7", "9"]),
            (Scale.MET, ["2.0", "3.0", "6.0", "8.8"]),
        ],
    )
    def test_begin_with_their_own_first_value(self, scale, starts):
        bands = [Intensity.LIGHT, Intensity.MODERATE, Intensity.VIGOROUS, Intensity.NEAR_MAXIMAL]
        before = [Intensity.VERY_LIGHT, *bands[:3]]

        assert [intensity_of(scale, Decimal(start)) for start in starts] == bands
        assert [intensity_of(scale, Decimal(start) - Decimal("0.01")) for start in starts] == before

    def test_refuse_values_off_the_scale(self):
        with pytest.raises(MeasureRefused):
            intensity_of(Scale.RPE_6_20, 5)


class TestHeartRate:
    def test_has_three_formulas(self):
        assert maximal_rate(50, HeartRateFormula.FOX) == 170
        assert maximal_rate(50, HeartRateFormula.TANAKA) == 173
        assert maximal_rate(50, HeartRateFormula.GELLISH) == Decimal("173.40")

    @pytest.mark.parametrize("resting", [34, 121])
    def test_refuses_an_implausible_resting_rate(self, resting):
        with pytest.raises(MeasureRefused):
            heart_rate_range(40, resting, Intensity.MODERATE)

    def test_takes_resting_rates_from_35_to_120(self):
        assert heart_rate_range(40, 35, Intensity.MODERATE) == (93, 121)  # 35 + 145 * 40 % and 59 %
        assert heart_rate_range(40, 120, Intensity.MODERATE) == (144, 155)  # 120 + 60 * 40 % and 59 %

    def test_refuses_a_resting_rate_at_the_maximum(self):
        with pytest.raises(MeasureRefused, match="below the maximal"):
            karvonen(120, 120, 50)

    def test_refuses_minors_and_unprescribable_bands(self):
        with pytest.raises(MeasureRefused):
            maximal_rate(17)
        with pytest.raises(MeasureRefused, match="near-maximal"):
            heart_rate_range(40, 70, Intensity.NEAR_MAXIMAL)

    def test_stays_with_effort_when_resting_is_unknown(self):
        target = effort_target(Intensity.VIGOROUS, age=40, resting=None, rate_limited=False)

        assert (target.heart_rate, target.rpe, target.talk_test) == (None, (14, 17), "a few words")

    def test_never_asks_a_rate_limited_person_for_more_than_thirteen(self):
        target = effort_target(Intensity.VIGOROUS, age=40, resting=60, rate_limited=True)

        assert (target.heart_rate, target.rpe, target.talk_test) == (None, (12, 13), "can talk, not sing")

    def test_takes_the_range_of_a_modifier(self):
        pregnant = effort_target(Intensity.MODERATE, age=30, resting=70, rate_limited=False, rpe=(12, 14))

        assert (pregnant.rpe, pregnant.heart_rate) == ((12, 13), (117, 139))


class TestWalkTest:
    @pytest.mark.parametrize(
        ("age", "reference"), [(20, False), (21, True), (39, True), (40, True), (80, True), (81, False)]
    )
    def test_has_equations_from_21_to_80(self, age, reference):
        walk = read_walk(Walker(sex=Sex.FEMALE, age=age, height_cm=165, weight_kg=65), 500)

        assert (walk.predicted is not None) is reference
        assert (walk.capacity is Capacity.NO_REFERENCE) is not reference

    def test_changes_equation_at_forty(self):
        equations = [
            read_walk(Walker(sex=Sex.MALE, age=age, height_cm=178, weight_kg=80), 500).predicted.equation[:5]
            for age in (39, 40)
        ]

        assert equations == ["GEIRD", "Enrig"]

    def test_is_low_only_below_the_limit(self):
        man = Walker(sex=Sex.MALE, age=45, height_cm=178, weight_kg=82)

        assert read_walk(man, Decimal("515.24")).capacity is Capacity.NORMAL
        assert read_walk(man, Decimal("515.23")).capacity is Capacity.LOW_CAPACITY

    def test_changes_meaningfully_by_thirty_metres_either_way(self):
        assert walk_change_is_meaningful(440, 410)
        assert not walk_change_is_meaningful(410, Decimal("439.9"))

    def test_has_no_reference_without_a_sex(self):
        assert read_walk(Walker(sex=None, age=45, height_cm=178, weight_kg=82), 500).percent_predicted is None


class TestWeeklyDose:
    def test_counts_vigorous_twice_and_light_not_at_all(self):
        dose = weekly_dose(
            [
                Component(met=Decimal("4.3"), minutes=30, times_per_week=3, cap=Cap.MODERATE),
                Component(met=Decimal("7.0"), minutes=15, times_per_week=2, cap=Cap.VIGOROUS),
                Component(met=Decimal("2.5"), minutes=60, times_per_week=1, cap=Cap.LIGHT),
            ]
        )

        assert (dose.minutes, dose.equivalent_minutes, dose.met_minutes) == (180, 150, 747)
        assert dose.meets_minutes
        assert dose.within_met_minutes

    def test_names_what_stands_against_it(self):
        long = Component(met=5, minutes=61, times_per_week=7, cap=Cap.VIGOROUS)

        breaches = dose_breaches([long], inactive=True, training_days=7, cap=Cap.MODERATE)

        assert [breach.code for breach in breaches] == ["SESSION_TOO_LONG", "NO_REST_DAY", "ABOVE_CAP"]
        assert dose_breaches([long], inactive=False, training_days=6, cap=Cap.VIGOROUS) == ()

    def test_aims_at_five_times_thirty(self):
        assert default_dose() == (5, 30)

    def test_starts_small(self):
        start = start_dose()

        assert (start.days, start.minutes, start.bout_minutes) == (3, (15, 20), 10)
        assert (start.weekly_ceiling, start.cap) == (90, Cap.MODERATE)

    @pytest.mark.parametrize("kilograms", [Decimal("NaN"), Decimal("Infinity"), 0, 70.5])
    def test_refuses_weights_that_are_none(self, kilograms):
        with pytest.raises(MeasureRefused):
            kilocalories(4, 30, kilograms)


class TestActivities:
    def test_have_the_printed_codes_values_and_bands(self):
        printed = """
            17170 3.0 moderate; 17190 3.5 moderate; 17200 4.3 moderate; 17220 5.0 moderate; 12020 7.0 vigorous;
            12030 8.3 vigorous; 12050 9.8 near-maximal; 01018 3.5 moderate; 01020 6.8 vigorous; 01015 7.5 vigorous;
            02011 3.5 moderate; 02012 6.8 vigorous; 18310 6.0 vigorous; 18240 5.8 moderate; 03031 7.8 vigorous;
            03025 4.5 moderate; 03040 3.0 moderate; 02150 2.5 light; 02160 4.0 moderate; 02180 3.3 moderate;
            02170 2.0 light; 15670 3.0 moderate; 15672 1.5 very-light; 02101 2.3 light; 02105 3.0 moderate;
            02054 3.5 moderate; 02050 6.0 vigorous; 02052 5.0 moderate; 02024 2.8 light; 02022 3.8 moderate;
            17165 3.0 moderate; 05192 3.0 moderate; 05193 4.0 moderate; 05190 2.5 light; 15400 3.8 moderate
        """
        rows = {tuple(row.split()) for row in printed.split(";")}

        assert {(each.code, str(each.met), each.intensity.value) for each in ACTIVITIES.values()} == rows

    def test_lend_resistance_bands_the_value_of_weights(self):
        bands = activity("resistance-bands")

        assert (bands.code, bands.met, bands.proxy) == ("02054", Decimal("3.5"), True)
        assert activity("02054").id == "weights"

    def test_keep_the_year_of_their_values(self):
        assert {each.compendium_year for each in ACTIVITIES.values()} == {2011}

    def test_need_the_leading_zero(self):
        with pytest.raises(UnknownCode):
            activity("2150")


class TestTemplates:
    def test_cover_the_four_conditions(self):
        assert sorted(TEMPLATES) == ["adhd", "anxiety", "depression", "ptsd"]

    def test_give_dose_and_duration(self):
        (part,) = TEMPLATES["depression"].parts

        assert (part.times_per_week, part.minutes) == ((3, 5), (30, 60))
        assert (part.intensity, part.may_progress_to) == (Cap.MODERATE, Cap.VIGOROUS)
        assert TEMPLATES["anxiety"].weeks == (8, 12)
        assert TEMPLATES["ptsd"].alternatives

    def test_name_their_evidence(self):
        assert all(template.evidence and template.source for template in TEMPLATES.values())


class TestStatement:
    def test_is_the_sentence_of_section_4_1(self):
        assert COMPLEMENTARY_CARE == (
            "This exercise plan is part of a wider treatment plan and does not replace prescribed medication or "
            "psychotherapy; do not stop or change them without your prescriber."
        )
