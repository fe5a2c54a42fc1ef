"""What prescription's facts change in the record: each program with its revisions."""

from __future__ import annotations

from events import prescription
from events.base import Event
from services.history.domain.record import Entry, Fold, PatientRecord, after, id_of, noted, own_fields, time_of

OF_A_REVISION = ("revision", "reason", "triggered_by", "basis")


@after(prescription.ProgramDrafted)
def _drafted(record: PatientRecord, event: Event) -> None:
    first = {"revision": 1, "changes": [], **_written(event)}
    drafted = {"id": id_of(event), "status": "draft", "revision": 1, **own_fields(event)}
    record.programs[id_of(event)] = {**drafted, "revisions": [first]}


@after(prescription.ProgramRevised)
def _revised(record: PatientRecord, event: Event) -> None:
    program, now = record.programs[id_of(event)], own_fields(event)
    program.update({name: now[name] for name in ("revision", "components", "goals") if name in now})
    said = {name: now[name] for name in OF_A_REVISION if name in now}
    program["revisions"].append({**said, "changes": now.get("changes", []), **_written(event)})


def _written(event: Event) -> Entry:
    return {"author": event.actor.id, "at": time_of(event), "event_id": event.event_id}


def _program_is(status: str) -> Fold:
    def fold(record: PatientRecord, event: Event) -> None:
        record.programs[id_of(event)].update({"status": status, status: noted(event)})

    return fold


for _event_class, _name in {
    prescription.ProgramPaused: "paused",
    prescription.ProgramResumed: "active",
    prescription.ProgramCompleted: "completed",
    prescription.ProgramDiscontinued: "discontinued",
}.items():
    after(_event_class)(_program_is(_name))


@after(prescription.ProgramActivated)
def _activated(record: PatientRecord, event: prescription.ProgramActivated) -> None:
    _program_is("active")(record, event)
    record.programs[id_of(event)]["starts_on"] = event.starts_on.isoformat()
