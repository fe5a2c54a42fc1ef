"""Parked events: retried in order by whoever is first, freed, skipped for a reason, and alarming at times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from events.base import ParkedEventSkipped, lane_of
from events.catalogue import Catalogue
from shared.eventlog import Commit, Move, Position, PositionMoved, VersionConflict, open_log
from shared.eventlog.tables import parked, refused_reactions
from shared.messaging import Inbox, LaneStopped, Listener, Supervisor
from shared.messaging import listener as listening
from shared.messaging.alarm import may_be_safety
from shared.messaging.parking import Kind
from shared.messaging.skipping import skip
from tests.messaging.delivery import BreadBaked, Shipping, shelf, until
from tests.messaging.fire import (
    CATALOGUE,
    WITHOUT_BREAD,
    OvenOnFire,
    ShippingEventSkipped,
    Street,
    meanwhile,
    on_postgres,
    on_sqlite,
)

SMOKE = RuntimeError("smoke")
DATABASES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Draw no tracebacks of the many errors that are meant here: that takes most of the time."""
    with capture_logs():
        yield


@pytest.fixture
def sqlite_street(tmp_path: Path) -> Iterator[Street]:
    with on_sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def emptied(postgres_admin_url: str) -> Iterator[Callable[[], Street]]:
    with on_postgres(postgres_admin_url) as opened:
        yield opened


@pytest.fixture
def postgres_street(emptied: Callable[[], Street]) -> Street:
    return emptied()


@pytest.fixture
def place(sqlite_street: Street) -> Street:
    return sqlite_street


@pytest.fixture(params=DATABASES)
def anywhere(request: pytest.FixtureRequest) -> Street:
    """The street on each database in turn."""
    opened: Street = request.getfixturevalue(f"{request.param}_street")
    return opened


def fails(place: Street, name: str, times: int = 5) -> None:
    place.mood.errors[name] = [SMOKE] * times


def skipped(place: Street, catalogue: Catalogue = CATALOGUE) -> None:
    """Skip the first that is parked."""
    row = place.shipping.recorder.parked()[0]
    skip(
        place.shipping,
        catalogue,
        place.policies,
        row,
        ShippingEventSkipped,
        operator="olga",
        reason="Known fault.",
        now=place.now,
    )


