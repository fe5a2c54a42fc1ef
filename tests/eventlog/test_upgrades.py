"""Logs of older versions: brought up to date, read, replayed and gone on with; their bytes stay as they were."""

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.base import Event
from events.vocabulary import CATALOGUE
from services.suite import SERVICES
from shared.eventlog import Application, LogRecorder, differences, migrate, open_log, rebuild
from shared.service import Service
from tests.eventlog.frozen.__main__ import EXAMPLES, FROZEN

VERSIONS = sorted(folder for folder in FROZEN.iterdir() if (folder / "facts.json").exists())
LOGS = [
    pytest.param(folder, service, id=f"{folder.name}-{service.name}")
    for folder in VERSIONS
    for service in SERVICES
    if (folder / f"{service.name}.sql").exists()
]
FRAME = set(Event.__struct_fields__) - {"recorded_at"}


def facts(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the version that froze a folder read in its logs."""
    return json.loads((folder / "facts.json").read_bytes())


@pytest.fixture
def thawed(folder: Path, service: Service, tmp_path: Path):
    """A log of an older version, brought up to date by this one; and the service on it."""
    file = tmp_path / "log.sqlite"
    with closing(sqlite3.connect(file)) as log:
        log.executescript((folder / f"{service.name}.sql").read_text("utf-8"))
    url = f"sqlite:///{file}"
    rebuildable = {worklist.table.name for worklist in service.application.worklists}
    migrate(url, None, service.worklists, rebuildable=rebuildable)
    application = service.application(open_log(url), CATALOGUE)
    yield application
    application.close()


def logged(recorder: LogRecorder) -> list[tuple[int, str, str]]:
    return [(e.position, e.topic, sha256(e.state).hexdigest()) for e in recorder.read(limit=10_000)]


@pytest.mark.parametrize(("folder", "service"), LOGS)
class TestAnOlderLog:
    def test_keeps_its_bytes_and_its_order(self, folder: Path, service: Service, thawed: Application):
        expected = [(each["position"], each["type"], each["sha256"]) for each in facts(folder)[service.name]]

        assert logged(thawed.recorder) == expected

    def test_says_what_it_said(self, folder: Path, service: Service, thawed: Application):
        for event, then in zip(thawed.recorder.read(limit=10_000), facts(folder)[service.name], strict=True):
            now = json.loads(msgspec.json.encode(thawed.mapper.to_domain_event(event)))
            # What has become another version may say it otherwise; whose it is, when and why stays.
            comparable = then["fact"].keys() if now["type"] == then["type"] else FRAME
            assert {field: now.get(field) for field in comparable} == {f: then["fact"].get(f) for f in comparable}

    def test_is_replayed_into_worklists_and_gone_on_with(self, folder: Path, service: Service, thawed: Application):
        rebuild(thawed)

        histories = {event.originator_id for event in thawed.recorder.read(limit=10_000)}
        assert list(differences(thawed)) == []
        for id in histories:
            last = thawed.recorder.select_events(id, desc=True, limit=1)[0].originator_version
            assert thawed.at_version(id, last).version == last
        assert sum(thawed.recorder.heads().lanes) > 0


class TestAnExample:
    """`events/examples` is append-only: a type that has changed gets a new version, and a new example."""

    @pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
    def test_is_never_edited_nor_removed(self, folder: Path):
        frozen = {each["type"]: each["sha256"] for log in facts(folder).values() for each in log}

        now = {}
        for name in frozen:
            body = json.loads((EXAMPLES / f"{name}.json").read_bytes())
            compact = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
            now[name] = sha256(compact.encode()).hexdigest()

        assert now == frozen

    def test_of_every_service_was_frozen(self):
        assert {service.name for service in SERVICES} <= set(facts(VERSIONS[0]))
        assert len({each["type"] for log in facts(VERSIONS[0]).values() for each in log}) == 61
