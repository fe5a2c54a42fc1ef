"""Reading JSON bodies without forgiving anything."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

DEEPEST = 32
LONGEST_NUMBER = 400


class Malformed(ValueError):
    """The body is no JSON that everybody would read alike: 400."""


class Unfit(ValueError):
    """A text in the body holds what no text may hold: 422. `pointer` is a list of names and indexes."""

    def __init__(self, pointer: tuple[str | int, ...], detail: str):
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


def parse(body: bytes) -> Any:
    """Read UTF-8 JSON; numbers with a fraction or exponent become Decimal.

    Refuses what parsers read differently (RFC 8259 4, 6, 8.1): byte order marks, other encodings, names given twice,
    NaN, numbers beyond a double, deep nesting; and NUL or lone surrogates in texts, which no database keeps.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_fraction,
            parse_int=_whole,
        )
    except Malformed:
        raise
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed("The body is no valid JSON in UTF-8.") from error
    for pointer, found in _walk(value, ()):
        _check_text(pointer, found)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("The body gives a name twice.")
    return found


def _no_number(_text: str) -> NoReturn:
    raise Malformed("The body holds NaN or Infinity.")


def _whole(text: str) -> int | Decimal:
    if len(text) > LONGEST_NUMBER:
        raise Malformed("The body holds a number that is too long.")
    # int would turn -0 into 0; as a Decimal it keeps its sign and is refused where a whole number is asked for.
    return Decimal(text) if text == "-0" else int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER or not math.isfinite(float(text)):
        raise Malformed("The body holds a number that is too large.")
    return Decimal(text)


def _walk(value: Any, pointer: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if len(pointer) > DEEPEST:
        raise Malformed(f"The body is nested more than {DEEPEST} deep.")
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for name, below in value.items():
            yield pointer, name
            yield from _walk(below, (*pointer, name))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _walk(below, (*pointer, index))


def _check_text(pointer: tuple[str | int, ...], text: str) -> None:
    if "\x00" in text:
        raise Unfit(pointer, "Text must not hold NUL.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Unfit(pointer, "Text must not hold lone surrogates.")