class TestARetry:
    def test_takes_what_waits_in_order_while_more_of_that_customer_arrives(self, anywhere: Street):
        customer = uuid4()
        fails(anywhere, "burnt")
        breads = [anywhere.bake(name, customer=customer).id for name in ("burnt", "rye")]
        working = anywhere.take_all()

        def one_more_arrives() -> None:
            breads.append(anywhere.bake("late", customer=customer).id)
            anywhere.take_all(working)
            assert anywhere.parked()[-1][1] == Kind.WAITS

        with meanwhile(one_more_arrives):
            taken = anywhere.inbox().retry_parked()

        assert (taken, anywhere.sent(), anywhere.parked()) == (3, breads, [])

    def test_by_two_at_once_takes_each_event_once(self, anywhere: Street):
        customer = uuid4()
        fails(anywhere, "burnt")
        breads = [anywhere.bake(name, customer=customer).id for name in ("burnt", "rye", "gift")]
        one = anywhere.take_all()

        with meanwhile(anywhere.inbox().retry_parked):
            taken = one.retry_parked()

        assert anywhere.sent() == [*breads, breads[-1]]
        assert (taken, anywhere.parked()) == (0, [])
        assert anywhere.shipping.query(select(refused_reactions)) == []

    def test_by_many_processes_at_once_takes_each_event_once_and_in_order(self, anywhere: Street):
        customers = [uuid4() for _ in range(4)]
        fails(anywhere, "burnt", times=5 * len(customers))
        breads = {
            customer: [anywhere.bake(name, customer=customer).id for name in ("burnt", "rye", "spelt")]
            for customer in customers
        }
        anywhere.take_all()
        url = anywhere.shipping.recorder.engine.url.render_as_string(hide_password=False)
        others = [Shipping(open_log(url.replace("+psycopg", ""), lambda: anywhere.now), CATALOGUE) for _ in range(3)]

        with ThreadPoolExecutor(len(others)) as pool:
            inboxes = [
                Inbox(other, CATALOGUE, anywhere.policies, {}, lambda: anywhere.now, lambda _: None) for other in others
            ]
            taken = list(pool.map(Inbox.retry_parked, inboxes))
        for other in others:
            other.close()

        sent = anywhere.sent()
        assert {customer: [bread for bread in sent if bread in own] for customer, own in breads.items()} == breads
        assert (sum(taken), anywhere.parked()) == (12, [])

    def test_by_two_at_once_of_what_only_a_projection_wants_is_done_once(self, anywhere: Street):
        fails(anywhere, "flour of rye")
        anywhere.bake("rye", imported=True)
        one, other = anywhere.take_all(), anywhere.inbox()
        counted = []

        with meanwhile(lambda: counted.append(other.retry_parked())):
            counted.append(one.retry_parked())

        assert (counted, anywhere.parked()) == ([1, 0], [])

    def test_leaves_the_positions_where_they_are(self, place: Street):
        customer = uuid4()
        fails(place, "burnt")
        for name in ("burnt", "rye"):
            place.bake(name, customer=customer)
        inbox = place.take_all()
        before = place.shipping.recorder.positions("bakery")

        inbox.retry_parked()

        assert place.shipping.recorder.positions("bakery") == before
        assert before[lane_of(customer)].sequence == 2

    def test_tries_each_once_and_keeps_what_fails_with_all_behind_it(self, place: Street):
        customer = uuid4()
        fails(place, "burnt", times=6)
        burnt, rye = (place.bake(name, customer=customer) for name in ("burnt", "rye"))
        inbox = place.take_all()

        taken = inbox.retry_parked()

        assert (taken, place.mood.errors["burnt"]) == (0, [])
        assert place.parked() == [(f"{burnt.id}-1", Kind.FAILED), (f"{rye.id}-1", Kind.WAITS)]

    def test_that_fails_as_before_is_noted_as_ended(self, place: Street):
        fails(place, "burnt", times=8)
        place.bake("burnt")
        inbox = place.take_all()

        for _ in range(3):
            inbox.retry_parked()

        (row,) = place.shipping.recorder.parked()
        assert (row["unended"], place.mood.errors["burnt"]) == (0, [])

    def test_tells_the_latest_reason(self, place: Street):
        place.mood.errors["burnt"] = [SMOKE] * 5 + [KeyError("salt")]
        place.bake("burnt")

        place.take_all().retry_parked()

        (row,) = place.shipping.recorder.parked()
        why, said = row["reason"].splitlines()
        assert re.fullmatch(r"its reaction failed: KeyError in send_a_parcel \(delivery\.py, line \d+\)", why)
        assert said == "KeyError: 'salt'"

    def test_shows_that_the_listener_lives(self, place: Street):
        beats: list[str] = []
        place.bake()
        place.bake()
        inbox = place.take_all(place.inbox(WITHOUT_BREAD))
        inbox.beat = lambda: beats.append("beat")

        inbox.retry_parked()

        assert beats == ["beat", "beat"]

    def test_of_a_fact_that_has_become_too_old_leaves_it_to_a_person(self, place: Street):
        fails(place, "burnt")
        place.bake("burnt")
        place.take_all()
        place.now += timedelta(days=8)

        place.inbox().retry_parked()

        rows = place.shipping.query(select(refused_reactions))
        assert (place.sent(), place.parked()) == ([], [])
        assert {row["policy"] for row in rows} == {"send_a_parcel", "send_a_card"}

    def test_of_a_type_that_an_upgrade_knows_and_nobody_listens_to_just_goes(self, place: Street):
        bread = place.bake()
        bread.clean()
        place.bakery.save(bread)
        only_bread = Catalogue([cls for cls in CATALOGUE if "oven-cleaned" not in CATALOGUE.name_of(cls)])
        place.take_all(place.inbox(only_bread))
        before = place.parked()

        place.inbox().retry_parked()

        assert before == [(f"{bread.id}-2", Kind.UNKNOWN_TYPE)]
        assert (place.parked(), len(place.facts())) == ([], 1)

    def test_holds_up_nobody_else_of_an_event_without_a_customer(self, place: Street):
        fails(place, "engine")
        fire, another = place.burn(None), place.burn(None)
        fire.context = place.because()
        fire.record(OvenOnFire)
        place.bakery.save(fire)

        inbox = place.take_all()

        assert place.sent() == [another.id]
        assert place.parked() == [(f"{fire.id}-1", Kind.FAILED), (f"{fire.id}-2", Kind.WAITS)]
        inbox.retry_parked()
        assert place.sent() == [another.id, fire.id, fire.id]


