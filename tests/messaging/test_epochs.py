"""An upstream whose log was restored: its consumers stop, and go on behind the last common events when told to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from events.base import UpstreamReconciled, lane_of
from events.catalogue import Catalogue
from events.envelope import CloudEvent
from shared.databases import address
from shared.eventlog import Position, PositionMoved, migrate
from shared.eventlog.backup import known_epochs, open_place, open_snapshot, renew_epoch
from shared.messaging import Inbox, LaneStopped
from shared.messaging.epochs import CannotReconcile, OpenLog, Stands, Step, standing_of, steps_back, what_to_do
from shared.messaging.reconciling import go_on
from tests.messaging import delivery
from tests.messaging.delivery import Shipping, Town, opened
from tests.servers import database_prefix, url_as_role, url_of_database

KNOWN, LATE = UUID("5f1d8a3e-6c0b-4f5e-9a77-0d2b3c4e5f60"), UUID("7c6b5a49-3827-4615-8f4e-3d2c1b0a9f8e")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class ShippingUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.shipping.upstream-reconciled.v1"
):
    """Shipping goes on behind a restored bakery."""


CATALOGUE = Catalogue([*delivery.CATALOGUE, ShippingUpstreamReconciled])


@dataclass
class Story:
    """A bakery that was restored: customers before the backup and after it, and what shipping took of them."""

    urls: Mapping[str, str]
    admin_url: str | None
    folder: Path
    place: Town = field(init=False)
    known: UUID = KNOWN
    late: UUID = LATE
    messages: list[CloudEvent] = field(default_factory=list)

    def until_the_disk_is_lost(self, lost_bread: str = "rye") -> None:
        """Bake for the known customer, make a backup, bake for both, and let shipping take it all."""
        with opened(self.urls) as place:
            place.bake(customer=self.known)
            with closing(open_snapshot(self.urls["bakery"])) as snapshot:
                snapshot.pin()
                snapshot.copy(self.folder / "backup")
            for customer in (self.known, self.late):
                place.bake(lost_bread, customer=customer)
            place.mood.errors["burnt"] = [RuntimeError("smoke")] * 10
            self.messages += place.messages()
            inbox = place.inbox()
            for message in self.messages:
                inbox.take(message)

    def restore(self, *, in_a_new_epoch: bool = True) -> None:
        """Put the backup of the bakery into place."""
        with closing(open_place(self.urls["bakery"], self.admin_url, "before", of_a_log=True)) as place:
            place.keep_out()
            place.stage(self.folder / "backup")
            if in_a_new_epoch:
                with place.present() as connection:
                    replaced = known_epochs(connection)
                with place.staged() as connection:
                    renew_epoch(connection, replaced, NOW)
            place.exchange()
        migrate(self.urls["bakery"], self.admin_url, delivery.metadata)

    def inbox(self) -> Inbox:
        """Give shipping's inbox, whose service knows the word for going on."""
        shipping = Shipping(self.place.shipping.recorder, CATALOGUE)
        feeds = {"bakery": self.place.upstream}
        return Inbox(shipping, CATALOGUE, self.place.policies, feeds, lambda: self.place.now, pause=lambda _: None)  # type: ignore[arg-type]

    def steps(self) -> list[Step]:
        """Find where shipping may go on."""
        return steps_back(self.place.shipping.recorder, "bakery", self.place.bakery.recorder)

    def go_on(self, steps: list[Step]) -> None:
        """Let shipping go on, as an operator would."""
        go_on(
            Shipping(self.place.shipping.recorder, CATALOGUE),
            "bakery",
            self.place.bakery.recorder.epoch(),
            steps,
            ShippingUpstreamReconciled,
            operator="olga",
            reason="The disk was lost.",
            now=NOW,
        )

    def parcels(self) -> list[UUID]:
        """List the bread that was sent."""
        logged = [e for e in self.place.shipping.recorder.read() if "parcel" in e.topic]
        return [CATALOGUE.decode(event.topic, event.state).bread for event in logged]

    def standing(self) -> set[Stands]:
        """Tell how shipping stands to the bakery."""
        taken = self.place.shipping.recorder.positions("bakery")
        return {*standing_of(taken, OpenLog("bakery", self.place.bakery.recorder)).values()}


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Story]:
    """Begin a story on files."""
    urls = {name: f"sqlite:///{folder / name}.sqlite" for name in ("bakery", "shipping")}
    for url in urls.values():
        migrate(url, None, delivery.metadata)
    yield Story(urls, None, folder)


