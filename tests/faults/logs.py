"""What the databases and the broker say: read with plain SQL and plain AMQP, past the suite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu import Connection, Queue
from sqlalchemy import NullPool, create_engine, text

from shared.databases import address
from shared.messaging.broker import EXCHANGE
from tests.journeys.running import SERVICES, RunningSuite

PATIENCE = 60  # seconds: a broker that is deleting another test's queues answers late


def service_of(fact: dict[str, Any]) -> str:
    """Tell in whose log a fact stands."""
    return str(fact["type"].split(".")[1])


class Databases:
    """The services' databases."""

    def __init__(self, suite: RunningSuite):
        home = Path(suite.environment["CARETRAIL_HOME"])
        self._engines = {
            name: create_engine(
                address(suite.environment.get(f"{name.upper()}_DATABASE_URL", f"sqlite:///{home / name}.sqlite")),
                poolclass=NullPool,
            )
            for name in SERVICES
        }

    def ask(self, service: str, query: str, **given: Any) -> list[Any]:
        """Run a query and give its rows."""
        with self._engines[service].connect() as connection:
            return list(connection.execute(text(query), given))

    def count(self, type_name: str) -> int:
        """Count the facts of a type."""
        ((count,),) = self.ask(
            type_name.split(".")[1], "SELECT count(*) FROM events WHERE topic = :type", type=type_name
        )
        return int(count)

    def latest(self, type_name: str) -> dict[str, Any]:
        """Give the last fact of a type: its type and its place in the log."""
        asked = "SELECT max(position) FROM events WHERE topic = :type"
        ((position,),) = self.ask(type_name.split(".")[1], asked, type=type_name)
        return {"type": type_name, "sequence": position}

    def taken(self, service: str, fact: dict[str, Any]) -> bool:
        """Tell whether a service's position has passed a fact."""
        asked = "SELECT sequence FROM positions WHERE upstream = :upstream AND lane = :lane"
        found = self.ask(service, asked, upstream=service_of(fact), lane=self.lane(fact))
        return any(reached >= int(fact["sequence"]) for (reached,) in found)

    def lane(self, fact: dict[str, Any]) -> int:
        """Look up the lane of a fact."""
        asked = "SELECT lane FROM events WHERE position = :position"
        ((lane,),) = self.ask(service_of(fact), asked, position=int(fact["sequence"]))
        return int(lane)

    def published(self, fact: dict[str, Any]) -> bool:
        """Tell whether the relay's position has passed a fact."""
        found = self.ask(service_of(fact), "SELECT position FROM relay_position")
        return any(position >= int(fact["sequence"]) for (position,) in found)

    def parked(self) -> dict[str, int]:
        """Count the parked events of the services that have any."""
        counts = {name: self.ask(name, "SELECT count(*) FROM parked")[0][0] for name in SERVICES}
        return {name: count for name, count in counts.items() if count}


class Broker:
    """A test's own virtual host."""

    def __init__(self, url: str):
        self.url = url

    @contextmanager
    def overhearing(self, upstream: str) -> Iterator[Overheard]:
        """Take a copy of every message that a service publishes meanwhile."""
        with Connection(self.url, connect_timeout=PATIENCE) as connection:
            yield Overheard(connection, upstream)

    def waiting(self, consumer: str, fact: dict[str, Any], lane: int) -> int:
        """Count the messages that wait for a consumer in a fact's lane and are in nobody's hands."""
        with Connection(self.url, connect_timeout=PATIENCE) as connection:
            name = f"{consumer}.{service_of(fact)}.{lane}.v1"
            return int(connection.default_channel.queue_declare(name, passive=True).message_count)


class Overheard:
    """Copies of messages, kept in a queue of its own."""

    def __init__(self, connection: Connection, upstream: str):
        self._ids: list[str] = []
        binding = Queue("overheard", EXCHANGE, routing_key=f"{upstream}.#", durable=False, exclusive=True)
        self._queue = binding(connection.default_channel)
        self._queue.declare()

    def times(self, fact: dict[str, Any]) -> int:
        """Count how often a fact was published so far."""
        while (message := self._queue.get(no_ack=True)) is not None:
            self._ids.append(json.loads(bytes(message.body))["id"])
        return self._ids.count(fact["id"])
