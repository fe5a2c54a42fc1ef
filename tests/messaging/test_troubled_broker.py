"""A broker that is silent, slow, full or blocked: no command notices, delivery goes on, and all heals by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from shared.messaging import Listener, Relay, Supervisor
from tests.faults.private import PrivateBroker, private_broker
from tests.messaging.delivery import Town, until
from tests.messaging.proxy import Proxy

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def proxy(rabbitmq: str) -> Iterator[Proxy]:
    between = Proxy(rabbitmq)
    yield between
    between.close()


def working(place: Town, broker: str, supervisor: Supervisor, listened_to: str | None = None) -> tuple[Relay, Listener]:
    """Start the bakery's relay and shipping's listener, and see them work."""
    relay = Relay("bakery", place.bakery.recorder, broker)
    listener = Listener("shipping", place.inbox(), listened_to or broker)
    supervisor.start("shipping-listener", listener.run)
    until(listener.ready.is_set)
    supervisor.start("bakery-relay", relay.run)
    bread = place.bake()
    until(lambda: place.parcels() == [bread.id])
    return relay, listener


def published(place: Town) -> bool:
    """Tell whether the relay has published all of the bakery's log, and remembers it."""
    return place.bakery.recorder.relay_position() == place.bakery.recorder.max_notification_id()


class TestABrokerThatFallsSilent:
    def test_touches_no_command_and_no_delivery_and_is_caught_up_with(
        self, place: Town, proxy: Proxy, supervisor: Supervisor
    ):
        _, listener = working(place, proxy.url, supervisor)

        proxy.freeze()
        breads = [place.bake().id for _ in range(40)]
        until(lambda: len(place.parcels()) == 41)
        by_the_broker_alone = published(place)
        proxy.thaw()

        until(lambda: published(place))
        assert not by_the_broker_alone
        assert sorted(place.parcels()[1:]) == sorted(breads)
        assert listener.inbox.counts["caught-up"] >= 40
        assert supervisor.stuck() == []

    def test_keeps_no_loop_from_ending(
        self, place: Town, proxy: Proxy, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("shared.messaging.broker.ANSWER_WITHIN", 1.0)
        working(place, proxy.url, supervisor)

        proxy.freeze()
        place.bake()
        late = supervisor.stop(within=25)

        assert late == []


class TestASlowBroker:
    def test_delivers_all_once_without_being_thrown_out(self, place: Town, proxy: Proxy, supervisor: Supervisor):
        working(place, proxy.url, supervisor)
        connections = proxy.accepted

        proxy.delay = 0.2
        breads = [place.bake().id for _ in range(40)]

        until(lambda: len(place.parcels()) == 41 and published(place))
        assert sorted(place.parcels()[1:]) == sorted(breads)
        assert proxy.accepted == connections


class TestABrokerThatBlocksPublishers:
    def test_is_waited_for_on_one_connection_and_nothing_else_waits(
        self, place: Town, rabbitmq: str, proxy: Proxy, supervisor: Supervisor
    ):
        relay, _ = working(place, proxy.url, supervisor, listened_to=rabbitmq)

        with capture_logs() as said:
            proxy.block()
            breads = [place.bake().id for _ in range(40)]
            until(told(said, "broker-blocked"))
            until(lambda: len(place.parcels()) == 41)
            while_blocked = (relay.published, proxy.accepted, supervisor.stuck())
            proxy.unblock()
            until(lambda: published(place))

        assert sorted(place.parcels()[1:]) == sorted(breads)
        assert while_blocked == (1, 1, [])
        assert not told(said, "broker-away")()


@pytest.fixture(scope="module")
def node(rabbitmq_account: str | None) -> Iterator[PrivateBroker]:
    """A broker of our own, which may be brought into trouble; only where there is a broker at all."""
    with private_broker() as started:
        yield started


TROUBLES: dict[str, tuple[list[str], list[str]]] = {
    "memory": (["set_vm_memory_high_watermark", "absolute", "1"], ["set_vm_memory_high_watermark", "0.6"]),
    "disk": (["set_disk_free_limit", "1000000GB"], ["set_disk_free_limit", "1MB"]),
}


@pytest.mark.long
class TestABrokerOutOf:
    @pytest.mark.parametrize("what", TROUBLES)
    def test_is_waited_for_on_one_connection_and_nothing_else_waits(
        self, what: str, place: Town, node: PrivateBroker, supervisor: Supervisor
    ):
        short_of, enough = TROUBLES[what]
        relay, _ = working(place, node.url, supervisor)

        with capture_logs() as said:
            node._control(*short_of)
            breads = [place.bake().id for _ in range(40)]
            until(told(said, "broker-blocked"))
            until(lambda: len(place.parcels()) == 41)
            while_blocked = (relay.published, supervisor.restarts["bakery-relay"], supervisor.stuck())
            node._control(*enough)
            until(lambda: published(place))

        assert sorted(place.parcels()[1:]) == sorted(breads)
        assert while_blocked == (1, 0, [])
        assert not told(said, "broker-away")()


@pytest.mark.long
class TestABrokerThatIsKilled:
    def test_comes_back_to_a_relay_and_a_listener_that_go_on(
        self, place: Town, node: PrivateBroker, supervisor: Supervisor
    ):
        working(place, node.url, supervisor)

        node.kill()
        during = [place.bake().id for _ in range(10)]
        until(lambda: len(place.parcels()) == 11)
        node.start()
        after = [place.bake().id for _ in range(10)]

        until(lambda: len(place.parcels()) == 21 and published(place))
        assert sorted(place.parcels()[1:]) == sorted(during + after)


def told(said: list[dict[str, object]], event: str) -> Callable[[], bool]:
    """Give a look into what was logged."""
    return lambda: any(entry["event"] == event for entry in said)
