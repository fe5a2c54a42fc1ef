"""Exact decimal arithmetic: half-up rounding, percentages, and numbers that are really numbers."""

from decimal import ROUND_HALF_UP, Decimal

from shared.clinical.refusals import MeasureRefused

Number = int | Decimal


def half_up(value: Number, places: int = 0) -> Decimal:
    """Round to `places` decimals, ties away from zero (Python's own round() takes the even neighbour)."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def percent(part: Number, whole: Number) -> Decimal:
    """`part` of `whole` in percent with one decimal; `whole` must not be zero."""
    return half_up(Decimal(part) * 100 / Decimal(whole), 1)


def require_number(value: object, what: str, low: Number, high: Number) -> Decimal:
    """The value as a Decimal, or MeasureRefused unless it is an int or Decimal in `low`..`high` (inclusive)."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise MeasureRefused(f"{what} must be a number")
    if not low <= value <= high:
        raise MeasureRefused(f"{what} must be from {low} to {high}")
    return Decimal(value)


def require_whole(value: object, what: str, low: int, high: int) -> int:
    """The value itself, or MeasureRefused unless it is a whole number in `low`..`high` (inclusive)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise MeasureRefused(f"{what} must be a whole number")
    require_number(value, what, low, high)
    return value
