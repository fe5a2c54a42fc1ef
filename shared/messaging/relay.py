"""The relay: publishes a log to the broker, in order, repeating rather than losing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import msgspec
import structlog
from kombu import Connection, Producer
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from events.envelope import CONTENT_TYPE, CloudEvent, wrap
from shared.eventlog import Commit, LoggedEvent, LogRecorder, LogUnavailable, Replace
from shared.eventlog.tables import relay_position
from shared.messaging import points
from shared.messaging.broker import EXCHANGE, RECONNECT_AFTER, Pulse, broker_errors, connect, is_memory, routing_key

WINDOW = 256
CONFIRM_WITHIN = 10.0
IDLE = 0.02
IDLE_ALONE = 0.5
LEASE_RETRY = 1.0
LEASE_KEY = 7_201_963

log = structlog.get_logger(__name__)


class Unconfirmed(Exception):
    """The broker did not confirm a window in time, or refused a message: the window is published again."""


class Relay:
    """Publishes what its service has recorded. One is active at a time; two would only repeat."""

    def __init__(self, service: str, recorder: LogRecorder, broker_url: str):
        self.service = service
        self.published = 0
        self.unroutable = 0
        self._recorder = recorder
        self._broker_url = broker_url
        # A SQLite log is written by this process only, which says when it commits; others must be looked for.
        self._idle = IDLE_ALONE if recorder.engine.dialect.name == "sqlite" else IDLE

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Publish until told to stop, calling `beat` at each turn; a broker that is away is tried again and again."""
        away: tuple[type[BaseException], ...] = (Unconfirmed, *broker_errors(self._broker_url))
        while not stop.is_set():
            beat()
            try:
                with Lease(self._recorder.engine) as lease, connect(self._broker_url) as connection:
                    self._publish(lease, connection, stop, beat)
            except away as error:
                log.warning("broker-away", service=self.service, error=type(error).__name__)
                stop.wait(RECONNECT_AFTER)

    def _publish(self, lease: Lease, connection: Connection, stop: threading.Event, beat: Callable[[], None]) -> None:
        epoch, position = self._recorder.epoch(), None
        window = _Window(connection, confirms=not is_memory(self._broker_url))
        while not stop.is_set():
            beat()
            if not lease.held():
                stop.wait(LEASE_RETRY)
                continue
            if position is None:
                position = self._recorder.relay_position()
            position = self._publish_next(window, epoch, position)

    def _publish_next(self, window: _Window, epoch: UUID, position: int) -> int:
        pending = self._recorder.read(position, limit=WINDOW)
        if not pending:
            window.rest()
            self._recorder.committed.wait(self._idle)
            self._recorder.committed.clear()
            return position
        last = pending[-1]
        types = {event.topic for event in pending}
        points.reached(points.BEFORE_PUBLISH, types)
        window.publish([self._message(epoch, event) for event in pending])
        points.reached(points.AFTER_PUBLISH, types)
        stored = Replace(relay_position, {"one": 1}, [{"one": 1, "position": last.position}])
        self._recorder.write(Commit(rows=[stored]))
        self.published += len(pending)
        self.unroutable = window.returned
        return last.position

    def _message(self, epoch: UUID, event: LoggedEvent) -> tuple[str, bytes]:
        return routing_key(self.service, event.lane), msgspec.json.encode(envelope_of(self.service, epoch, event))


def envelope_of(service: str, epoch: UUID, event: LoggedEvent) -> CloudEvent:
    """Put an event of a log into its envelope."""
    return wrap(
        service,
        epoch,
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        state=event.state,
        partition=event.patient_id or event.originator_id,
        position=event.position,
        previous=event.previous,
        recorded_at=event.recorded_at,
    )


class _Window:
    """Publishes a number of messages and waits until the broker has confirmed them all."""

    def __init__(self, connection: Connection, confirms: bool):
        self.returned = 0
        self._connection = connection
        self._pulse = Pulse(connection)
        self._channel = connection.default_channel
        self._producer = Producer(self._channel)
        self._confirms = confirms
        self._sent = 0
        self._open: set[int] = set()
        self._refused = False
        EXCHANGE(self._channel).declare()
        if confirms:
            self._channel.confirm_select()
            self._channel.events["basic_ack"].add(self._acked)
            self._channel.events["basic_nack"].add(self._nacked)
            self._channel.events["basic_return"].add(self._returned)

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish in order; Unconfirmed if the broker does not take them all in time."""
        for key, body in messages:
            self._sent += 1
            if self._confirms:
                self._open.add(self._sent)
            self._producer.publish(
                body,
                routing_key=key,
                exchange=EXCHANGE.name,
                content_type=CONTENT_TYPE,
                content_encoding="binary",
                mandatory=self._confirms,
                delivery_mode=2,
            )
        self._confirm()

    def _confirm(self) -> None:
        deadline = time.monotonic() + CONFIRM_WITHIN
        while self._open and not self._refused:
            try:
                self._connection.drain_events(timeout=max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                raise Unconfirmed(f"{len(self._open)} messages were not confirmed in {CONFIRM_WITHIN} s") from None
        if self._refused:
            raise Unconfirmed("the broker refused a message")

    def rest(self) -> None:
        """Keep the connection alive while there is nothing to publish."""
        self._pulse.keep()

    def _acked(self, tag: int, multiple: bool) -> None:
        self._open -= {open_tag for open_tag in self._open if open_tag <= tag} if multiple else {tag}

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = True

    def _returned(self, error: Exception, exchange: str, key: str, message: Any) -> None:
        self.returned += 1
        log.warning("unroutable", routing_key=key)


class Lease:
    """Says which of several relays of one log is active: a session lock on PostgreSQL; a SQLite log has one process."""

    def __init__(self, engine: Engine):
        self._shared = engine.dialect.name == "postgresql"
        self._engine = engine
        self._holds = not self._shared

    def __enter__(self) -> Self:
        if self._shared:
            with _as_outage():
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self

    def held(self) -> bool:
        """Tell whether this one is active; try to become it if not."""
        if self._shared:
            statement = "SELECT 1" if self._holds else f"SELECT pg_try_advisory_lock({LEASE_KEY})"
            with _as_outage():
                self._holds = bool(self._connection.scalar(text(statement)))
        return self._holds

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shared:
            self._connection.invalidate()
            self._connection.close()


@contextmanager
def _as_outage() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise LogUnavailable("the log's database does not answer") from error
