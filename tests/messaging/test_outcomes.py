"""The outcomes of an event: done, refused, run again, parked; and what a policy may not do at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from events.base import Event, lane_of
from events.catalogue import Catalogue
from shared.eventlog import Aggregate, Application, Interrupted, LogUnavailable, Refused, VersionConflict, when
from shared.eventlog.tables import refused_reactions
from shared.messaging import Inbox, Policies, Reaction
from shared.messaging.parking import Kind
from tests.messaging.delivery import BreadBaked, Parcel, ParcelSent, ShippingReactionRefused, shelf
from tests.messaging.fire import CATALOGUE, Street, meanwhile, on_sqlite


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Draw no tracebacks of the many errors that are meant here: that takes most of the time."""
    with capture_logs():
        yield


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Street]:
    with on_sqlite(tmp_path) as opened:
        yield opened


class TestOnePolicyOfTwo:
    def test_that_fails_keeps_nothing_of_the_other_until_both_are_done(self, place: Street):
        place.mood.errors["card for gift"] = [RuntimeError("no ink")] * 5
        bread = place.bake("gift")

        inbox = place.take_all()
        before = (place.sent(), place.shipping.query(select(shelf)), place.parked())
        inbox.retry_parked()

        assert before == ([], [], [(f"{bread.id}-1", Kind.FAILED)])
        assert place.sent() == [bread.id, bread.id]

    def test_that_is_refused_leaves_the_other_done(self, place: Street):
        place.mood.errors["card for gift"] = [Refused("No cards on Mondays.")] * 2
        bread = place.bake("gift")

        place.take_all()

        (row,) = place.shipping.query(select(refused_reactions))
        assert (place.sent(), row["policy"], row["reason"]) == ([bread.id], "send_a_card", "No cards on Mondays.")


class TestARefusal:
    def test_is_recorded_once_though_two_workers_meet_it_at_once(self, place: Street):
        place.bake("stale")
        one, other = place.inbox(), place.inbox()

        with meanwhile(lambda: place.take_all(other)):
            place.take_all(one)

        assert len(place.shipping.query(select(refused_reactions))) == 1
        assert (one.counts["refused"], other.counts["refused"]) == (0, 1)
        assert place.shipping.recorder.max_notification_id() == 1

    def test_is_recorded_once_though_the_event_is_told_again(self, place: Street):
        bread = place.bake("stale")
        (told,) = place.bakery.events.get(bread.id)
        inbox = place.inbox()

        inbox.carry_out(told)
        inbox.carry_out(told)

        assert len(place.shipping.query(select(refused_reactions))) == inbox.counts["refused"] == 1

    def test_is_counted_once_though_the_event_was_run_again(self, place: Street):
        place.mood.errors["card for gift"] = [VersionConflict("busy"), Refused("No."), VersionConflict("busy")]
        place.mood.errors["card for gift"] += [Refused("No.")]
        place.bake("gift")

        inbox = place.take_all()

        assert inbox.counts["refused"] == 1

    def test_stands_beside_the_position_in_one_commit(self, place: Street):
        bread = place.bake("stale")
        lost = place.inbox()

        def breaks() -> None:
            raise LogUnavailable("the disk is full")

        with pytest.raises(LogUnavailable), meanwhile(breaks):
            place.take_all(lost)

        assert place.shipping.query(select(refused_reactions)) == []
        assert place.shipping.recorder.position("bakery", lane_of(bread.patient_id)) is None


class Tally(Aggregate):
    """How many loaves a customer had: counted by the policy, and by people."""

    loaves = 0

    @when(ParcelSent)
    def _counted(self, event: ParcelSent) -> None:
        self.loaves += 1


class Shop(Application):
    """Counts."""

    aggregates = (Tally,)


def counting(place: Street) -> Policies:
    """Count on one aggregate for each customer."""
    policies = Policies("shipping", refused=ShippingReactionRefused)

    @policies.whenever(BreadBaked, records=(ParcelSent,))
    def count(event: BreadBaked, shipping: Reaction) -> None:
        id = shipping.new_id(event.patient_id, "tally")
        tally = shipping.find(Tally, id) or shipping.add(Tally(id, shipping.context, event.patient_id))
        tally.record(ParcelSent, bread=event.originator_id)

    place.policies = policies
    return policies


