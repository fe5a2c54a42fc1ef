"""Lists a page at a time: keyset pagination with a signed cursor and a Link to the next page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, and_, false, or_

from shared.http import fields
from shared.http.problems import invalid_query
from shared.http.schemas import Query
from shared.http.visit import caller, serving, visit

LARGEST_PAGE = 200
USUAL_PAGE = 50


class PageQuery(Query):
    """Which page is asked for."""

    limit = fields.Integer(min=1, max=LARGEST_PAGE, load_default=USUAL_PAGE, metadata={"description": "Rows of a page"})
    after = fields.String(max_length=2000, load_default=None, metadata={"description": "Cursor of an earlier answer"})


class Pages:
    """Cuts a select into pages in the order of some columns, which together are unique and never null."""

    def __init__(self, by: Sequence[ColumnElement[Any]], *, descending: bool = False):
        self._by = tuple(by)
        self._descending = descending

    def cut(self, select: Select[Any], limit: int, after: Sequence[Any] | None) -> Select[Any]:
        """Give one row more than the page holds, so that one can tell whether another page follows."""
        if after is not None:
            select = select.where(self._behind(after))
        order = [column.desc() if self._descending else column.asc() for column in self._by]
        return select.order_by(None).order_by(*order).limit(limit + 1)

    def _behind(self, after: Sequence[Any]) -> ColumnElement[bool]:
        """Compare column by column, for not every database compares rows of mixed types alike."""
        alternatives: list[ColumnElement[bool]] = [false()]
        for place, column in enumerate(self._by):
            equal = [before == value for before, value in zip(self._by[:place], after, strict=False)]
            beyond = column < after[place] if self._descending else column > after[place]
            alternatives.append(and_(*equal, beyond))
        return or_(*alternatives)

    def key_of(self, row: Mapping[Any, Any]) -> list[Any]:
        """Give the values by which a row is found again."""
        return [row[column] for column in self._by]


READERS: Mapping[str, Callable[[str], Any]] = {
    "moment": datetime.fromisoformat,
    "day": date.fromisoformat,
    "id": UUID,
    "text": str,
    "number": int,
}


def _noted(value: Any) -> tuple[str, str]:
    """Write a value with its kind; the order matters, for a moment is a day too."""
    match value:
        case datetime():
            return "moment", value.isoformat()
        case date():
            return "day", value.isoformat()
        case UUID():
            return "id", str(value)
        case int():
            return "number", str(value)
        case str():
            return "text", str(value)
        case _:
            raise TypeError(f"a list cannot be ordered by {type(value).__name__}")


def write_cursor(values: Sequence[Any], filters: Mapping[str, Any]) -> str:
    """Sign where the next page begins, for this caller, this list and these filters alone."""
    text = _signer().dumps([caller().id, _words(filters), [_noted(value) for value in values]])
    return text if isinstance(text, str) else text.decode("ascii")


def read_cursor(text: str, filters: Mapping[str, Any]) -> list[Any]:
    """Give what a cursor holds; 400 if it was altered, or made for another caller, list or filter."""
    try:
        subject, words, values = _signer().loads(text)
    except BadData as error:
        raise invalid_query({"after": ["Not a cursor of this list."]}) from error
    if (subject, words) != (caller().id, _words(filters)):
        raise invalid_query({"after": ["Not a cursor of this list."]})
    return [READERS[kind](value) for kind, value in values]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(serving().secret, salt=f"cursor {serving().name} {visit().action}")


def _words(filters: Mapping[str, Any]) -> list[list[str]]:
    return sorted([name, str(value)] for name, value in filters.items())


def address_of_next(cursor: str) -> str:
    """Give the present address with another cursor."""
    parameters = {**request.args.to_dict(), "after": cursor}
    return f"{request.script_root}{request.path}?{urlencode(parameters)}"
