"""Between events and their stored bodies, through the catalogue."""

from __future__ import annotations

from uuid import UUID

import msgspec
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from events.base import Event, lane_of
from events.catalogue import Catalogue
from shared.eventlog.commit import LoggedEvent, PlacedEvent


class CatalogueMapper(Mapper[UUID]):
    """Writes public type names and validated bodies; no Python path is ever stored."""

    def __init__(self, catalogue: Catalogue):
        super().__init__(transcoder=JSONTranscoder())
        self._catalogue = catalogue

    def to_stored_event(self, domain_event: Event) -> PlacedEvent:  # type: ignore[override]
        """Encode an event; Unreadable if it could not be read again."""
        return PlacedEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=self._catalogue.name_of(type(domain_event)),
            state=self._catalogue.encode(domain_event),
            lane=lane_of(domain_event.patient_id or domain_event.originator_id),
            patient_id=domain_event.patient_id,
        )

    def to_domain_event(self, stored_event: StoredEvent | LoggedEvent) -> Event:
        """Decode an event of any known version; its recorded time comes from the log."""
        event = self._catalogue.decode(stored_event.topic, stored_event.state)
        if isinstance(stored_event, LoggedEvent):
            msgspec.structs.force_setattr(event, "recorded_at", stored_event.recorded_at)
        return event
