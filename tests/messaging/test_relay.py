"""The relay: who publishes, what it notices, and how it goes on when the broker or another relay fails."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from kombu.transport import memory
from structlog.testing import capture_logs

from shared.messaging import Listener, Relay, Supervisor
from shared.messaging.broker import KEPT_IN_MEMORY, connect, queues
from shared.messaging.leases import RELAY
from tests.messaging.delivery import Town, opened, town_on_postgres, until
from tests.messaging.proxy import Proxy
from tests.servers import database_name, url_of_database

BROKER = "memory://"


@pytest.fixture
def proxy(rabbitmq: str) -> Iterator[Proxy]:
    between = Proxy(rabbitmq)
    yield between
    between.close()


def published(place: Town) -> bool:
    """Tell whether all of the bakery's log is published, and that is remembered."""
    return place.bakery.recorder.relay_position() == place.bakery.recorder.max_notification_id()


class TestAMessageThatNoQueueTakes:
    def test_is_counted_and_told_and_found_in_the_feed(self, place: Town, rabbitmq: str, supervisor: Supervisor):
        relay = Relay("bakery", place.bakery.recorder, rabbitmq)
        breads = [place.bake().id for _ in range(3)]

        with capture_logs() as said:
            supervisor.start("bakery-relay", relay.run)
            until(lambda: published(place))
        supervisor.start("shipping-listener", Listener("shipping", place.inbox(), rabbitmq).run)

        until(lambda: len(place.parcels()) == 3)
        assert relay.unroutable == 3
        assert [entry["messages"] for entry in said if entry["event"] == "unroutable"] == [3]
        assert sorted(place.parcels()) == sorted(breads)


class TestAConfirmThatNeverComes:
    def test_has_the_window_published_again(
        self, place: Town, proxy: Proxy, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("shared.messaging.relay.CONFIRM_WITHIN", 0.5)
        listener = Listener("shipping", place.inbox(), proxy.url)
        supervisor.start("shipping-listener", listener.run)
        until(listener.ready.is_set)
        relay = Relay("bakery", place.bakery.recorder, proxy.url)
        supervisor.start("bakery-relay", relay.run)
        place.bake()
        until(lambda: published(place))

        with capture_logs() as said:
            proxy.freeze()
            breads = [place.bake().id for _ in range(3)]
            until(lambda: any(entry.get("error") == "Unconfirmed" for entry in said))
            proxy.thaw()

        until(lambda: published(place) and len(place.parcels()) == 4)
        assert sorted(place.parcels()[1:]) == sorted(breads)


class TestAReaderThatIsSlow:
    def test_does_not_fill_the_memory_of_its_process(self, place: Town, supervisor: Supervisor):
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()
        with connect(BROKER) as connection:
            (queue,) = queues(BROKER, "shipping", ["bakery"])
            waiting = queue(connection.default_channel)
            waiting.declare()
            bread = place.bake()
            for _ in range(KEPT_IN_MEMORY + 100):
                bread.clean()
            place.bakery.save(bread)

            supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, BROKER).run)
            until(lambda: published(place))

            kept = waiting.queue_declare(passive=True).message_count
        supervisor.start("shipping-listener", Listener("shipping", place.inbox(), BROKER).run)
        until(lambda: place.parcels() == [bread.id])
        assert kept == KEPT_IN_MEMORY


class TestRelaysOnPostgres:
    @pytest.fixture
    def shared(self, postgres_admin_url: str) -> Iterator[tuple[Town, dict[str, str]]]:
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()
        with town_on_postgres(postgres_admin_url) as found:
            yield found

    def test_take_turns_one_of_them_publishes_and_the_other_when_that_one_has_ended(
        self, shared: tuple[Town, dict[str, str]]
    ):
        place, _ = shared
        relays = [Relay("bakery", place.bakery.recorder, BROKER) for _ in range(2)]
        supervisors = [Supervisor(give_up=lambda: None) for _ in range(2)]
        supervisors[0].start("first", relays[0].run)
        place.bake()
        until(lambda: published(place))
        supervisors[1].start("second", relays[1].run)

        place.bake()
        until(lambda: published(place))
        by_both = [relay.published for relay in relays]
        ended = supervisors[0].stop()
        place.bake()
        until(lambda: published(place))
        ended += supervisors[1].stop()

        assert by_both == [2, 0]
        assert [relay.published for relay in relays] == [2, 1]
        assert ended == []

    def test_notice_what_another_process_commits(self, shared: tuple[Town, dict[str, str]], supervisor: Supervisor):
        place, urls = shared
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, BROKER).run)

        with opened(urls) as elsewhere:
            elsewhere.bake()

        until(lambda: published(place))
        supervisor.stop()

    def test_begin_again_when_the_session_of_their_lease_is_ended(
        self, shared: tuple[Town, dict[str, str]], supervisor: Supervisor, postgres_admin_url: str
    ):
        place, urls = shared
        supervisor.start("bakery-relay", Relay("bakery", place.bakery.recorder, BROKER).run)
        place.bake()
        until(lambda: published(place))

        with psycopg.connect(url_of_database(postgres_admin_url, database_name(urls["bakery"]))) as admin:
            (ended,) = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                [RELAY],
            ).fetchone()
        place.bake()

        until(lambda: published(place) and supervisor.restarts["bakery-relay"] == 1)
        assert ended == 1
        supervisor.stop()
