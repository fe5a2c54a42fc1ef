"""Freeze the logs of this version: `python -m tests.eventlog.frozen`, before a change of schema or vocabulary ships.

For each service it writes a SQLite log that holds the examples of its event types, as SQL, and beside it what this
version reads there.
"""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import msgspec

from events.base import lane_of
from events.vocabulary import CATALOGUE
from services.suite import SERVICES
from shared.eventlog import Commit, LogRecorder, migrate, open_log
from shared.eventlog.commit import PlacedEvent

FROZEN = Path(__file__).parent
EXAMPLES = Path(__file__).parents[3] / "events" / "examples"
RECORDED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def examples_of(service: str) -> list[PlacedEvent]:
    """Give a service's examples as its log would hold them: compact, each aggregate's in order of versions."""
    bodies = [json.loads(path.read_bytes()) for path in EXAMPLES.glob(f"caretrail.{service}.*.json")]
    bodies.sort(key=lambda body: (body["originator_version"], body["originator_id"], body["type"]))
    return [_placed(body) for body in bodies]


def _placed(body: dict[str, Any]) -> PlacedEvent:
    aggregate = UUID(body["originator_id"])
    patient = UUID(body["patient_id"]) if body["patient_id"] else None
    state = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    lane = lane_of(patient or aggregate)
    return PlacedEvent(aggregate, body["originator_version"], body["type"], state, lane, patient)


def seen(recorder: LogRecorder) -> list[dict[str, Any]]:
    """Say what this version reads in a log: each event's place, the hash of its bytes, and the fact."""
    return [
        {
            "position": event.position,
            "type": event.topic,
            "sha256": sha256(event.state).hexdigest(),
            "fact": json.loads(msgspec.json.encode(CATALOGUE.decode(event.topic, event.state))),
        }
        for event in recorder.read(limit=10_000)
    ]


def freeze(folder: Path) -> None:
    """Write every service's log and what is read there."""
    folder.mkdir()
    facts = {}
    for service in SERVICES:
        with TemporaryDirectory() as place:
            url = f"sqlite:///{place}/log.sqlite"
            migrate(url, None, service.worklists)
            recorder = open_log(url, lambda: RECORDED)
            for example in examples_of(service.name):
                recorder.write(Commit([example]))
            facts[service.name] = seen(recorder)
            recorder.close()
            with closing(sqlite3.connect(f"{place}/log.sqlite")) as file:
                (folder / f"{service.name}.sql").write_text("\n".join(file.iterdump()) + "\n", "utf-8")
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    freeze(FROZEN / f"{datetime.now(UTC):%Y-%m-%d}")
