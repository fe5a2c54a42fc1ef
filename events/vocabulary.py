"""The whole vocabulary of this version: every event class and every upcaster, in one catalogue."""

from events import history, intake, monitoring, prescription, referral  # noqa: F401 their classes register by being defined
from events.base import Event
from events.catalogue import Catalogue, Upcaster, concrete

UPCASTERS: dict[str, tuple[str, Upcaster]] = {}
"""Older type name -> (next version's name, function from its body to the next version's)."""

CATALOGUE = Catalogue(
    (cls for cls in concrete(Event) if cls.__module__.startswith("events.")),
    UPCASTERS,
)
