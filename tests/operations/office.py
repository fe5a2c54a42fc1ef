"""Four services in this process whose clock stands on 2026-11-23: intake, and three that listen to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from kombu.transport import memory
from prometheus_client.parser import text_string_to_metric_families

from events.base import lane_of
from events.vocabulary import CATALOGUE
from services.suite import entering, mounted, service_named
from shared import metrics
from shared.clock import FileClock
from shared.eventlog import Commit
from shared.eventlog.commit import PlacedEvent
from shared.messaging import Supervisor
from shared.service import RunningService, prepare, verifier
from shared.settings import Settings
from tests.intake.given import a_context, an_identity

UPSTREAMS: dict[str, tuple[str, ...]] = {
    "intake": (),
    "referral": ("intake",),
    "history": ("intake",),
    "monitoring": ("intake",),
}
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def scraped(name: str, **labels: str) -> float:
    """Sum up a figure of this process over all samples with these labels; KeyError if there is none."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    samples = [s for family in families for s in family.samples if s.name == name]
    found = [s.value for s in samples if labels.items() <= s.labels.items()]
    if not found:
        raise KeyError(f"{name} {labels}")
    return sum(found)


class Office:
    """Intake and three that listen to it, who works there, and what happens."""

    def __init__(self, settings: Settings, clock_file: Path):
        self._clock_file = clock_file
        clock = FileClock(clock_file)
        self.root = mounted({})
        self.services = {}
        for name, upstreams in UPSTREAMS.items():
            service = replace(service_named(name), upstreams=upstreams, connect=None)
            prepare(service, settings)
            self.services[name] = RunningService(service, settings, CATALOGUE, clock, self.client)
        self.root.mounts["/intake"] = self.services["intake"].web(verifier(settings, clock))
        self._working: dict[str, Supervisor] = {}

    def client(self, name: str) -> httpx.Client:
        """Reach a service."""
        return entering(self.root, name)

    def works(self, *names: str) -> None:
        """Start the loops of services."""
        for name in names:
            self._working[name] = Supervisor(give_up=lambda: None)
            self.services[name].work(self._working[name])

    def rests(self, name: str) -> None:
        """Stop the loops of a service; what it counted stays."""
        assert self._working.pop(name).stop() == []

    def supervisor_of(self, name: str) -> Supervisor:
        """Give who watches over a service's loops."""
        return self._working[name]

    def later(self, now: datetime) -> None:
        """Move the clock."""
        self._clock_file.write_text(now.isoformat(), "ascii")

    def registers(self) -> UUID:
        """Register a patient at intake."""
        patient = self.services["intake"].application.register(a_context(now=NINE), an_identity())
        return patient.id

    def knows_more(self, patient: UUID) -> None:
        """Let intake's log hold what only a newer version of the others could read."""
        recorder = self.services["intake"].recorder
        known = recorder.read()[-1]
        newer = PlacedEvent(
            originator_id=uuid4(),
            originator_version=1,
            topic="caretrail.intake.hologram-taken.v1",
            state=known.state,
            lane=lane_of(patient),
            patient_id=patient,
        )
        recorder.insert_events([newer], commit=Commit())

    def close(self) -> None:
        """Stop everything."""
        for name in list(self._working):
            self.rests(name)
        for service in self.services.values():
            service.close()


@contextmanager
def an_office(folder: Path) -> Iterator[Office]:
    """Open the office in a folder, at nine, with nobody at work."""
    memory.Transport.global_state.clear()
    memory.Channel.queues.clear()
    clock_file = folder / "clock"
    clock_file.write_text(NINE.isoformat(), "ascii")
    settings = Settings.from_environ({"CARETRAIL_HOME": str(folder), "CARETRAIL_CLOCK_FILE": str(clock_file)})
    office = Office(settings, clock_file)
    try:
        yield office
    finally:
        office.close()
