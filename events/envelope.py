"""A recorded event as others receive it: a CloudEvent 1.0 whose data are the stored bytes, verbatim."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import msgspec

from events.base import Instant, event_id
from events.catalogue import Unreadable

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 20
HIGHEST = 2**63

_WORDS = re.compile(r"[0-9a-f-]{36}-[0-9]{1,19} [a-z0-9._-]{1,200} [0-9]{20} [0-9]{20}")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope's attributes; none holds more about a person than random ids.

    `source` is `urn:caretrail:<service>:<epoch>`, `sequence` the position in that log and `previous` the position
    before it in the same lane, both zero-padded so that text order is number order. `time` is when the fact was
    true, `recordedtime` when the log took it. `partitionkey` is the patient, or the aggregate where there is none.
    """

    id: str
    source: str
    type: str
    subject: str
    time: Instant
    recordedtime: Instant
    partitionkey: UUID
    sequence: str
    previous: str
    correlationid: str
    causationid: str
    data: msgspec.Raw
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

    @property
    def service(self) -> str:
        """Tell whose log it is from."""
        return self.source.split(":")[2]

    @property
    def epoch(self) -> UUID:
        """Tell which epoch of that log."""
        return UUID(self.source.split(":")[3])

    @property
    def position(self) -> int:
        """Give the position in the log as a number."""
        return int(self.sequence)

    @property
    def position_before(self) -> int:
        """Give the position before it in its lane as a number, 0 for the first."""
        return int(self.previous)


class _Stored(msgspec.Struct):
    occurred_at: Instant
    correlation_id: str
    causation_id: str


_stored = msgspec.json.Decoder(_Stored)
_envelope = msgspec.json.Decoder(CloudEvent)


def wrap(
    service: str,
    epoch: UUID,
    *,
    originator_id: UUID,
    originator_version: int,
    topic: str,
    state: bytes,
    partition: UUID,
    position: int,
    previous: int,
    recorded_at: datetime,
) -> CloudEvent:
    """Put a stored event into its envelope without touching its bytes."""
    stored = _stored.decode(state)
    return CloudEvent(
        id=event_id(originator_id, originator_version),
        source=f"urn:caretrail:{service}:{epoch}",
        type=topic,
        subject=str(originator_id),
        time=stored.occurred_at,
        recordedtime=recorded_at,
        partitionkey=partition,
        sequence=str(position).zfill(SEQUENCE_DIGITS),
        previous=str(previous).zfill(SEQUENCE_DIGITS),
        correlationid=stored.correlation_id,
        causationid=stored.causation_id,
        data=msgspec.Raw(state),
    )


def unwrap(message: bytes) -> CloudEvent:
    """Read an envelope that came from outside; Unreadable if it is not one of ours."""
    try:
        envelope = _envelope.decode(message)
        _ = (envelope.service, envelope.epoch)
        _must_be_ours(envelope)
    except (msgspec.DecodeError, ValueError, IndexError) as error:
        raise Unreadable(f"this is no CareTrail event: {error}") from error
    return envelope


def _must_be_ours(envelope: CloudEvent) -> None:
    """Refuse, with a ValueError, an id, type or place that no log of ours could have given or could keep."""
    if not _WORDS.fullmatch(f"{envelope.id} {envelope.type} {envelope.previous} {envelope.sequence}"):
        raise ValueError("its id, type, sequence or previous is not written as ours are")
    if not envelope.position_before < envelope.position < HIGHEST:
        raise ValueError("its sequence is not behind the one before it")