class TestAReason:
    @pytest.mark.parametrize(
        "said", ["nul \0 in it", "half a pair \ud800", "long " * 10_000], ids=["nul", "surrogate", "long"]
    )
    def test_is_kept_whatever_the_error_says(self, anywhere: Street, said: str):
        anywhere.mood.errors["burnt"] = [ValueError(said)] * 5
        bread = anywhere.bake("burnt")

        anywhere.take_all()

        assert anywhere.parked() == [(f"{bread.id}-1", Kind.FAILED)]

    def test_quotes_no_value_in_its_first_line(self, place: Street):
        place.mood.errors["burnt"] = [ValueError("Ada is allergic to rye")] * 5
        place.bake("burnt")

        place.take_all()

        (row,) = place.shipping.recorder.parked()
        first, last = row["reason"].splitlines()
        assert "ValueError in send_a_parcel" in first
        assert "Ada" not in first
        assert last == "ValueError: Ada is allergic to rye"


class TestWhatWaitsBehindAnEventThatIsGone:
    def test_is_taken_without_a_restart(self, anywhere: Street):
        customer = uuid4()
        fails(anywhere, "burnt")
        breads = [anywhere.bake(name, customer=customer).id for name in ("burnt", "rye", "spelt")]
        inbox = anywhere.take_all()
        before = inbox.retry_freed()
        skipped(anywhere)

        taken = inbox.retry_freed()

        assert (before, taken, anywhere.sent()) == (0, 2, breads[1:])

    def test_is_noticed_by_a_listener_that_goes_on(self, place: Street, monkeypatch: pytest.MonkeyPatch):
        customer, supervisor = uuid4(), Supervisor(give_up=lambda: None)
        monkeypatch.setattr(listening, "FREED_EVERY", 0.1)
        fails(place, "burnt")
        breads = [place.bake(name, customer=customer).id for name in ("burnt", "rye")]
        listener = Listener("shipping", place.inbox(), "memory://")
        supervisor.start("shipping-listener", listener.run)
        try:
            until(lambda: len(place.parked()) == 2)

            skipped(place)

            until(lambda: place.sent() == breads[1:])
            assert supervisor.restarts["shipping-listener"] == 0
        finally:
            assert supervisor.stop() == []

    def test_is_not_looked_for_where_the_first_failed_by_itself(self, place: Street):
        fails(place, "burnt", times=6)
        place.bake("burnt")
        inbox = place.take_all()

        inbox.retry_freed()

        assert place.mood.errors["burnt"] == [SMOKE]

    def test_is_found_also_if_it_was_parked_a_moment_too_late(self, place: Street, monkeypatch: pytest.MonkeyPatch):
        bread = place.bake()
        inbox = place.inbox()
        with monkeypatch.context() as stale:
            stale.setattr(inbox.parking, "holds_up", lambda event: True)
            place.take_all(inbox)

        inbox.retry_freed()

        assert (place.sent(), place.parked()) == ([bread.id], [])

    def test_is_parked_for_its_own_reason_if_it_fails(self, place: Street):
        customer = uuid4()
        fails(place, "burnt")
        fails(place, "rye", times=2)
        _, rye = (place.bake(name, customer=customer) for name in ("burnt", "rye"))
        inbox = place.take_all()
        skipped(place)

        inbox.retry_freed()
        inbox.retry_freed()

        assert place.parked() == [(f"{rye.id}-1", Kind.FAILED)]
        assert place.mood.errors["rye"] == [SMOKE]


class Died(BaseException):
    """The process ended here."""


def dies() -> None:
    raise Died


class TestAnEventThatEndsTheProcess:
    def die_over_it(self, place: Street, starts: int, apart: timedelta) -> None:
        for _ in range(starts):
            with pytest.raises(Died), meanwhile(dies):
                place.take_all()
            place.now += apart

    def test_is_parked_after_five_starts_and_lets_others_flow(self, place: Street):
        deadly = place.bake("deadly")
        other = place.bake()
        self.die_over_it(place, starts=5, apart=timedelta(seconds=6))

        place.take_all()

        assert place.sent() == [other.id]
        assert place.parked() == [(f"{deadly.id}-1", Kind.ENDED_PROCESS)]

    def test_is_tried_at_each_of_the_five(self, place: Street):
        bread = place.bake()
        self.die_over_it(place, starts=4, apart=timedelta(seconds=6))

        place.take_all()

        assert (place.sent(), place.parked()) == ([bread.id], [])

    def test_is_not_seen_in_many_workers_that_start_together(self, place: Street):
        bread = place.bake()
        self.die_over_it(place, starts=9, apart=timedelta(milliseconds=100))

        place.take_all()

        assert place.sent() == [bread.id]

    def test_is_not_seen_in_one_that_was_taken_between(self, place: Street):
        customer = uuid4()
        self_taken = place.bake(customer=customer)
        self.die_over_it(place, starts=3, apart=timedelta(seconds=6))
        place.take_all()
        next_one = place.bake(customer=customer)
        self.die_over_it(place, starts=3, apart=timedelta(seconds=6))

        place.take_all()

        assert place.sent() == [self_taken.id, next_one.id]

    def test_is_left_to_a_person_when_it_does_so_at_each_retry(self, place: Street):
        fails(place, "burnt")
        bread = place.bake("burnt")
        place.take_all()
        for _ in range(5):
            with pytest.raises(Died), meanwhile(dies):
                place.inbox().retry_parked()

        by_itself = place.inbox().retry_parked()
        by_a_person = place.inbox().parking.retry("bakery", bread.patient_id)

        assert (by_itself, by_a_person, place.sent()) == (0, 1, [bread.id])


