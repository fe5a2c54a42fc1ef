"""What a revision changed, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from events.prescription import Component, FieldChange


def differences(
    before: Sequence[Component], after: Sequence[Component], goals_before: Sequence[str], goals_after: Sequence[str]
) -> tuple[FieldChange, ...]:
    """Compare two revisions by place: `components.0.minutes` 20 -> 30; None where a field was not there or is gone."""
    return (
        *_changed(_placed(map(_fields_of, before)), _placed(map(_fields_of, after))),
        *_changed(dict(_goals(goals_before)), dict(_goals(goals_after))),
    )


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for path in sorted({**before, **after}, key=_place):
        if before.get(path) != after.get(path):
            yield FieldChange(path=path, before=before.get(path), after=after.get(path))


def _place(path: str) -> tuple[int, int]:
    """Sort as a program is read: part by part, its fields in their own order."""
    _, number, *field = path.split(".")
    return int(number), Component.__struct_fields__.index(field[0]) if field else 0


def _placed(parts: Iterator[Mapping[str, str]]) -> dict[str, str]:
    return {
        f"components.{number}.{field}": text for number, fields in enumerate(parts) for field, text in fields.items()
    }


def _goals(goals: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((f"goals.{number}", goal) for number, goal in enumerate(goals))


def _fields_of(component: Component) -> dict[str, str]:
    values = ((field, getattr(component, field)) for field in component.__struct_fields__)
    return {field: _text(value) for field, value in values if value not in (None, "")}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
