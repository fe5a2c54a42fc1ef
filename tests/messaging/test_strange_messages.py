"""Messages that are none of ours, or not as they should be: each does what it should and holds up nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest
from kombu import Producer

from events.base import lane_of
from events.envelope import CONTENT_TYPE, CloudEvent
from shared.messaging import Listener, Relay, Supervisor
from shared.messaging.broker import EXCHANGE, connect, routing_key
from shared.messaging.listener import LARGEST_BODY
from tests.messaging.delivery import WITHOUT_BREAD, Town, until


def publish(broker: str, lane: int, body: bytes, **properties: object) -> None:
    """Publish as anybody could who may."""
    given = {"content_type": CONTENT_TYPE, "content_encoding": "binary", **properties}
    with connect(broker) as connection:
        producer = Producer(connection.default_channel, exchange=EXCHANGE)
        producer.publish(body, routing_key=routing_key("bakery", lane), **given)


@pytest.fixture
def listener(place: Town, rabbitmq: str, supervisor: Supervisor) -> Listener:
    listening = Listener("shipping", place.inbox(), rabbitmq)
    supervisor.start("shipping-listener", listening.run)
    until(listening.ready.is_set)
    return listening


STRANGE: dict[str, tuple[bytes, dict[str, object]]] = {
    "nothing": (b"", {}),
    "no JSON": (b"not json", {}),
    "another JSON": (b'{"id": "x"}', {}),
    "deep JSON": (b"[" * 100_000, {}),
    "a pickle": (b"\x80\x04K\x01.", {"content_type": "application/x-python-serialize"}),
    "text": ("Grüße".encode("latin-1"), {"content_type": "text/plain", "content_encoding": "latin-1"}),
    "packed": (b"not packed at all", {"headers": {"compression": "application/x-gzip"}}),
    "with forged headers": (b"{}", {"headers": {"x-death": [{"count": 99}], "x-delivery-count": "many"}}),
    "too large": (b'"' + b"x" * LARGEST_BODY + b'"', {}),
}


class TestAForeignMessage:
    @pytest.mark.parametrize("kind", STRANGE)
    def test_is_thrown_out_and_the_rest_flows(
        self, kind: str, place: Town, rabbitmq: str, listener: Listener, supervisor: Supervisor
    ):
        body, properties = STRANGE[kind]
        customer = uuid4()
        publish(rabbitmq, lane_of(customer), body, **properties)
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq).run)

        bread = place.bake(customer=customer)

        until(lambda: place.parcels() == [bread.id] and listener.foreign == 1)
        assert supervisor.restarts["shipping-listener"] == 0


CORRUPTED: dict[str, Callable[[CloudEvent], CloudEvent]] = {
    "from a service that is no upstream": lambda event: msgspec.structs.replace(
        event, source=event.source.replace("bakery", "brewery")
    ),
    "of a far future position": lambda event: msgspec.structs.replace(
        event, sequence=f"{10**15:020d}", previous=f"{10**15 - 1:020d}", id=f"{uuid4()}-1"
    ),
    "of a position that is not behind the one before it": lambda event: msgspec.structs.replace(
        event, sequence=f"{0:020d}"
    ),
    "of a position that no log can reach": lambda event: msgspec.structs.replace(event, sequence="9" * 20),
    "with an id that no log could keep": lambda event: msgspec.structs.replace(event, id="\0" * 1000),
    "of a type that no log could keep": lambda event: msgspec.structs.replace(event, type="\0.v1"),
}


class TestACorruptedMessage:
    @pytest.mark.parametrize("kind", CORRUPTED)
    def test_does_nothing_and_the_log_decides(
        self, kind: str, place: Town, rabbitmq: str, listener: Listener, supervisor: Supervisor
    ):
        customer = uuid4()
        first = place.bake(customer=customer)
        (event,) = place.messages()
        publish(rabbitmq, lane_of(customer), msgspec.json.encode(CORRUPTED[kind](event)))
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq).run)

        second = place.bake(customer=customer)

        until(lambda: place.parcels() == [first.id, second.id])
        assert listener.inbox.stopped == {}
        assert supervisor.restarts["shipping-listener"] == 0


class TestAMessageOfANewerVersion:
    def test_is_parked_with_what_follows_of_that_customer_and_others_flow(
        self, place: Town, rabbitmq: str, supervisor: Supervisor
    ):
        customer = uuid4()
        old = Listener("shipping", place.inbox(WITHOUT_BREAD), rabbitmq)
        supervisor.start("shipping-listener", old.run)
        until(old.ready.is_set)
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, rabbitmq).run)

        place.bake(customer=customer)
        place.bake(customer=customer)

        until(lambda: old.inbox.counts["parked"] == 2)
        assert place.parcels() == []
        assert supervisor.restarts["shipping-listener"] == 0