@contextmanager
def on_postgres(admin_url: str, folder: Path) -> Iterator[Story]:
    """Begin a story on PostgreSQL, each service in a role of its own."""
    with database_prefix(admin_url) as prefix:
        names = {name: f"{prefix}_{name}" for name in ("bakery", "shipping")}
        urls = {name: url_as_role(url_of_database(admin_url, of), of, "sesame") for name, of in names.items()}
        for url in urls.values():
            migrate(url, admin_url, delivery.metadata)
        yield Story(urls, admin_url, folder)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """A bakery that was restored, on each database in turn, and shipping that took more."""
    if request.param == "sqlite":
        with on_sqlite(tmp_path) as story:
            yield from told(story)
    else:
        with on_postgres(request.getfixturevalue("postgres_admin_url"), tmp_path) as story:
            yield from told(story)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """The same on files, for what is the same on both."""
    with on_sqlite(tmp_path) as begun:
        yield from told(begun)


def told(story: Story) -> Iterator[Story]:
    story.until_the_disk_is_lost()
    story.restore()
    with opened(story.urls) as story.place:
        yield story


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Draw no tracebacks of the errors that are meant here: that takes most of the time."""
    with capture_logs():
        yield


class TestARestoredUpstream:
    def test_stops_every_lane_at_once_with_an_alarm(self, story: Story):
        inbox = story.inbox()

        with capture_logs() as logs, pytest.raises(LaneStopped):
            inbox.poll()

        assert {lane for _, lane in inbox.stopped} == {lane_of(story.known), lane_of(story.late)}
        assert [(entry["log_level"], entry["do"]) for entry in logs if entry["event"] == "lane-stopped"] == [
            ("critical", "caretrail doctor")
        ] * 2

    def test_does_not_hear_what_the_broker_kept_of_the_old_log(self, story: Story):
        story.go_on(story.steps())
        inbox = story.inbox()
        before = story.parcels()

        for message in story.messages:
            inbox.take(message)

        assert (inbox.counts["left-over"], inbox.stopped) == (3, {})
        assert story.parcels() == before

    def test_does_not_begin_with_what_the_broker_kept_of_the_old_log(self, story: Story):
        nobody_yet = story.urls["shipping"].replace("shipping", "other")
        migrate(nobody_yet, None, delivery.metadata)

        with opened({**story.urls, "shipping": nobody_yet}) as place:
            inbox = place.inbox()
            for message in story.messages:
                inbox.take(message)
            parcels, taken = place.parcels(), place.shipping.recorder.positions("bakery")

        assert (parcels, taken) == ([], {})


class TestStanding:
    def test_is_fine_where_nothing_was_restored(self, tmp_path: Path):
        with on_sqlite(tmp_path) as story:
            story.until_the_disk_is_lost()
            with opened(story.urls) as story.place:
                assert story.standing() == {Stands.FINE}

        assert what_to_do("shipping", "bakery", Stands.FINE) == ""

    def test_is_in_another_epoch_behind_a_restored_log(self, story: Story):
        assert story.standing() == {Stands.OTHER_EPOCH}
        assert "`caretrail reconcile shipping bakery`" in what_to_do("shipping", "bakery", Stands.OTHER_EPOCH)

    def test_is_ahead_of_a_log_that_was_put_back_by_other_means(self, tmp_path: Path):
        with on_sqlite(tmp_path) as story:
            story.until_the_disk_is_lost()
            story.restore(in_a_new_epoch=False)
            with opened(story.urls) as story.place:
                assert story.standing() == {Stands.AHEAD}

        assert "`caretrail new-epoch bakery`" in what_to_do("shipping", "bakery", Stands.AHEAD)

    def test_is_at_another_event_once_such_a_log_has_gone_on(self, tmp_path: Path):
        with on_sqlite(tmp_path) as story:
            story.until_the_disk_is_lost()
            story.restore(in_a_new_epoch=False)
            with opened(story.urls) as story.place:
                for customer in (story.known, story.late):
                    story.place.bake(customer=customer)
                assert story.standing() == {Stands.OTHER_EVENT}


class TestGoingOn:
    def test_begins_behind_the_last_common_event_of_each_lane(self, story: Story):
        first = story.messages[0]
        epoch = story.place.bakery.recorder.epoch()

        steps = {step.lane: step for step in story.steps()}

        assert steps[lane_of(story.known)].after == Position(epoch, 1, first.id)
        assert steps[lane_of(story.late)].after is None

    def test_takes_what_is_new_and_repeats_nothing(self, anywhere: Story):
        inbox = anywhere.inbox()
        with pytest.raises(LaneStopped):
            inbox.poll()
        before = anywhere.parcels()

        anywhere.go_on(anywhere.steps())
        fresh = [anywhere.place.bake(customer=customer).id for customer in (anywhere.late, anywhere.known)]
        for _ in range(2):
            inbox.poll()

        assert len(before) == 3
        assert sorted(anywhere.parcels()) == sorted([*before, *fresh])
        assert inbox.stopped == {}

    def test_takes_what_the_restored_log_has_recorded_meanwhile(self, story: Story):
        fresh = [story.place.bake(customer=customer).id for customer in (story.late, story.known)]
        before = story.parcels()

        story.go_on(story.steps())
        inbox = story.inbox()
        for _ in range(2):
            inbox.poll()

        assert sorted(story.parcels()) == sorted([*before, *fresh])

    def test_is_recorded_with_who_why_and_how_far_back(self, story: Story):
        epoch = story.messages[0].epoch

        story.go_on(story.steps())

        (logged,) = [e for e in story.place.shipping.recorder.read() if "reconciled" in e.topic]
        fact = CATALOGUE.decode(logged.topic, logged.state)
        assert (fact.actor.id, fact.reason, fact.upstream) == ("operator:olga", "The disk was lost.", "bakery")
        assert fact.epoch == story.place.bakery.recorder.epoch()
        lanes = [(lane.lane, lane.epoch, lane.taken, lane.taken_id, lane.goes_on_behind) for lane in fact.lanes]
        assert lanes == sorted(
            [
                (lane_of(story.known), epoch, 2, story.messages[1].id, 1),
                (lane_of(story.late), epoch, 3, story.messages[2].id, 0),
            ]
        )

    def test_takes_lost_events_out_of_the_parking(self, tmp_path: Path):
        with on_sqlite(tmp_path) as story:
            story.until_the_disk_is_lost(lost_bread="burnt")
            story.restore()
            with opened(story.urls) as story.place:
                before = len(story.place.shipping.recorder.parked())
                story.go_on(story.steps())

                assert (before, story.place.shipping.recorder.parked()) == (2, [])

    def test_is_all_or_nothing_when_somebody_was_faster(self, story: Story):
        steps = story.steps()
        story.go_on(steps)
        positions = story.place.shipping.recorder.positions("bakery")

        with pytest.raises(PositionMoved):
            story.go_on(steps)

        assert story.place.shipping.recorder.positions("bakery") == positions
        assert len([e for e in story.place.shipping.recorder.read() if "reconciled" in e.topic]) == 1

    def test_has_nothing_to_do_twice(self, story: Story):
        story.go_on(story.steps())

        assert story.steps() == []

    def test_is_refused_behind_a_log_that_does_not_know_the_epoch(self, story: Story):
        inside(story.urls["bakery"], "DELETE FROM earlier_epochs")

        with pytest.raises(CannotReconcile, match="does not know the epoch"):
            story.steps()

    def test_is_refused_behind_a_log_in_which_another_event_stands(self, story: Story):
        inside(story.urls["bakery"], "UPDATE earlier_epochs SET shared_until = 3")
        story.place.bake(customer=story.known)
        story.place.bake(customer=story.late)

        with pytest.raises(CannotReconcile, match="does not stand there"):
            story.steps()

    def test_finds_the_way_back_over_two_restores(self, story: Story):
        story.go_on(story.steps())
        story.place.bake(customer=story.known)
        inbox = story.inbox()
        inbox.poll()
        inbox.poll()
        story.place.shipping.close()
        story.place.bakery.close()
        story.restore()

        with opened(story.urls) as story.place:
            (step,) = story.steps()

        assert (step.lane, step.before.sequence, step.behind) == (lane_of(story.known), 2, 1)


def inside(url: str, statement: str) -> None:
    """Change a log as only an administrator can."""
    engine = create_engine(address(url))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
