"""Every field of every event type: a value of its type is written and read back, anything else never gets in."""

import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.base import UNSET, Event
from events.catalogue import Unreadable
from events.terms import CareRole, Coded
from events.vocabulary import CATALOGUE

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
FACTS = [CATALOGUE.decode(name, (EXAMPLES / f"{name}.json").read_bytes()) for name in CATALOGUE.types()]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

WILD = st.one_of(
    st.sampled_from(
        [
            UNSET,
            None,
            True,
            b"bytes",
            {"a set"},
            (),
            [],
            {},
            object(),
            NOON.replace(tzinfo=None),
            NOON,
            date(2026, 11, 23),
            UUID(int=7),
            float("nan"),
            float("inf"),
            Decimal("NaN"),
            Decimal("0.5"),
            2**63,
            -(10**30),
            "\ud800",
            "with\0in",
            "words",
            CareRole.PHYSICIAN,
            Coded(display="one", code="\udfff"),
            Coded(display="one"),
            (Coded(display=7),),
            (Coded(display="one"), "two"),
            ("one", "t\0o"),
            (1, None, 2),
            (1, "2"),
        ]
    ),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
)


def fields_of(fact: Event) -> list[str]:
    """Name the fields that are stored."""
    return [field for field in fact.__struct_fields__ if field != "recorded_at"]


FIELDS = [(fact, field) for fact in FACTS for field in fields_of(fact)]


def fits(value: object, kind: object) -> bool:
    """Tell by Python's own typing whether a value is of a type, and could be kept anywhere."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return fits(value, parts[0])
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        each = parts[:1] * len(value) if isinstance(value, tuple) and parts[-1] is ... else parts
        return isinstance(value, tuple) and len(value) == len(each) and all(map(fits, value, each))
    if origin is dict:
        return isinstance(value, dict) and all(fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items())
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return type(value) is kind and all(fits(getattr(value, name), hints[name]) for name in kind.__struct_fields__)
    return isinstance(kind, type) and FITTING.get(kind, exactly(kind))(value)


def exactly(kind: type):
    return lambda value: isinstance(value, kind)


def is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


FITTING = {
    str: is_text,
    int: is_whole,
    float: lambda value: is_whole(value) or (isinstance(value, float) and abs(value) < float("inf")),
    Decimal: lambda value: is_whole(value) or (isinstance(value, Decimal) and value.is_finite()),
    datetime: lambda value: isinstance(value, datetime) and value.tzinfo is not None,
    date: lambda value: type(value) is date,
    types.NoneType: lambda value: value is None,
    msgspec.UnsetType: lambda value: value is UNSET,
}


def with_field(fact: Event, field: str, value: object) -> Event:
    """Build the fact as application code would by mistake: nothing is checked on construction."""
    return msgspec.structs.replace(fact, **{field: value})


class TestEveryField:
    @pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.__struct_config__.tag))
    def test_takes_what_it_has_and_nothing_that_is_no_value(self, fact: Event):
        kinds = typing.get_type_hints(type(fact), include_extras=True)
        assert all(fits(getattr(fact, field), kinds[field]) for field in fields_of(fact))

        for field in fields_of(fact):
            for wrong in (object(), b"bytes", {"a set"}, float("nan"), NOON.replace(tzinfo=None), 2**64):
                with pytest.raises(Unreadable):
                    CATALOGUE.encode(with_field(fact, field, wrong))

    @given(place=st.sampled_from(FIELDS), value=WILD)
    def test_takes_a_value_of_its_type_and_refuses_any_other(self, place: tuple[Event, str], value: object):
        fact, field = place
        kind = typing.get_type_hints(type(fact), include_extras=True)[field]
        changed = with_field(fact, field, value)

        try:
            body = CATALOGUE.encode(changed)
        except Unreadable:
            assert not fits(value, kind)
        else:
            assert fits(value, kind)
            assert CATALOGUE.decode(CATALOGUE.name_of(type(fact)), body) == changed
