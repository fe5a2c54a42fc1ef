"""One parked event in lines, as an operator reads it; what it says about a patient only when asked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from events.base import Event
from events.catalogue import UnknownType, Unreadable
from events.envelope import CloudEvent, unwrap
from events.vocabulary import CATALOGUE
from services.cli.readable import minute

BASE_FIELDS = {field.name for field in msgspec.structs.fields(Event)} | {"type"}
SEALED = "sealed"
MOST_BEHIND = 20
KEPT_BACK = "(shown with --with-body)"


def described(service: str, row: RowMapping, behind: Sequence[RowMapping], with_body: bool) -> Iterator[str]:
    """Write it in lines; what identifies or describes a person, and what errors quote of it, only `with_body`."""
    event = unwrap(bytes(row["message"]))
    why, _, said = row["reason"].partition("\n")
    yield f"{event.type}{', a safety event: its delay may cost a life' if row['safety'] else ''}"
    yield f"event       {event.id}"
    yield f"from        {event.service}, position {event.position}, lane {row['lane']}"
    yield f"of          {_whose(event)}"
    yield f"happened    {_moment(event.time)}, recorded {_moment(event.recordedtime)}"
    yield f"caused by   {event.causationid}, correlation {event.correlationid}"
    yield f"parked      {_moment(row['parked_at'])} by {service}: {why}"
    if said:
        kind = said.split(":")[0]
        yield f"error       {said if with_body else f'{kind}: {KEPT_BACK}'}"
    if row["unended"]:
        yield f"            {row['unended']} tries of it, one after the other, ended with their process"
    yield "says"
    yield from (f"  {line}" for line in _says(event, with_body))
    yield f"behind it   {len(behind)} that came later"
    yield from (f"  {each['event_id']}  {each['event_type']}" for each in behind[:MOST_BEHIND])
    if len(behind) > MOST_BEHIND:
        yield f"  and {len(behind) - MOST_BEHIND} more"


def _whose(event: CloudEvent) -> str:
    patient = msgspec.json.decode(bytes(event.data)).get("patient_id")
    return f"patient {patient}" if patient else f"aggregate {event.partitionkey}, no patient's"


def _moment(moment: Any) -> str:
    return f"{minute(moment.isoformat())} UTC"


def _says(event: CloudEvent, with_body: bool) -> Iterator[str]:
    fields, kept_back = _fields(event)
    for name, value in fields.items():
        if name not in kept_back or with_body:
            yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
        else:
            yield f"{name}: {KEPT_BACK}"


def _fields(event: CloudEvent) -> tuple[Mapping[str, Any], Collection[str]]:
    """Give what it says of its own, and the names of what is sensitive; of an unknown type, as it is stored."""
    try:
        known = CATALOGUE.class_of(event.type)
        body = msgspec.to_builtins(CATALOGUE.decode(event.type, bytes(event.data)))
        sensitive: Collection[str] = CATALOGUE.sensitive_fields(CATALOGUE.name_of(known))
    except UnknownType:
        body, sensitive = msgspec.json.decode(bytes(event.data)), {SEALED}
    except Unreadable:
        # Nobody can tell which of its fields hold what.
        body = msgspec.json.decode(bytes(event.data))
        sensitive = body.keys()
    return {name: value for name, value in body.items() if name not in BASE_FIELDS}, sensitive
