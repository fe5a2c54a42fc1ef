"""Relay, broker, listener: from one log to another, on the broker inside the process and on a real RabbitMQ."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Message, Producer, Queue
from kombu.transport import memory

from events.envelope import unwrap
from shared.messaging import Listener, Relay, Supervisor
from shared.messaging.broker import EXCHANGE, connect, is_memory, queue
from tests.messaging.delivery import Town, town, until

BROKERS = ("memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq))


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()
        return "memory://"
    url: str = request.getfixturevalue("rabbitmq_vhost")
    return url


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as opened:
        yield opened


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    watching = Supervisor(give_up=lambda: None)
    yield watching
    assert watching.stop() == []


def listening(place: Town, broker: str, supervisor: Supervisor) -> Listener:
    """Start shipping's listener and wait until its queues are there."""
    listener = Listener("shipping", place.inbox(), broker)
    supervisor.start("shipping-listener", listener.run)
    until(lambda: listener.ready.is_set())
    return listener


class TestFromLogToLog:
    def test_what_is_recorded_reaches_the_other_service_by_the_broker(
        self, place: Town, broker: str, supervisor: Supervisor
    ):
        listener = listening(place, broker, supervisor)
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, broker).run)

        breads = [place.bake().id for _ in range(50)]

        until(lambda: len(place.parcels()) == 50)
        assert sorted(place.parcels()) == sorted(breads)
        assert listener.inbox.counts["caught-up"] < 50

    def test_a_broker_that_lost_everything_is_healed_by_the_feed(
        self, place: Town, broker: str, supervisor: Supervisor
    ):
        breads = [place.bake().id for _ in range(20)]

        listening(place, broker, supervisor)

        until(lambda: len(place.parcels()) == 20)
        assert sorted(place.parcels()) == sorted(breads)

    def test_two_relays_only_repeat(self, place: Town, broker: str, supervisor: Supervisor):
        listening(place, broker, supervisor)
        for number in (1, 2):
            supervisor.start(f"relay-{number}", Relay("bakery", place.bakery.recorder, broker).run)

        breads = [place.bake().id for _ in range(20)]

        until(lambda: len(place.parcels()) == 20)
        assert sorted(place.parcels()) == sorted(breads)

    def test_a_foreign_message_is_thrown_out_and_the_rest_flows(self, place: Town, broker: str, supervisor: Supervisor):
        listener = listening(place, broker, supervisor)
        with connect(broker) as connection:
            producer = Producer(connection.default_channel, exchange=EXCHANGE)
            for body in (b"not json", b'{"id": "x"}', b"\xff\xfe", b"[" * 5000):
                producer.publish(body, routing_key="bakery.0", content_type="text/plain", content_encoding="binary")
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, broker).run)

        bread = place.bake()

        until(lambda: place.parcels() == [bread.id] and listener.foreign == 4)

    def test_the_bytes_on_the_broker_are_the_bytes_in_the_log(self, place: Town, broker: str, supervisor: Supervisor):
        bread = place.bake()
        (logged,) = place.bakery.recorder.read()
        with connect(broker) as connection:
            mine = Queue("reader", EXCHANGE, routing_key=f"bakery.{logged.lane}")(connection.default_channel)
            mine.declare()
            supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, broker).run)
            messages: list[Message] = []
            until(lambda: _take(mine, messages))

        envelope = unwrap(bytes(messages[0].body))
        assert bytes(envelope.data) == logged.state
        assert (envelope.id, envelope.position) == (f"{bread.id}-1", logged.position)


def _take(mine: Queue, messages: list[Message]) -> bool:
    found = mine.get()
    if found is not None:
        messages.append(found)
        found.ack()
    return bool(messages)


class TestTheBroker:
    def test_that_is_away_touches_no_command_and_stops_no_delivery(self, place: Town, supervisor: Supervisor):
        nowhere = "amqp://guest:guest@127.0.0.1:1//"
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, nowhere).run)
        supervisor.start("shipping-listener", Listener("shipping", place.inbox(), nowhere).run)

        bread = place.bake()

        until(lambda: place.parcels() == [bread.id])
        assert not is_memory(nowhere)

    @pytest.mark.rabbitmq
    def test_loses_its_queues_and_delivery_goes_on(self, place: Town, rabbitmq_vhost: str, supervisor: Supervisor):
        listening(place, rabbitmq_vhost, supervisor)
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq_vhost).run)
        first = place.bake()
        until(lambda: place.parcels() == [first.id])

        with connect(rabbitmq_vhost) as connection:
            for lane in range(16):
                queue("shipping", "bakery", lane)(connection.default_channel).delete()
        breads = [place.bake().id for _ in range(10)]

        until(lambda: len(place.parcels()) == 11)
        assert sorted(place.parcels()) == sorted([first.id, *breads])


class TestSupervision:
    def test_a_loop_that_dies_is_started_again(self, supervisor: Supervisor):
        runs: list[int] = []

        def dies_twice(stop: threading.Event, beat: object) -> None:
            runs.append(1)
            if len(runs) < 3:
                raise RuntimeError("dead")
            stop.wait()

        supervisor.start("loop", dies_twice)  # type: ignore[arg-type]

        until(lambda: len(runs) == 3)
        assert supervisor.restarts["loop"] == 2

    def test_five_deaths_in_a_minute_are_given_up(self):
        gave_up = threading.Event()
        watching = Supervisor(give_up=gave_up.set)

        def dies(stop: threading.Event, beat: object) -> None:
            raise RuntimeError("dead")

        watching.start("loop", dies)  # type: ignore[arg-type]

        until(gave_up.is_set)
        watching.stop()

    def test_a_loop_without_a_beat_for_ten_seconds_is_stuck(self, monkeypatch: pytest.MonkeyPatch):
        now = [1000.0]
        monkeypatch.setattr("shared.messaging.supervisor.time.monotonic", lambda: now[0])
        watching = Supervisor(give_up=lambda: None)
        began = threading.Event()

        def sleeps(stop: threading.Event, beat: object) -> None:
            began.set()
            stop.wait()

        watching.start("loop", sleeps)  # type: ignore[arg-type]
        began.wait()
        now[0] += 9.0
        before = watching.stuck()
        now[0] += 2.0

        assert (before, watching.stuck()) == ([], ["loop"])
        watching.stop()
