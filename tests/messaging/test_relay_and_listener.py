"""Relay, broker, listener: from one log to another, on the broker inside the process and on a real RabbitMQ."""

from __future__ import annotations

import pytest
from kombu import Message, Producer, Queue
from kombu.transport import memory

from events.envelope import unwrap
from shared.messaging import Listener, Relay, Supervisor
from shared.messaging.broker import EXCHANGE, connect, is_memory, queue
from tests.messaging.delivery import Town, until

BROKERS = ("memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq))


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()
        return "memory://"
    url: str = request.getfixturevalue("rabbitmq")
    return url


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
            mine.delete()

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

    def test_loses_its_queues_and_delivery_goes_on(self, place: Town, rabbitmq: str, supervisor: Supervisor):
        listening(place, rabbitmq, supervisor)
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq).run)
        first = place.bake()
        until(lambda: place.parcels() == [first.id])

        with connect(rabbitmq) as connection:
            for lane in range(16):
                queue("shipping", "bakery", lane)(connection.default_channel).delete()
        breads = [place.bake().id for _ in range(10)]

        until(lambda: len(place.parcels()) == 11)
        assert sorted(place.parcels()) == sorted([first.id, *breads])
