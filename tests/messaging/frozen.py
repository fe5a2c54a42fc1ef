"""Frozen examples of facts as another service's log would send them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from events.envelope import CloudEvent, wrap
from events.vocabulary import CATALOGUE
from tests.contracts.test_examples import EXAMPLES

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EPOCH = UUID("0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e")


def example(type_name: str, position: int, previous: int = 0) -> CloudEvent:
    """Give the example of a type at a position in its service's log."""
    body = (EXAMPLES / f"{type_name}.json").read_bytes()
    fact = CATALOGUE.decode(type_name, body)
    return wrap(
        type_name.split(".")[1],
        EPOCH,
        originator_id=fact.originator_id,
        originator_version=fact.originator_version,
        topic=type_name,
        state=body,
        partition=fact.patient_id or fact.originator_id,
        position=position,
        previous=previous,
        recorded_at=NOW,
    )
