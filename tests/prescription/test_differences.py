"""Field-by-field differences, against examples that were typed in."""

from msgspec.structs import replace

from services.prescription.domain import differences
from tests.prescription.given import WALK, YOGA

NO_GOALS: tuple[str, ...] = ()


def compared(before, after, goals_before=NO_GOALS, goals_after=NO_GOALS) -> list[tuple[str, str | None, str | None]]:
    return [
        (change.path, change.before, change.after) for change in differences(before, after, goals_before, goals_after)
    ]


class TestDifferences:
    def test_are_none_between_equal_revisions(self):
        assert compared([WALK, YOGA], [WALK, YOGA], ("Sleep.",), ("Sleep.",)) == []

    def test_name_each_changed_field_with_before_and_after(self):
        longer = replace(WALK, minutes=30, heart_rate=None, rpe=(11, 12))

        assert compared([WALK], [longer]) == [
            ("components.0.minutes", "20", "30"),
            ("components.0.heart_rate", "111-135", None),
            ("components.0.rpe", "12-13", "11-12"),
        ]

    def test_list_every_field_of_an_added_component(self):
        assert compared([WALK], [WALK, YOGA]) == [
            ("components.1.activity", None, "02150"),
            ("components.1.name", None, "yoga, Hatha"),
            ("components.1.met", None, "2.5"),
            ("components.1.intensity", None, "light"),
            ("components.1.minutes", None, "30"),
            ("components.1.times_per_week", None, "2"),
            ("components.1.rpe", None, "9-11"),
            ("components.1.instructions", None, "Near an open window."),
        ]

    def test_list_every_field_of_a_removed_component(self):
        assert compared([WALK, YOGA], [WALK])[0] == ("components.1.activity", "02150", None)
        assert len(compared([WALK, YOGA], [WALK])) == 8

    def test_compare_goals_by_place(self):
        assert compared([WALK], [WALK], ("Sleep.", "Lake."), ("Sleep.", "Sea.", "Dance.")) == [
            ("goals.1", "Lake.", "Sea."),
            ("goals.2", None, "Dance."),
        ]

    def test_stand_in_the_order_of_the_program_even_beyond_ten(self):
        many = [replace(WALK, minutes=20 + number) for number in range(11)]
        changed = [replace(part, times_per_week=4) for part in many]

        assert [path for path, _, _ in compared(many, changed)] == [
            *(f"components.{number}.times_per_week" for number in range(11))
        ]