class TestAnUpstreamThatWasRestored:
    def test_stops_the_lane_rather_than_forget_what_is_parked_of_its_log_as_it_was(self, place: Street):
        customer = uuid4()
        fails(place, "burnt", times=10)
        lost = place.bake("burnt", customer=customer)
        place.take_all()
        lane = ("bakery", lane_of(customer))
        there = place.shipping.recorder.position(*lane)
        place.shipping.recorder.write(Commit(moves=[Move(*lane, there, Position(there.epoch, 0, "none"))]))
        other = msgspec.structs.replace(place.messages()[0], id=f"{uuid4()}-1")

        with pytest.raises(LaneStopped, match="is parked, of its log as it was before"):
            place.inbox().take(other)

        assert place.parked() == [(f"{lost.id}-1", Kind.FAILED)]


class TestSkipping:
    def test_is_recorded_with_who_which_and_why(self, anywhere: Street):
        fails(anywhere, "burnt")
        bread = anywhere.bake("burnt")
        anywhere.take_all()
        (row,) = anywhere.shipping.recorder.parked()

        skipped(anywhere)

        (said,) = [fact for fact in anywhere.facts() if isinstance(fact, ParkedEventSkipped)]
        assert (said.actor.id, said.actor.role, said.reason) == ("operator:olga", "operator", "Known fault.")
        assert (said.upstream, said.position, said.cause, said.cause_type) == (
            "bakery",
            1,
            f"{bread.id}-1",
            "caretrail.bakery.bread-baked.v1",
        )
        assert (said.patient_id, said.causation_id, said.parked_at) == (
            bread.patient_id,
            f"{bread.id}-1",
            row["parked_at"],
        )
        assert said.parked_for.startswith("its reaction failed: RuntimeError in send_a_parcel")
        assert anywhere.parked() == []

    def test_leaves_what_would_have_happened_to_a_coordinator(self, place: Street):
        fails(place, "burnt")
        bread = place.bake("burnt")
        place.take_all()

        skipped(place)

        rows = place.shipping.query(select(refused_reactions))
        assert {(row["policy"], row["cause"]) for row in rows} == {
            ("send_a_parcel", f"{bread.id}-1"),
            ("send_a_card", f"{bread.id}-1"),
        }
        assert place.sent() == []

    def test_of_a_type_that_nobody_knows_is_recorded_with_its_customer(self, place: Street):
        bread = place.bake()
        place.take_all(place.inbox(WITHOUT_BREAD))

        skipped(place, WITHOUT_BREAD)

        (said,) = place.facts()
        assert (said.patient_id, said.cause_type) == (bread.patient_id, "caretrail.bakery.bread-baked.v1")

    def test_of_what_somebody_has_taken_meanwhile_is_refused(self, anywhere: Street):
        fails(anywhere, "burnt")
        bread = anywhere.bake("burnt")
        inbox = anywhere.take_all()
        (row,) = anywhere.shipping.recorder.parked()
        inbox.retry_parked()

        with pytest.raises(PositionMoved):
            skip(
                anywhere.shipping,
                CATALOGUE,
                anywhere.policies,
                row,
                ShippingEventSkipped,
                operator="olga",
                reason="Late.",
                now=anywhere.now,
            )

        assert anywhere.sent() == [bread.id]
        assert len(anywhere.facts()) == 1

    def test_while_it_is_being_retried_wins_or_loses_whole(self, anywhere: Street):
        fails(anywhere, "burnt")
        anywhere.bake("burnt")
        inbox = anywhere.take_all()

        with meanwhile(lambda: skipped(anywhere)):
            inbox.retry_parked()

        assert (anywhere.sent(), anywhere.parked()) == ([], [])
        assert len([fact for fact in anywhere.facts() if isinstance(fact, ParkedEventSkipped)]) == 1

    def test_happens_once(self, place: Street):
        fails(place, "burnt")
        place.bake("burnt")
        place.take_all()

        with pytest.raises((PositionMoved, VersionConflict)), meanwhile_skipped(place):
            skipped(place)

        assert len([fact for fact in place.facts() if isinstance(fact, ParkedEventSkipped)]) == 1


