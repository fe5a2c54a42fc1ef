"""What is missing before a patient may exercise: every combination of conclusion, clearance, red flag and day."""

from datetime import date

import pytest

from events.terms import ClearanceOutcome, Intensity, Permission
from services.prescription.domain import WORDS, Missing, Moment, Permit, allowed_to_exercise, cap_of
from tests.prescription.given import CLEARED, CONCLUDED, TO_BE_CLEARED, TODAY, cleared, concluded, day

LIGHT, MODERATE, VIGOROUS = Intensity.LIGHT, Intensity.MODERATE, Intensity.VIGOROUS
NEEDED, HOLD = Permission.CLEARANCE_NEEDED, Permission.HOLD
LIMITED, NOT_CLEARED = ClearanceOutcome.CLEARED_WITH_LIMITS, ClearanceOutcome.NOT_CLEARED


def missing(permit: Permit, cap_needed: Intensity = LIGHT, today: date = TODAY) -> tuple[str, ...]:
    return tuple(str(one) for one in allowed_to_exercise(permit, today, cap_needed, permit.red_flag))


class TestWithoutAnyFact:
    def test_a_concluded_screening_is_missing(self):
        assert missing(Permit()) == ("concluded-screening",)

    def test_a_clearance_does_not_stand_for_a_screening(self):
        assert missing(Permit(None, cleared())) == ("concluded-screening",)

    def test_a_red_flag_asks_for_a_clearance_besides(self):
        assert missing(Permit(None, None, day(15))) == ("concluded-screening", "clearance-after-red-flag")


class TestAConclusionThatIsReady:
    @pytest.mark.parametrize(
        ("cap", "cap_needed", "expected"),
        [
            (MODERATE, LIGHT, ()),
            (MODERATE, MODERATE, ()),
            (MODERATE, VIGOROUS, ("intensity-within-cap",)),
            (LIGHT, MODERATE, ("intensity-within-cap",)),
            (VIGOROUS, VIGOROUS, ()),
            (Intensity.NONE, LIGHT, ("intensity-within-cap",)),
        ],
    )
    def test_allows_up_to_its_cap(self, cap: Intensity, cap_needed: Intensity, expected: tuple[str, ...]):
        assert missing(Permit(concluded(cap=cap)), cap_needed) == expected

    def test_allows_what_a_later_clearance_opens(self):
        permit = Permit(concluded(cap=MODERATE, on=10), cleared(cap=VIGOROUS, on=12))

        assert missing(permit, VIGOROUS) == ()

    def test_allows_no_more_than_an_earlier_clearance_that_still_stands(self):
        permit = Permit(concluded(cap=VIGOROUS, on=12), cleared(LIMITED, LIGHT, on=10))

        assert missing(permit, MODERATE) == ("intensity-within-cap",)

    def test_is_not_raised_by_an_earlier_clearance(self):
        permit = Permit(concluded(cap=MODERATE, on=12), cleared(cap=VIGOROUS, on=10))

        assert missing(permit, VIGOROUS) == ("intensity-within-cap",)

    def test_is_not_narrowed_by_an_expired_clearance(self):
        permit = Permit(concluded(cap=MODERATE), cleared(LIMITED, LIGHT, until=date(2026, 11, 22)))

        assert missing(permit, MODERATE) == ()

    def test_does_not_outweigh_a_physician_who_said_no(self):
        assert missing(Permit(concluded(on=14), cleared(NOT_CLEARED, on=12))) == ("positive-clearance",)


class TestAConclusionThatHolds:
    def test_is_not_lifted_by_a_clearance(self):
        assert missing(Permit(concluded(HOLD, Intensity.NONE), cleared())) == ("end-of-hold",)


class TestAConclusionThatNeedsClearance:
    @pytest.mark.parametrize(
        ("clearance", "expected"),
        [
            (None, ("clearance",)),
            (cleared(on=9), ("clearance",)),
            (cleared(on=12), ()),
            (cleared(NOT_CLEARED), ("positive-clearance",)),
            (cleared(LIMITED, Intensity.NONE), ("positive-clearance",)),
            (cleared(until=date(2026, 11, 22)), ("valid-clearance",)),
            (cleared(until=date(2026, 11, 23)), ()),
            (cleared(LIMITED, LIGHT), ("intensity-within-cap",)),
        ],
    )
    def test_is_lifted_by_a_later_valid_clearance_only(self, clearance, expected: tuple[str, ...]):
        assert missing(Permit(TO_BE_CLEARED.conclusion, clearance), MODERATE) == expected

    @pytest.mark.parametrize(("today", "expected"), [("2027-11-12", ()), ("2027-11-13", ("valid-clearance",))])
    def test_is_lifted_for_365_days_where_the_physician_named_no_day(self, today: str, expected: tuple[str, ...]):
        permit = Permit(TO_BE_CLEARED.conclusion, cleared(until=None))

        assert missing(permit, today=date.fromisoformat(today)) == expected


class TestARedFlag:
    @pytest.mark.parametrize("conclusion", [concluded(), concluded(NEEDED, Intensity.NONE)])
    def test_asks_for_a_clearance_decided_after_it(self, conclusion):
        assert missing(Permit(conclusion, None, day(15))) == ("clearance-after-red-flag",)
        assert missing(Permit(conclusion, cleared(on=12), day(15))) == ("clearance-after-red-flag",)
        assert missing(Permit(conclusion, cleared(on=16), day(15))) == ()

    def test_is_followed_by_a_clearance_of_the_same_moment_if_that_was_recorded_later(self):
        at_once = day(12).occurred_at
        earlier = Moment(at_once, at_once)

        assert missing(Permit(concluded(), cleared(on=12), earlier)) == ()
        assert missing(Permit(concluded(), cleared(on=12), day(12))) == ("clearance-after-red-flag",)

    def test_is_not_lifted_by_a_clearance_that_has_expired(self):
        permit = Permit(concluded(), cleared(on=16, until=date(2026, 11, 20)), day(15))

        assert missing(permit) == ("valid-clearance",)

    def test_is_past_once_a_screening_was_concluded_ready_after_the_clearance(self):
        permit = Permit(concluded(on=18), cleared(on=16, until=date(2026, 11, 17)), day(15))

        assert missing(permit) == ()

    def test_is_not_lifted_by_a_physician_who_says_no(self):
        assert missing(Permit(concluded(), cleared(NOT_CLEARED, on=16), day(15))) == ("positive-clearance",)

    def test_leaves_a_hold_standing(self):
        permit = Permit(concluded(HOLD, Intensity.NONE), None, day(15))

        assert missing(permit) == ("end-of-hold", "clearance-after-red-flag")


class TestTheCap:
    def test_is_the_physicians_where_clearance_was_needed(self):
        assert cap_of(Permit(TO_BE_CLEARED.conclusion, cleared(LIMITED, LIGHT)), TODAY) == "light"

    def test_is_none_without_conclusion_or_clearance(self):
        assert cap_of(Permit(), TODAY) == "none"
        assert cap_of(TO_BE_CLEARED, TODAY) == "none"


class TestTheBasis:
    def test_names_the_conclusion_and_the_clearance_that_stands(self):
        assert Permit(concluded(), cleared()).basis(TODAY) == (CONCLUDED, CLEARED)

    def test_leaves_out_a_clearance_that_has_expired(self):
        assert Permit(concluded(), cleared(until=date(2026, 11, 22))).basis(TODAY) == (CONCLUDED,)


class TestTheWords:
    def test_say_everything_that_can_be_missing(self):
        assert set(WORDS) == set(Missing)
