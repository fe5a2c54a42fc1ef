"""The bases of schemas: what comes in as a body or a query, and what goes out."""

from typing import Any

import marshmallow as ma
from msgspec import UNSET


class Strict(ma.Schema):
    """A command's body: unknown fields are refused; use the fields of `shared.http.fields`."""

    class Meta:
        unknown = ma.RAISE


class Query(ma.Schema):
    """Query parameters: unknown ones are refused, and each may be given once."""

    from_query = True

    class Meta:
        unknown = ma.RAISE


class View(ma.Schema):
    """An answer, written from an aggregate, a row or a dict; a sensitive value that is gone is left out."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read one attribute, bearing values that were erased."""
        value = super().get_attribute(obj, attr, default)
        return ma.missing if value is UNSET else value


class Nothing(Strict):
    """A command that needs no words: no body, or an empty object."""
