"""The prescription service on a SQLite log of its own: its application, its inbox, and its HTTP side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.base import Actor, Event
from events.intake import ClearanceRecorded, PatientTeamMemberJoined, ScreeningConcluded
from events.monitoring import RedFlagRaised
from events.terms import CareRole, ClearanceOutcome, Intensity, Permission
from events.vocabulary import CATALOGUE
from services.prescription.application import Programs
from services.prescription.policies import policies
from services.prescription.service import SERVICE
from services.prescription.worklists import metadata
from shared.clock import ShiftedClock
from shared.eventlog import LogRecorder, migrate, open_log
from shared.messaging import Inbox
from tests.http.office import Office
from tests.prescription.given import (
    COACH,
    COORDINATOR,
    MONDAY,
    PATIENT,
    PHYSICIAN,
    PHYSIOLOGIST,
    PLAN,
    PROGRAM,
    SCREENING,
    TRAINER,
    happened,
)

TEAM = (PHYSICIAN, PHYSIOLOGIST, COORDINATOR, TRAINER, COACH)


def joined(member: Actor, **fields: Any) -> Event:
    """Intake's event of somebody who joins the patient's care team."""
    who = {"member_id": member.id, "role": CareRole(member.role)}
    return happened(PatientTeamMemberJoined, originator_id=PATIENT, **{**who, **fields})


def screening_concluded(
    permission: Permission = Permission.READY, cap: Intensity = Intensity.MODERATE, **fields: Any
) -> Event:
    """Intake's event of a concluded screening."""
    allows = {"permission": permission, "intensity_cap": cap, "rules_version": "2026-11-23"}
    return happened(ScreeningConcluded, **{"version": 7, "originator_id": SCREENING, **allows, **fields})


def clearance_recorded(
    outcome: ClearanceOutcome = ClearanceOutcome.CLEARED, cap: Intensity = Intensity.MODERATE, **fields: Any
) -> Event:
    """Intake's event of a physician's decision."""
    allows = {"referral_id": PLAN, "outcome": outcome, "intensity_cap": cap, "valid_until": None, "decided_by": "paula"}
    return happened(ClearanceRecorded, **{"version": 9, "originator_id": SCREENING, **allows, **fields})


def red_flag_raised(**fields: Any) -> Event:
    """Monitoring's event of a red flag in the patient's program."""
    return happened(
        RedFlagRaised,
        **{"version": 4, "originator_id": PLAN, "program_id": PROGRAM, "rules_version": "2026-11-23", **fields},
    )


@pytest.fixture
def clock() -> ShiftedClock:
    """A clock that stands at Monday morning until a test moves it."""
    return ShiftedClock(instant=MONDAY)


@pytest.fixture
def recorder(tmp_path: Path, clock: ShiftedClock) -> Iterator[LogRecorder]:
    """An empty log."""
    url = f"sqlite:///{tmp_path / 'prescription.sqlite'}"
    migrate(url, None, metadata)
    opened = open_log(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def programs(recorder: LogRecorder) -> Programs:
    """The application on an empty log."""
    return Programs(recorder, CATALOGUE)


@pytest.fixture
def inbox(programs: Programs, clock: ShiftedClock) -> Inbox:
    """What takes other services' events."""
    return Inbox(programs, CATALOGUE, policies, feeds={}, clock=clock)


@pytest.fixture
def office(programs: Programs, inbox: Inbox, clock: ShiftedClock, tmp_path: Path) -> Office:
    """The service over HTTP; five people look after the patient."""
    for member in TEAM:
        inbox.carry_out(joined(member))
    return Office(SERVICE, programs, clock, tmp_path / "keys")
