"""A small trail to be replayed: real logs of intake and referral, written by hand, and history behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from events import intake, referral
from events.base import Actor, Event
from events.terms import CareRole, Intensity, Permission, Priority, ReferralKind
from events.vocabulary import CATALOGUE
from services.history.application import History
from services.history.policies import policies
from services.history.worklists import metadata
from shared.eventlog import Aggregate, Application, Context, LogRecorder, migrate, open_log
from shared.messaging import FeedUnavailable, HeadsView, Inbox, Page, heads, page

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANNA = Actor(id="anna", role="care-coordinator")
UPSTREAMS = ("intake", "prescription", "referral", "monitoring")


class Thing(Aggregate):
    """Anything with a history; it decides nothing."""


class AnyService(Application):
    """A log that takes any fact."""


@dataclass
class Clock:
    """The moment at which the logs are written."""

    now: datetime = NINE

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Feed:
    """A log's feed, asked directly."""

    service: str
    recorder: LogRecorder
    away: bool = False

    def read(self, after: int, lane: int | None = None, limit: int = 500) -> Page:
        """Read a page."""
        return page(self.service, self.recorder, after, limit, lane)

    def heads(self) -> HeadsView:
        """Read the heads, unless nobody answers."""
        if self.away:
            raise FeedUnavailable("away")
        return heads(self.recorder)


@dataclass
class Trail:
    """The services' logs, history, and one patient."""

    clock: Clock
    logs: dict[str, AnyService]
    feeds: dict[str, Feed]
    history: History
    patient: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.history, CATALOGUE, policies, self.feeds, self.clock, pause=lambda _: None)  # type: ignore[arg-type]
        self.things: dict[UUID, Thing] = {}

    def record(self, service: str, event_class: type[Event], subject: UUID | None = None, **fields: Any) -> Event:
        """Record a fact of the patient in a service's log, a minute after the last one."""
        self.clock.now += timedelta(minutes=1)
        context = Context(ANNA, self.clock.now, uuid4(), "request-1")
        thing = self.things.setdefault(subject or uuid4(), Thing(subject or uuid4(), context, self.patient))
        thing.context = context
        fact = thing.record(event_class, **fields)
        self.logs[service].save(thing)
        return fact

    def tell(self, *services: str) -> None:
        """Bring history up to date with these services (all, if none is named)."""
        for service in services or UPSTREAMS:
            for lane in range(16):
                self._catch_up((service, lane))

    def _catch_up(self, lane: tuple[str, int]) -> None:
        """Catch up in as many turns as it takes: a turn is short, and a busy machine is slow."""
        self.inbox.behind = True
        while self.inbox.behind:
            self.inbox.behind = False
            self.inbox.catch_up(lane)


@contextmanager
def trail(folder: Path) -> Iterator[Trail]:
    """Open empty logs of all services, and history."""
    clock = Clock()
    recorders = {}
    for name in (*UPSTREAMS, "history"):
        url = f"sqlite:///{folder / name}.sqlite"
        migrate(url, None, metadata)
        recorders[name] = open_log(url, clock)
    history = History(recorders["history"], CATALOGUE)
    feeds = {name: Feed(name, recorders[name]) for name in UPSTREAMS}
    history.follow(feeds)  # type: ignore[arg-type]
    yield Trail(clock, {name: AnyService(recorders[name], CATALOGUE) for name in UPSTREAMS}, feeds, history)
    for recorder in recorders.values():
        recorder.close()


def screened_and_referred(told: Trail) -> dict[str, Event]:
    """Register at 9:01, join at 9:02, open at 9:03, conclude at 9:04, refer at 9:05, accept at 9:06."""
    screening, asked = uuid4(), uuid4()
    return {
        "registered": told.record(
            "intake",
            intake.PatientRegistered,
            told.patient,
            family_name="Marsh",
            given_name="Ada",
            birth_date=date(1984, 5, 2),
        ),
        "joined": told.record(
            "intake",
            intake.PatientTeamMemberJoined,
            told.patient,
            member_id="anna",
            role=CareRole.COORDINATOR,
        ),
        "opened": told.record("intake", intake.ScreeningOpened, screening, reason="first"),
        "concluded": told.record(
            "intake",
            intake.ScreeningConcluded,
            screening,
            permission=Permission.CLEARANCE_NEEDED,
            intensity_cap=Intensity.NONE,
            rules_version="2026-11-23",
        ),
        "requested": told.record(
            "referral",
            referral.ReferralRequested,
            asked,
            kind=ReferralKind.PHYSICIAN_CLEARANCE,
            priority=Priority.ROUTINE,
            about=screening,
            reason="Type 2 diabetes",
        ),
        "accepted": told.record(
            "referral",
            referral.ReferralAccepted,
            asked,
            kind=ReferralKind.PHYSICIAN_CLEARANCE,
            accepted_by="paul",
            role=CareRole.PHYSICIAN,
            first_visit_due=date(2026, 11, 30),
        ),
    }