class TestAConflict:
    def test_with_a_persons_command_keeps_both(self, place: Street):
        counting(place)
        shop, customer = Shop(place.shipping.recorder, CATALOGUE), uuid4()
        place.bake(customer=customer)
        place.take_all()
        (logged,) = place.shipping.recorder.read()

        def a_person_counts() -> None:
            tally = shop.get(Tally, logged.originator_id, place.because())
            tally.record(ParcelSent, bread=uuid4())
            shop.save(tally)

        place.bake(customer=customer)
        with meanwhile(a_person_counts):
            inbox = place.take_all()

        assert shop.get(Tally, logged.originator_id).loaves == 3
        assert (inbox.counts["taken"], place.parked()) == (1, [])

    def test_without_end_parks_the_event(self, place: Street):
        place.mood.errors["busy"] = [VersionConflict("busy")] * 100
        bread = place.bake("busy")

        place.take_all()

        assert place.mood.errors["busy"] == []
        assert place.parked() == [(f"{bread.id}-1", Kind.FAILED)]


class TestTries:
    def test_are_five_with_growing_pauses(self, place: Street):
        pauses: list[float] = []
        place.mood.errors["burnt"] = [RuntimeError("smoke")] * 5
        place.bake("burnt")
        feeds = {"bakery": place.upstream}
        inbox = Inbox(place.shipping, CATALOGUE, place.policies, feeds, lambda: place.now, pause=pauses.append)

        place.take_all(inbox)

        assert pauses == [0.0, 0.1, 0.5, 2.0, 5.0]

    def test_begin_with_a_sign_of_life_each(self, place: Street):
        beats: list[str] = []
        place.mood.errors["burnt"] = [RuntimeError("smoke")] * 5
        place.bake("burnt")
        inbox = place.inbox()
        inbox.beat = lambda: beats.append("beat")

        place.take_all(inbox)

        assert len(beats) == 5

    def test_that_the_log_broke_off_park_nothing(self, place: Street):
        place.mood.errors["heavy"] = [Interrupted("deadlock")] * 5
        bread = place.bake("heavy")
        inbox = place.inbox()

        with pytest.raises(Interrupted):
            place.take_all(inbox)

        assert place.parked() == []
        place.take_all(inbox)
        assert place.sent() == [bread.id]


class TestReading:
    def test_that_fails_in_a_way_nobody_foresaw_parks_the_event(self, place: Street):
        class Brittle(Catalogue):
            def decode(self, name: str, body: bytes) -> Event:
                raise RecursionError("too deep")

        bread = place.bake()

        place.take_all(place.inbox(Brittle(list(CATALOGUE))))

        assert place.parked() == [(f"{bread.id}-1", Kind.UNREADABLE)]


class TestAPolicy:
    def with_policy(self, place: Street, act: object, records: tuple[type[Event], ...]) -> Street:
        policies = Policies("shipping", refused=ShippingReactionRefused)
        policies.whenever(BreadBaked, records=records)(act)  # type: ignore[type-var]
        place.policies = policies
        return place

    def test_records_nothing_that_it_has_not_declared(self, place: Street):
        def send(event: BreadBaked, shipping: Reaction) -> None:
            parcel = shipping.new_id(event.originator_id, "parcel")
            shipping.add(Parcel.send(parcel, shipping.context, event.patient_id, event.originator_id))

        self.with_policy(place, send, records=()).bake()

        place.take_all()

        (row,) = place.shipping.recorder.parked()
        assert "Undeclared: send recorded ParcelSent" in row["reason"]
        assert place.sent() == []

    def test_creates_nothing_under_an_id_that_is_not_derived(self, place: Street):
        def send(event: BreadBaked, shipping: Reaction) -> None:
            shipping.add(Parcel.send(uuid4(), shipping.context, event.patient_id, event.originator_id))

        self.with_policy(place, send, records=(ParcelSent,)).bake()

        place.take_all()

        (row,) = place.shipping.recorder.parked()
        assert "NotDerived: send would create Parcel" in row["reason"]
        assert place.sent() == []

    def test_told_twice_creates_once(self, place: Street):
        bread = place.bake()
        fact = place.bakery.events.get(bread.id)
        (told,) = fact
        inbox = place.inbox()
        inbox.carry_out(told)

        with pytest.raises(Exception, match="failed 5 times"):
            inbox.carry_out(told)

        assert place.sent() == [bread.id]

    def test_does_not_act_on_an_imported_or_old_fact_again_at_a_retry(self, place: Street):
        place.mood.errors["flour of rye"] = [RuntimeError("spilt")] * 10
        place.bake("rye", imported=True)
        place.bake("rye", occurred_at=place.now - timedelta(days=8))
        inbox = place.take_all()
        place.mood.errors.clear()

        inbox.retry_parked()

        assert (place.sent(), place.parked()) == ([], [])
        assert len(place.shipping.query(select(refused_reactions))) == 2
