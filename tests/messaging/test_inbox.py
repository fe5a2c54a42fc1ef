"""The inbox: order, gaps, repeats, and the four outcomes of a policy; no broker is needed to see them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from events.base import lane_of
from shared.eventlog import VersionConflict
from shared.eventlog.tables import refused_reactions
from shared.messaging import LaneStopped, Page
from tests.messaging.delivery import CATALOGUE, WITHOUT_BREAD, ParcelSent, Refusal, Town, shelf, town


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Draw no tracebacks of the errors that are meant here: that takes most of the time."""
    with capture_logs():
        yield


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as opened:
        yield opened


class TestOrder:
    def test_takes_each_event_once_however_often_it_comes(self, place: Town):
        breads = [place.bake().id for _ in range(5)]
        inbox = place.inbox()

        for message in [*place.messages(), *place.messages(), *reversed(place.messages())]:
            inbox.take(message)

        assert sorted(place.parcels()) == sorted(breads)

    def test_fills_a_gap_from_the_feed(self, place: Town):
        customer = uuid4()
        breads = [place.bake(customer=customer).id for _ in range(4)]
        inbox = place.inbox()

        inbox.take(place.messages()[-1])

        assert place.parcels() == breads
        assert inbox.counts["caught-up"] == 4

    def test_keeps_the_order_of_one_customer_when_messages_are_lost_doubled_and_late(self, place: Town):
        customer = uuid4()
        breads = [place.bake(customer=customer).id for _ in range(30)]
        messages = [m for m in place.messages() for _ in range(random.randrange(3))]
        random.shuffle(messages)
        inbox = place.inbox()

        for message in messages:
            inbox.take(message)
        inbox.poll()
        inbox.poll()

        assert place.parcels() == breads

    def test_finds_what_the_broker_lost_by_asking_for_the_heads_twice(self, place: Town):
        bread = place.bake()
        inbox = place.inbox()

        inbox.poll()
        after_one = place.parcels()
        inbox.poll()

        assert (after_one, place.parcels()) == ([], [bread.id])

    def test_goes_on_where_another_process_stopped(self, place: Town):
        customer = uuid4()
        first, second = place.bake(customer=customer), place.bake(customer=customer)
        place.inbox().take(place.messages()[0])

        place.inbox().take(place.messages()[1])

        assert place.parcels() == [first.id, second.id]

    def test_two_at_once_on_one_lane_neither_lose_nor_double(self, place: Town):
        customer = uuid4()
        breads = [place.bake(customer=customer).id for _ in range(20)]
        inboxes = [place.inbox(), place.inbox()]

        for message in place.messages():
            for inbox in random.sample(inboxes, k=2):
                inbox.take(message)

        assert place.parcels() == breads

    def test_moves_the_position_over_events_that_nobody_listens_to_in_one_transaction(self, place: Town):
        bread = place.bake()
        for _ in range(10):
            bread.clean()
        place.bakery.save(bread)
        inbox = place.inbox()

        for message in place.messages():
            inbox.take(message)
        before = place.shipping.recorder.position("bakery", lane_of(bread.patient_id))
        inbox.flush()

        after = place.shipping.recorder.position("bakery", lane_of(bread.patient_id))
        assert (before.sequence, after.sequence) == (1, 11)

    def test_records_an_effect_after_its_cause_with_who_stands_behind_it(self, place: Town):
        bread = place.bake()

        place.inbox().take(place.messages()[0])

        (cause,) = place.bakery.recorder.read()
        (effect,) = place.shipping.recorder.read()
        fact = CATALOGUE.decode(effect.topic, effect.state)
        assert effect.recorded_at > cause.recorded_at
        assert (fact.causation_id, fact.hops) == (f"{bread.id}-1", 1)
        assert (fact.actor.id, fact.actor.on_behalf_of) == ("policy:shipping.send_a_parcel", "baker-1")


class TestALaneStops:
    def test_when_the_upstream_has_another_epoch(self, place: Town):
        customer = uuid4()
        place.bake(customer=customer)
        place.bake(customer=customer)
        inbox = place.inbox()
        inbox.take(place.messages()[0])
        restored = uuid4()
        other = msgspec.structs.replace(place.messages()[1], source=f"urn:caretrail:bakery:{restored}")
        place.upstream.rewrite_heads = lambda found: msgspec.structs.replace(found, epoch=restored)

        with pytest.raises(LaneStopped, match="epoch"):
            inbox.take(other)

        assert len(place.parcels()) == 1

    def test_when_another_event_stands_where_one_was_taken(self, place: Town):
        place.bake()
        inbox = place.inbox()
        inbox.take(place.messages()[0])
        forged = msgspec.structs.replace(place.messages()[0], id=f"{uuid4()}-1")

        with pytest.raises(LaneStopped, match="another event"):
            inbox.take(forged)

    def test_when_the_head_is_below_the_position(self, place: Town):
        place.bake()
        inbox = place.inbox()
        inbox.take(place.messages()[0])
        place.upstream.rewrite_heads = lambda found: msgspec.structs.replace(found, lanes=(0,) * 16)

        with pytest.raises(LaneStopped, match="below"):
            inbox.poll()

    def test_when_the_feed_has_a_hole(self, place: Town):
        customer = uuid4()
        for _ in range(3):
            place.bake(customer=customer)
        place.upstream.rewrite = lambda found: Page(
            epoch=found.epoch, events=(found.events[0], found.events[2]), full=False
        )

        with pytest.raises(LaneStopped, match="hole"):
            place.inbox().take(place.messages()[2])

        assert len(place.parcels()) == 1


