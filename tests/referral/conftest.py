"""The referral service on a SQLite log of its own: its application, its inbox, and its HTTP side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.base import Actor, Event
from events.intake import PatientTeamMemberJoined
from events.terms import CareRole
from events.vocabulary import CATALOGUE
from services.referral.application import Referrals
from services.referral.policies import policies
from services.referral.service import SERVICE
from services.referral.worklists import metadata
from shared.clock import ShiftedClock
from shared.eventlog import LogRecorder, migrate, open_log
from shared.messaging import Inbox
from tests.http.office import Office
from tests.referral.given import COORDINATOR, MONDAY, PATIENT, REQUESTER, happened


@pytest.fixture
def clock() -> ShiftedClock:
    """A clock that stands at Monday morning."""
    return ShiftedClock(instant=MONDAY)


@pytest.fixture
def recorder(tmp_path: Path, clock: ShiftedClock) -> Iterator[LogRecorder]:
    """An empty log."""
    url = f"sqlite:///{tmp_path / 'referral.sqlite'}"
    migrate(url, None, metadata)
    opened = open_log(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def referrals(recorder: LogRecorder) -> Referrals:
    """The application on an empty log."""
    return Referrals(recorder, CATALOGUE)


@pytest.fixture
def inbox(referrals: Referrals, clock: ShiftedClock) -> Inbox:
    """What takes other services' events, and knows that Kim and Erin look after the patient."""
    inbox = Inbox(referrals, CATALOGUE, policies, feeds={}, clock=clock)
    for member in (COORDINATOR, REQUESTER):
        inbox.carry_out(joined(member))
    return inbox


def joined(member: Actor, **fields: Any) -> Event:
    """Intake's event of somebody who joins the patient's care team."""
    who = {"member_id": member.id, "role": CareRole(member.role)}
    return happened(PatientTeamMemberJoined, originator_id=PATIENT, **{**who, **fields})


@pytest.fixture
def office(referrals: Referrals, inbox: Inbox, clock: ShiftedClock, tmp_path: Path) -> Office:
    """The service over HTTP; Kim and Erin look after the patient."""
    return Office(SERVICE, referrals, clock, tmp_path / "keys")
