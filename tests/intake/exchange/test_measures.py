"""Vital signs, body measures and the exercise vital sign, in our units."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.intake.exchange.fhir import blood_pressure, concept, facts, observation, quantity, verdict_on


def measured(code, value, unit, **fields):
    [measure] = facts(observation(code, valueQuantity=quantity(value, unit), **fields)).measures
    return measure


class TestBloodPressure:
    @pytest.mark.parametrize("code", ["85354-9", "55284-4"])
    def test_is_read_from_both_panels(self, code):
        [measure] = facts(blood_pressure(156.22, 83, code=code)).measures

        assert (measure.kind, measure.code, measure.unit) == ("blood-pressure", code, "mm[Hg]")
        assert (measure.systolic, measure.diastolic) == (Decimal("156.22"), Decimal(83))
        assert (measure.value, measure.stated) == (None, None)

    def test_in_kilopascals_is_converted_and_kept_as_stated(self):
        [measure] = facts(blood_pressure(16, 10.5, unit="kPa")).measures

        assert (measure.systolic, measure.diastolic) == (Decimal("120.01"), Decimal("78.76"))
        assert measure.stated == "16 kPa; 10.5 kPa"

    def test_without_its_diastolic_is_refused(self):
        resource = blood_pressure(120, 80)
        del resource["component"][1]

        assert verdict_on(resource).outcome == "refused"
        assert "8462-4" in verdict_on(resource).reason

    def test_with_the_diastolic_on_top_is_refused(self):
        assert "not below the systolic" in verdict_on(blood_pressure(80, 120)).reason


class TestUnits:
    @pytest.mark.parametrize(
        ("code", "kind", "value", "unit", "ours", "our_unit"),
        [
            ("8867-4", "heart-rate", 192.29, "/min", "192.29", "/min"),
            ("8867-4", "heart-rate", 72, "{beats}/min", "72", "/min"),
            ("40443-4", "resting-heart-rate", 58, "1/min", "58", "/min"),
            ("8302-2", "height", 170.5, "cm", "170.5", "cm"),
            ("8302-2", "height", 1.7, "m", "170.00", "cm"),
            ("8302-2", "height", 1705, "mm", "170.50", "cm"),
            ("8302-2", "height", 70, "[in_i]", "177.80", "cm"),
            ("8302-2", "height", 6, "[ft_i]", "182.88", "cm"),
            ("29463-7", "weight", 65.2, "kg", "65.2", "kg"),
            ("3141-9", "weight", 3500, "g", "3.50", "kg"),
            ("29463-7", "weight", 165, "[lb_av]", "74.84", "kg"),
            ("29463-7", "weight", 120, "[oz_av]", "3.40", "kg"),
            ("89555-7", "exercise-days-per-week", 3, "d/wk", "3", "d/wk"),
            ("68516-4", "exercise-minutes-per-day", 20, "min/d", "20", "min/d"),
            ("68516-4", "exercise-minutes-per-day", 0.5, "h/d", "30.00", "min/d"),
            ("82290-8", "exercise-minutes-per-week", 60, "min/wk", "60", "min/wk"),
            ("82290-8", "exercise-minutes-per-week", 2.5, "h/wk", "150.00", "min/wk"),
            ("82291-6", "strength-days-per-week", 2, "d/wk", "2", "d/wk"),
        ],
    )
    def test_become_ours(self, code, kind, value, unit, ours, our_unit):
        measure = measured(code, value, unit)

        assert (measure.kind, str(measure.value), measure.unit) == (kind, ours, our_unit)

    @pytest.mark.parametrize(("word", "ours"), [("lbs", "74.84"), ("kg", "165"), ("lb", "74.84")])
    def test_may_be_words_where_there_is_no_code(self, word, ours):
        [measure] = facts(observation("29463-7", valueQuantity={"value": 165, "unit": word})).measures

        assert str(measure.value) == ours

    @pytest.mark.parametrize(
        ("stated", "why"),
        [
            ({"value": 165}, "has no unit"),
            ({"value": 165, "code": "[stone_av]", "system": "http://unitsofmeasure.org"}, "not a unit of a weight"),
            ({"value": 165, "code": "kg", "system": "http://local.example"}, "not from UCUM"),
            ({"value": 165, "code": "kg", "comparator": "<"}, "only a bound"),
            ({"code": "kg"}, "has no valueQuantity"),
        ],
    )
    def test_that_are_unclear_are_refused(self, stated, why):
        verdict = verdict_on(observation("29463-7", valueQuantity=stated))

        assert (verdict.outcome, why in verdict.reason) == ("refused", True)


class TestValues:
    @pytest.mark.parametrize(
        "value",
        [
            float("nan"),
            float("inf"),
            10**400,
            -70,
            0,
            701,
            Decimal("NaN"),
            Decimal("sNaN"),
            Decimal("1e-9999"),
            True,
            "70",
        ],
    )
    def test_that_no_body_shows_are_refused(self, value):
        assert verdict_on(observation("29463-7", valueQuantity=quantity(value, "kg"))).outcome == "refused"

    def test_that_are_absent_with_a_reason_are_left(self):
        verdict = verdict_on(observation("8867-4", dataAbsentReason=concept("unknown", "urn:x")))

        assert (verdict.outcome, verdict.reason) == ("left", "It states no value, and why there is none.")

    def test_that_are_absent_without_a_reason_are_refused(self):
        assert verdict_on(observation("8867-4")).outcome == "refused"

    def test_beyond_a_week_are_refused(self):
        assert verdict_on(observation("89555-7", valueQuantity=quantity(8, "d/wk"))).outcome == "refused"


class TestTimeOfMeasurement:
    @pytest.mark.parametrize(
        ("stated", "at", "precision", "zone_assumed"),
        [
            ("2026-11-02T09:00:00.5-05:00", datetime(2026, 11, 2, 14, 0, 0, 500000, UTC), "instant", False),
            ("2026-11-02", datetime(2026, 11, 2, 12, tzinfo=UTC), "day", False),
            ("2026-11-02T09:00:00", datetime(2026, 11, 2, 9, tzinfo=UTC), "instant", True),
        ],
    )
    def test_becomes_utc_and_says_what_was_assumed(self, stated, at, precision, zone_assumed):
        effective = measured("8867-4", 70, "/min", effectiveDateTime=stated).effective

        assert (effective.at, effective.precision, effective.zone_assumed) == (at, precision, zone_assumed)

    def test_is_the_start_of_a_period(self):
        period = {"start": "2022-06-01", "end": "2022-06-08"}
        effective = measured("40443-4", 68, "/min", effectiveDateTime=None, effectivePeriod=period).effective

        assert effective.at == datetime(2022, 6, 1, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        "stated",
        [
            "2026-11",
            "2026",
            "2026-02-30",
            "2026-11-02T25:00:00Z",
            "1849-12-31",
            "2100-01-02",
            "tomorrow",
            "",
            5,
            None,
            "٢٠٢٦-01-01",
        ],
    )
    def test_that_is_rough_impossible_or_out_of_range_is_refused(self, stated):
        resource = observation("8867-4", valueQuantity=quantity(70, "/min"), effectiveDateTime=stated)

        assert verdict_on(resource).outcome == "refused"