class TestOutcomes:
    def test_a_rules_refusal_is_recorded_with_the_position_and_stands_on_the_worklist(self, place: Town):
        bread = place.bake("stale")

        place.inbox().take(place.messages()[0])

        (row,) = place.shipping.query(select(refused_reactions))
        assert (row["policy"], row["cause"], row["reason"]) == (
            "send_a_parcel",
            f"{bread.id}-1",
            "Stale bread is not sent.",
        )
        assert place.shipping.recorder.position("bakery", lane_of(bread.patient_id)).sequence == 1
        assert [row["name"] for row in place.shipping.query(select(shelf))] == ["stale"]
        assert place.parcels() == []

    def test_a_version_conflict_is_run_again(self, place: Town):
        place.mood.errors["busy"] = [VersionConflict("somebody was faster")] * 3
        bread = place.bake("busy")

        place.inbox().take(place.messages()[0])

        assert place.parcels() == [bread.id]

    def test_an_unexpected_error_is_tried_five_times(self, place: Town):
        place.mood.errors["burnt"] = [RuntimeError("smoke")] * 4
        bread = place.bake("burnt")

        place.inbox().take(place.messages()[0])

        assert place.parcels() == [bread.id]

    def test_the_fifth_failure_parks_the_event_and_later_ones_of_that_customer_but_no_others(self, place: Town):
        customer = uuid4()
        place.mood.errors["burnt"] = [RuntimeError("smoke")] * 5
        place.bake("burnt", customer=customer)
        place.bake("rye", customer=customer)
        other = place.bake("rye")
        inbox = place.inbox()

        for message in place.messages():
            inbox.take(message)

        assert place.parcels() == [other.id]
        assert [(row["waits"], row["partition"]) for row in place.shipping.recorder.parked()] == [
            (0, customer),
            (1, customer),
        ]
        assert "smoke" in place.shipping.recorder.parked()[0]["reason"]

    def test_parked_events_are_taken_in_order_when_retried(self, place: Town):
        customer = uuid4()
        place.mood.errors["burnt"] = [RuntimeError("smoke")] * 5
        breads = [place.bake("burnt", customer=customer).id, place.bake("rye", customer=customer).id]
        inbox = place.inbox()
        for message in place.messages():
            inbox.take(message)

        inbox.retry_parked()

        assert place.parcels() == breads
        assert place.shipping.recorder.parked() == []

    def test_a_type_that_this_version_does_not_know_is_parked_and_taken_after_the_upgrade(self, place: Town):
        bread = place.bake()
        old = place.inbox(WITHOUT_BREAD)
        old.take(place.messages()[0])
        parked = [row["event_type"] for row in place.shipping.recorder.parked()]

        place.inbox().retry_parked()

        assert parked == ["caretrail.bakery.bread-baked.v1"]
        assert place.parcels() == [bread.id]

    def test_an_imported_fact_does_not_act_but_is_kept(self, place: Town):
        place.bake(imported=True)

        place.inbox().take(place.messages()[0])

        assert place.parcels() == []
        assert len(place.shipping.query(select(shelf))) == 1

    def test_a_fact_older_than_the_policys_window_is_left_to_a_person(self, place: Town):
        place.bake(occurred_at=place.now - timedelta(days=7, seconds=1))
        place.bake(occurred_at=place.now - timedelta(days=6, hours=23))
        inbox = place.inbox()

        for message in place.messages():
            inbox.take(message)

        assert len(place.parcels()) == 1
        (row,) = place.shipping.query(select(refused_reactions))
        assert "too old" in row["reason"]

    def test_a_chain_of_more_than_sixteen_reactions_is_refused(self, place: Town):
        place.bake(hops=15)
        place.bake(hops=16)
        inbox = place.inbox()

        for message in place.messages():
            inbox.take(message)

        assert len(place.parcels()) == 1
        assert len(place.shipping.query(select(refused_reactions))) == 1

    def test_a_refusal_is_replayed_from_the_log(self, place: Town):
        place.bake("stale")
        place.inbox().take(place.messages()[0])
        (row,) = place.shipping.query(select(refused_reactions))

        refusal = place.shipping.get(Refusal, row["aggregate_id"])

        assert (refusal.policy, refusal.settled) == ("send_a_parcel", False)

    def test_what_a_policy_created_can_be_loaded_again(self, place: Town):
        place.bake()
        place.inbox().take(place.messages()[0])
        (logged,) = place.shipping.recorder.read()

        assert logged.topic == ParcelSent.__struct_config__.tag