class meanwhile_skipped:  # noqa: N801 - reads as what happens in the block
    """Skip between another's look and its commit."""

    def __init__(self, place: Street):
        self.place = place

    def __enter__(self) -> None:
        rows = self.place.shipping.recorder.parked()
        skipped(self.place)
        self.place.shipping.recorder.parked = lambda: rows  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        del self.place.shipping.recorder.parked


class TestTheAlarm:
    def alarms(self, logs: list[dict[str, object]]) -> list[dict[str, object]]:
        return [line for line in logs if line["event"] == "safety-event-waits"]

    def test_sounds_at_once_for_a_safety_event_that_is_parked_with_ids_only(self, place: Street):
        fails(place, "engine")
        fire = place.burn(uuid4())

        with capture_logs() as logs:
            place.take_all()

        assert self.alarms(logs) == [
            {
                "event": "safety-event-waits",
                "log_level": "critical",
                "service": "shipping",
                "upstream": "bakery",
                "position": 1,
                "event_id": f"{fire.id}-1",
                "type": "caretrail.bakery.oven-on-fire.v1",
                "kind": "failed",
            }
        ]

    def test_sounds_for_one_that_waits_behind_another(self, place: Street):
        customer = uuid4()
        fails(place, "burnt")
        place.bake("burnt", customer=customer)
        fire = place.burn(customer)

        with capture_logs() as logs:
            place.take_all()

        assert [(line["event_id"], line["kind"]) for line in self.alarms(logs)] == [(f"{fire.id}-1", "waits")]

    def test_is_silent_for_others(self, place: Street):
        fails(place, "burnt")
        place.bake("burnt")

        with capture_logs() as logs:
            place.take_all()

        assert self.alarms(logs) == []

    def test_tells_how_many_wait_and_since_when(self, anywhere: Street):
        customer, inbox = uuid4(), anywhere.inbox()
        fails(anywhere, "burnt")
        anywhere.bake("burnt", customer=customer)
        anywhere.burn(customer)
        anywhere.take_all(inbox)
        since = anywhere.now
        anywhere.now += timedelta(minutes=1)
        anywhere.burn(customer)
        anywhere.take_all(inbox)

        assert tuple(inbox.safety_waiting()) == (2, since)
        inbox.retry_parked()
        assert tuple(inbox.safety_waiting()) == (0, None)

    @pytest.mark.parametrize(
        ("type_name", "may_be"),
        [
            ("caretrail.bakery.oven-on-fire.v1", True),
            ("caretrail.bakery.oven-on-fire.v2", True),
            ("caretrail.bakery.bread-baked.v1", False),
            ("caretrail.bakery.bread-baked.v2", False),
            ("caretrail.bakery.gas-leaked.v1", True),
        ],
    )
    def test_knows_safety_events_in_every_version_and_fears_what_nobody_knows(self, type_name: str, may_be: bool):
        assert may_be_safety(CATALOGUE, type_name) is may_be


class TestAProjectionThatFails:
    def test_parks_the_event_as_a_policy_does(self, anywhere: Street):
        fails(anywhere, "flour of rye")
        bread = anywhere.bake("rye")

        inbox = anywhere.take_all()
        before = (anywhere.sent(), anywhere.shipping.query(select(shelf)), anywhere.parked())
        inbox.retry_parked()

        assert before == ([], [], [(f"{bread.id}-1", Kind.FAILED)])
        assert anywhere.sent() == [bread.id]


def test_what_is_parked_is_the_message_as_it_came(place: Street):
    fails(place, "burnt")
    place.bake("burnt")
    place.take_all()

    ((message,),) = [row.values() for row in place.shipping.query(select(parked.c.message))]

    (sent,) = place.messages()
    assert bytes(sent.data) in bytes(message)
    assert BreadBaked.__struct_config__.tag.encode() in bytes(message)
