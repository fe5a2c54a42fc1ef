"""How the clinical rules' refusals, and values that were erased, are met in intake's domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from events.base import UNSET
from shared.clinical import refusals
from shared.eventlog.aggregate import Refused


@contextmanager
def refusing_what_the_rules_refuse() -> Iterator[None]:
    """Turn a refusal of the clinical rules into one of the aggregate's."""
    try:
        yield
    except refusals.Refused as refusal:
        message = str(refusal)
        raise Refused(f"{message[:1].upper()}{message[1:]}.", code="refused-by-clinical-rules") from refusal


def known(value: Any, otherwise: Any = None) -> Any:
    """Give the value of a sensitive field, or `otherwise` once it has been erased."""
    return otherwise if value is UNSET else value
