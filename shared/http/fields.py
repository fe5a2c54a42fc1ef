"""Fields of commands and answers: marshmallow's, without the kindness that turns one value into another.

In a body a number is a JSON number, a flag is true or false, a time has a zone. In a query (schema class `Query`)
the same fields read their usual text form.
"""

import re
import unicodedata
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal as Number
from enum import StrEnum
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from marshmallow.fields import Constant, Dict, Field, Function, Method, Nested

__all__ = [
    "UUID",
    "Boolean",
    "Constant",
    "Date",
    "DateTime",
    "Decimal",
    "Dict",
    "Enum",
    "Field",
    "Float",
    "Function",
    "Integer",
    "List",
    "Method",
    "Nested",
    "String",
]

EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)
LARGEST_WHOLE = 2**53 - 1
MOST_COMBINING = 4
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
JOINERS = frozenset("\u200c\u200d")
WHOLE_TEXT = re.compile(r"-?[0-9]{1,16}")
DATE_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
ID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _from_query(field: Field[Any]) -> bool:
    return bool(getattr(field.root, "from_query", False))


def _text(field: Field[Any], value: object, form: re.Pattern[str]) -> str:
    if not (isinstance(value, str) and form.fullmatch(value)):
        raise field.make_error("invalid")
    return value


class String(fields.String):
    """A text of 1 to `max_length` characters, stored in NFC; with `lines` it may have line breaks and tabs."""

    default_error_messages = {  # noqa: RUF012
        "characters": "Holds characters that are not allowed in this text.",
        "blank": "Must not be blank.",
    }

    def __init__(self, *, max_length: int = 200, min_length: int = 1, lines: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self._lines = lines
        self._may_be_blank = min_length == 0
        self.validators.insert(0, validate.Length(min=min_length, max=max_length))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        text = unicodedata.normalize("NFC", value)
        if not _is_plain(text, self._lines):
            raise self.make_error("characters")
        if not (text.strip() or self._may_be_blank):
            raise self.make_error("blank")
        return text


def _is_plain(text: str, lines: bool) -> bool:
    """Tell whether every character prints where it stands: no controls, no invisible or reordering ones."""
    combining = 0
    for character in text:
        category = unicodedata.category(character)
        combining = combining + 1 if category in ("Mn", "Me") else 0
        allowed = category not in UNSEEN or character in JOINERS or (lines and character in "\n\t")
        if not allowed or combining > MOST_COMBINING:
            return False
    return True


class Integer(fields.Integer):
    """A whole number from `min` to `max`, by default any that every JSON reader keeps exactly."""

    def __init__(self, *, min: int = -LARGEST_WHOLE, max: int = LARGEST_WHOLE, **kwargs: Any):
        super().__init__(**kwargs)
        self.validators.insert(0, validate.Range(min=min, max=max))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if _from_query(self):
            return int(_text(self, value, WHOLE_TEXT))
        # 7.0 is a whole number to JSON Schema and to many writers of JSON; minus zero is nobody's.
        if type(value) is Number and abs(value) <= LARGEST_WHOLE and value == int(value) and not value.is_signed():
            return int(value)
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Decimal(fields.Decimal):
    """A number from `min` to `max` with at most `decimals` decimal places; written as a JSON number."""

    default_error_messages = {"decimals": "Has too many decimal places."}  # noqa: RUF012

    def __init__(self, *, min: Any = -(10**12), max: Any = 10**12, decimals: int = 6, **kwargs: Any):
        super().__init__(**kwargs)
        self._decimals = decimals
        self.validators.insert(0, validate.Range(min=Number(str(min)), max=Number(str(max))))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Number:
        if type(value) not in (int, Number) or (value == 0 and Number(value).is_signed()):
            raise self.make_error("invalid")
        number = Number(value)
        if -int(number.as_tuple().exponent) > self._decimals:
            raise self.make_error("decimals")
        return number

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return int(value) if value == int(value) else float(value)


class Float(Decimal):
    """A number that need not be exact."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return float(super()._deserialize(value, attr, data, **kwargs))


class Boolean(fields.Boolean):
    """true or false."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if _from_query(self) and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Date(fields.Date):
    """A day as YYYY-MM-DD, from 1900 to 2200."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "Not a valid date (YYYY-MM-DD).",
        "range": "Must lie between 1900 and 2200.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        text = _text(self, value, DATE_TEXT)
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise self.make_error("invalid") from error
        if not EARLIEST <= day <= LATEST:
            raise self.make_error("range")
        return day


class DateTime(fields.AwareDateTime):
    """A moment with its zone (RFC 3339), from 1900 to 2200; kept and written in UTC."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "Not a valid moment with zone (RFC 3339).",
        "range": "Must lie between 1900 and 2200.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        text = _text(self, value, TIME_TEXT)
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error
        if not EARLIEST <= moment.date() <= LATEST:
            raise self.make_error("range")
        return moment

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class UUID(fields.UUID):
    """An id in its one canonical form: lower case, with hyphens."""

    default_error_messages = {"invalid": "Not a valid UUID in lower case."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> uuid.UUID:
        return uuid.UUID(_text(self, value, ID_TEXT))


class Enum(fields.Enum[Any]):
    """One word of a StrEnum, by value."""

    def __init__(self, enum: type[StrEnum], **kwargs: Any):
        super().__init__(enum, by_value=True, **kwargs)
        self.metadata = {"type": "string", **self.metadata}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("unknown", choices=self.choices_text)
        return super()._deserialize(value, attr, data, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        # A row of a text column holds the word itself.
        return super()._serialize(None if value is None else self.enum(value), attr, obj, **kwargs)


class List(fields.List[Any]):
    """At most `max_length` things of one kind (and at least `min_length`); read as a tuple, as events hold them."""

    def __init__(
        self, inner: Field[Any] | type[Field[Any]], *, max_length: int = 200, min_length: int = 0, **kwargs: Any
    ):
        super().__init__(inner, **kwargs)
        self._longest = max_length
        self.validators.insert(0, validate.Length(min=min_length, max=max_length))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        # Checked before the items are looked at: ten thousand wrong items are one error, not ten thousand.
        if isinstance(value, list) and len(value) > self._longest:
            raise ma.ValidationError(f"Longer than maximum length {self._longest}.")
        return tuple(super()._deserialize(value, attr, data, **kwargs))
