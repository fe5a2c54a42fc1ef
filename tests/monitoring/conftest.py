"""The monitoring service on a SQLite log of its own: its application, its inbox, and its HTTP side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from events.base import Actor, Event
from events.intake import PatientRegistered, PatientTeamMemberJoined, QuestionnaireAnswered
from events.prescription import ProgramActivated
from events.terms import CareRole, QuestionnaireResult
from events.vocabulary import CATALOGUE
from services.monitoring.application import Monitoring
from services.monitoring.policies import policies
from services.monitoring.service import SERVICE
from services.monitoring.worklists import metadata
from shared.clock import ShiftedClock
from shared.eventlog import LogRecorder, migrate, open_log
from shared.messaging import Inbox
from tests.http.office import Office
from tests.monitoring.given import (
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSIOLOGIST,
    PROGRAM,
    SATURDAY,
    START,
    happened,
)

SCREENING = UUID("9d5d2c11-53a5-4b6e-8e8e-1c7f6a9b3d04")


def joined(member: Actor, **fields: Any) -> Event:
    """Intake's event of somebody who joins the patient's care team."""
    who = {"member_id": member.id, "role": CareRole(member.role)}
    return happened(PatientTeamMemberJoined, originator_id=PATIENT, **{**who, **fields})


def registered(**fields: Any) -> Event:
    """Intake's event of the patient's registration."""
    lives = {"time_zone": "America/Denver", "language": "en-US"}
    return happened(PatientRegistered, originator_id=PATIENT, **{**lives, **fields})


def screened(total: int | None, version: int = 3, instrument: str = "PHQ9", **fields: Any) -> Event:
    """Intake's event of a questionnaire in a screening, as far as monitoring reads it."""
    result = QuestionnaireResult(instrument=instrument, answers=(), rules_version="2026-11-23", total=total)
    return happened(
        QuestionnaireAnswered,
        version,
        **{"originator_id": SCREENING, "instrument": instrument, "result": result, **fields},
    )


def activated(version: int = 3, **fields: Any) -> Event:
    """Prescription's event of the program's activation."""
    asks = {"revision": 1, "starts_on": START, "basis": (), "sessions_per_week": 3, "minutes_per_week": 90}
    return happened(ProgramActivated, version, **{"originator_id": PROGRAM, **asks, **fields})


@pytest.fixture
def clock() -> ShiftedClock:
    """A clock that stands at Saturday morning, five days into the program, until a test moves it."""
    return ShiftedClock(instant=SATURDAY)


@pytest.fixture
def recorder(tmp_path: Path, clock: ShiftedClock) -> Iterator[LogRecorder]:
    """An empty log."""
    url = f"sqlite:///{tmp_path / 'monitoring.sqlite'}"
    migrate(url, None, metadata)
    opened = open_log(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def monitoring(recorder: LogRecorder) -> Monitoring:
    """The application on an empty log."""
    return Monitoring(recorder, CATALOGUE)


@pytest.fixture
def inbox(monitoring: Monitoring, clock: ShiftedClock) -> Inbox:
    """What takes other services' events."""
    return Inbox(monitoring, CATALOGUE, policies, feeds={}, clock=clock)


@pytest.fixture
def running(inbox: Inbox) -> Inbox:
    """The inbox after the patient's way to a running program: PHQ-9 of 9 and GAD-7 of 6 at the screening."""
    for event in (registered(), joined(COORDINATOR), joined(PHYSIOLOGIST), screened(9), screened(6, 4, "GAD7")):
        inbox.carry_out(event)
    inbox.carry_out(activated(occurred_at=MONDAY))
    return inbox


class Clinic(Office):
    """The service's HTTP side; a caller in the role of a patient is one."""

    def bearer(self, caller: Actor, also: tuple[str, ...] = (), patient_id: UUID | None = None) -> dict[str, str]:
        """Give the header that says who calls: pat is the patient, and every other patient another one."""
        patient = PATIENT if caller.id == "pat" else uuid4() if caller.role == "patient" else None
        return super().bearer(caller, also, patient)


@pytest.fixture
def clinic(monitoring: Monitoring, running: Inbox, clock: ShiftedClock, tmp_path: Path) -> Clinic:
    """The service over HTTP, while a program runs; Kim and Erin look after the patient."""
    return Clinic(SERVICE, monitoring, clock, tmp_path / "keys")
