"""An application on a log: upcasting, the process environment, large saves, refusals."""

import json
import os
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from events.base import lane_of
from events.catalogue import UnknownType, Unreadable
from shared.eventlog import Commit, Refused, open_log
from shared.eventlog.commit import PlacedEvent
from tests.eventlog.bakery import CATALOGUE, Bakery, Loaf, Order, OrderPlaced, a_context

VERSION_1 = "caretrail.bakery.order-placed.v1"
HOSTILE = {
    "PERSISTENCE_MODULE": "eventsourcing.postgres",
    "COMPRESSOR_TOPIC": "zlib",
    "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
    "CIPHER_KEY": "ss1gjGhqDFOcFCFRmnDFTA==",
    "MAPPER_TOPIC": "nowhere:Mapper",
    "TRANSCODER_TOPIC": "nowhere:Transcoder",
    "APPLICATION_RECORDER_TOPIC": "nowhere:Recorder",
    "SQLITE_DBNAME": "/nowhere/stray.db",
    "SQLITE_LOCK_TIMEOUT": "soon",
    "POSTGRES_DBNAME": "stray",
    "POSTGRES_HOST": "nowhere.invalid",
    "POSTGRES_PORT": "none",
    "POSTGRES_USER": "stray",
    "POSTGRES_PASSWORD": "stray",
    "POSTGRES_POOL_SIZE": "many",
    "IS_SNAPSHOTTING_ENABLED": "y",
    "AGGREGATE_CACHE_MAXSIZE": "many",
    "CREATE_TABLE": "perhaps",
    "ORIGINATOR_ID_TYPE": "text",
}


def written(shop: Bakery, topic: str, **fields) -> UUID:
    """Put a body as it was written by some version straight into the log."""
    order_id = uuid4()
    body = {
        "type": topic,
        "originator_id": str(order_id),
        "originator_version": 1,
        "occurred_at": "2026-11-23T06:30:00Z",
        "patient_id": None,
        "actor": {"id": "baker-1", "role": "baker", "on_behalf_of": None},
        "correlation_id": str(UUID(int=7)),
        "causation_id": "request-1",
        **fields,
    }
    state = json.dumps(body, indent=1).encode()
    shop.recorder.write(Commit([PlacedEvent(order_id, 1, topic, state, lane_of(order_id), None)]))
    return order_id


class TestOlderVersion:
    """An order of version 1 stands in the log as it was written; readers see version 2."""

    @pytest.fixture
    def old(self, shop):
        sealed = {"identity": {"open": {"customer": "Grace"}}}
        return written(shop, VERSION_1, due="2025-01-31", loaf="dark", sealed=sealed)

    def test_loads_as_the_newest(self, shop, old):
        order = shop.get(Order, old)

        assert order.loaves == (Loaf(name="dark", price=Decimal("3.50")),)
        assert (order.due, order.customer) == (date(2025, 1, 31), "Grace")

    def test_is_forwarded_as_it_was_written(self, shop, old):
        (logged,) = shop.recorder.read()

        assert logged.topic == VERSION_1
        assert logged.state.startswith(b'{\n "type": "caretrail.bakery.order-placed.v1",\n')
        assert json.loads(logged.state)["loaf"] == "dark"

    def test_is_followed_by_newer_ones(self, shop, old):
        order = shop.get(Order, old, a_context())
        order.add("white bread")
        shop.save(order)

        assert [loaf.name for loaf in shop.get(Order, old).loaves] == ["dark", "white bread"]
        assert [event.topic for event in shop.recorder.read()] == [VERSION_1, "caretrail.bakery.loaf-added.v1"]

    def test_that_cannot_be_brought_up_says_so(self, shop):
        order_id = written(shop, VERSION_1, due="2025-01-31")

        with pytest.raises(Unreadable, match="order-placed"):
            shop.get(Order, order_id)


class TestNewerVersion:
    def test_is_not_known_and_not_skipped(self, shop):
        order_id = written(shop, "caretrail.bakery.order-placed.v3", due="2031-01-31")

        with pytest.raises(UnknownType, match=r"order-placed\.v3"):
            shop.get(Order, order_id)

    def test_with_additional_fields_loads(self, shop):
        order_id = written(shop, "caretrail.bakery.order-placed.v2", due="2031-01-31", ribbon="blue")

        assert shop.get(Order, order_id).due == date(2031, 1, 31)


class TestEnvironment:
    def test_of_the_process_changes_nothing(self, log_url, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        for name, value in HOSTILE.items():
            monkeypatch.setenv(name, value)
            monkeypatch.setenv(f"BAKERY_{name}", value)
        assert os.environ["BAKERY_CIPHER_KEY"] == HOSTILE["CIPHER_KEY"]

        recorder = open_log(log_url)
        shop = Bakery(recorder, CATALOGUE)
        order = shop.save(Order.place(a_context()))

        (logged,) = recorder.read()
        assert logged.state.startswith(b'{"type":"caretrail.bakery.order-placed.v2"')
        assert shop.get(Order, order.id).version == 1
        assert (shop.snapshots, shop.repository.cache) == (None, None)
        recorder.close()


class TestLargeSave:
    def test_of_a_thousand_events_goes_through(self, shop):
        order = Order.place(a_context(key="k1"))
        order.add(*(f"loaf {number}" for number in range(999)))

        shop.save(order)

        assert shop.recorder.max_notification_id() == 1000
        stored = shop.find_key("baker-1", "k1")
        assert (stored.version, stored.first_position, stored.last_position) == (1000, 1, 1000)

    def test_of_a_large_body_goes_through(self, shop):
        order = Order.place(a_context())
        order.record(OrderPlaced, due=order.due, wish="x" * 5_000_000)

        shop.save(order)

        assert len(shop.recorder.read()[1].state) > 5_000_000


class TestRefusal:
    def test_names_the_steps_that_are_allowed(self):
        order = Order.place(a_context())
        order.bake()

        with pytest.raises(Refused, match="is baked") as refused:
            order.add("rye bread")

        assert (refused.value.allowed, refused.value.code) == (("place",), "refused-by-rule")


class TestApplication:
    def test_leaves_the_log_open_when_it_is_forgotten(self, recorder):
        Bakery(recorder, CATALOGUE).save(Order.place(a_context()))

        assert Bakery(recorder, CATALOGUE).save(Order.place(a_context())).version == 1

    def test_closes_the_log_on_request(self, shop):
        shop.close()

        with pytest.raises(Exception, match="closed"):
            shop.save(Order.place(a_context()))

    def test_offers_no_subscription(self, recorder):
        with pytest.raises(TypeError, match="relay and feed"):
            recorder.subscribe()

    def test_takes_no_argument_that_it_does_not_know(self, shop):
        with pytest.raises(TypeError):
            shop.save(Order.place(a_context()), tracking=7)
