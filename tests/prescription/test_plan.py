"""From what a clinician asks for to components: bounds from the clinical rules, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from events.terms import Intensity
from services.prescription.domain import HeartRateFrom, PlanRefused, Wanted, cap_needed_by, planned
from tests.prescription.given import JOGGING, WALK, YOGA

AGE_30_REST_60 = HeartRateFrom(age=30, resting=60)


def wanted(**changes: Any) -> Wanted:
    asked = {"activity": "17200", "intensity": Intensity.MODERATE, "minutes": 30, "times_per_week": 5}
    return Wanted(**{**asked, **changes})


class TestAComponent:
    def test_takes_name_and_met_from_the_catalogue(self):
        (component,) = planned([wanted()], None)

        assert (component.activity, component.name, component.met) == ("17200", "brisk walk 3.5 mph", Decimal("4.3"))

    def test_is_found_by_our_own_id_where_no_code_is_its_own(self):
        (component,) = planned([wanted(activity="resistance-bands")], None)

        assert (component.activity, component.name) == ("02054", "resistance bands")

    # clinical-rules.md, worked example 36: Karvonen on Tanaka, age 30, rest 60
    @pytest.mark.parametrize(
        ("intensity", "heart_rate", "rpe"),
        [(Intensity.MODERATE, (111, 135), (12, 13)), (Intensity.VIGOROUS, (136, 173), (14, 17))],
    )
    def test_gets_heart_rate_and_rpe_bounds_of_its_band(self, intensity: Intensity, heart_rate: Any, rpe: Any):
        (component,) = planned([wanted(intensity=intensity)], AGE_30_REST_60)

        assert (component.heart_rate, component.rpe) == (heart_rate, rpe)

    def test_gets_rpe_bounds_alone_without_a_resting_heart_rate(self):
        (component,) = planned([wanted(intensity=Intensity.LIGHT)], None)

        assert (component.heart_rate, component.rpe) == (None, (9, 11))

    def test_keeps_the_clinicians_rpe_in_place_of_a_heart_rate(self):
        (component,) = planned([wanted(rpe=(11, 12))], AGE_30_REST_60)

        assert (component.heart_rate, component.rpe) == (None, (11, 12))


class TestAPlan:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"activity": "99999"}, "no activity of that code"),
            ({"intensity": Intensity.NONE}, "light, moderate or vigorous"),
            ({"minutes": 0}, "from 1 to 240 minutes"),
            ({"minutes": 241}, "from 1 to 240 minutes"),
            ({"times_per_week": 0}, "at least one day is for rest"),
            ({"times_per_week": 7}, "at least one day is for rest"),
            ({"rpe": (12, 14)}, "RPE bounds of moderate intensity run from 6 at least to 13"),
            ({"rpe": (13, 12)}, "RPE bounds"),
            ({"rpe": (5, 12)}, "RPE bounds"),
            ({"minutes": 201, "times_per_week": 6}, "More than 1200 minutes a week"),
        ],
    )
    def test_is_refused_with_what_to_change(self, changes: dict[str, Any], reason: str):
        with pytest.raises(PlanRefused, match=reason):
            planned([wanted(**changes)], None)

    @pytest.mark.parametrize("changes", [{"minutes": 200, "times_per_week": 6}, {"minutes": 1, "times_per_week": 1}])
    def test_may_go_to_its_limits(self, changes: dict[str, Any]):
        assert len(planned([wanted(**changes)], None)) == 1

    def test_needs_a_component(self):
        with pytest.raises(PlanRefused, match="at least one component"):
            planned([], None)

    @pytest.mark.parametrize(("age", "resting"), [(17, 60), (30, 34), (30, 121)])
    def test_gets_no_heart_rate_from_figures_outside_the_rule(self, age: int, resting: int):
        with pytest.raises(PlanRefused, match="No heart-rate bounds"):
            planned([wanted()], HeartRateFrom(age=age, resting=resting))


class TestTheCapNeeded:
    def test_is_that_of_the_hardest_component(self):
        assert cap_needed_by([YOGA]) == "light"
        assert cap_needed_by([YOGA, WALK]) == "moderate"
        assert cap_needed_by([YOGA, JOGGING, WALK]) == "vigorous"

    def test_is_vigorous_from_six_met_on_however_it_is_meant_to_feel(self):
        jogging, swimming = planned(
            [wanted(activity="12020", intensity=Intensity.LIGHT), wanted(activity="18240", intensity=Intensity.LIGHT)],
            None,
        )

        assert cap_needed_by([jogging]) == "vigorous"
        assert cap_needed_by([swimming]) == "light"
