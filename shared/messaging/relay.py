"""The relay: publishes a log to the broker, in order, repeating rather than losing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from kombu import Connection, Producer

from events.envelope import CONTENT_TYPE, CloudEvent, wrap
from shared.eventlog import Commit, LoggedEvent, LogRecorder, Replace
from shared.eventlog.tables import relay_position
from shared.messaging import points
from shared.messaging.broker import (
    ANSWER_WITHIN,
    EXCHANGE,
    RECONNECT_AFTER,
    Pulse,
    broker_errors,
    connected,
    is_memory,
    routing_key,
)
from shared.messaging.leases import Lease

WINDOW = 256
CONFIRM_WITHIN = 10.0
IDLE = 0.02
IDLE_ALONE = 0.5
STORE_EVERY = 0.2
LEASE_RETRY = 1.0

Beat = Callable[[], None]

log = structlog.get_logger(__name__)


class Unconfirmed(Exception):
    """The broker did not confirm a window in time, or refused a message: the window is published again."""


class Relay:
    """Publishes what its service has recorded. One is active at a time; two would only repeat.

    `published` counts events, `unroutable` those that no queue took: their consumers find them in the feed.
    """

    def __init__(self, service: str, recorder: LogRecorder, broker_url: str):
        self.service = service
        self.published = 0
        self.unroutable = 0
        self._recorder = recorder
        self._broker_url = broker_url
        # A SQLite log is written by this process only, which says when it commits; others must be looked for.
        self._idle = IDLE_ALONE if recorder.engine.dialect.name == "sqlite" else IDLE
        self._position = 0
        self._stored = 0
        self._store_at = 0.0

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Publish until told to stop, calling `beat` at each turn; a broker that is away is tried again and again."""
        away: tuple[type[BaseException], ...] = (Unconfirmed, *broker_errors(self._broker_url))
        while not stop.is_set():
            beat()
            try:
                with Lease(self._recorder.engine) as lease, connected(self._broker_url) as connection:
                    self._publish(lease, connection, stop, beat)
            except away as error:
                log.warning("broker-away", service=self.service, error=type(error).__name__)
                stop.wait(RECONNECT_AFTER)

    def _publish(self, lease: Lease, connection: Connection, stop: threading.Event, beat: Beat) -> None:
        window = _Window(connection, not is_memory(self._broker_url), stop, beat)
        while not lease.held():
            beat()
            window.rest()
            if stop.wait(LEASE_RETRY):
                return
        epoch = self._recorder.epoch()
        self._position = self._stored = self._recorder.relay_position()
        more = True
        while not stop.is_set():
            beat()
            full = more and self._publish_next(window, epoch)
            self._store(at_once=False)
            window.rest()
            more = full or self._wait_for_more(lease)
        self._store(at_once=True)

    def _publish_next(self, window: _Window, epoch: UUID) -> bool:
        """Publish what is next and tell whether there may be more."""
        pending = self._recorder.read(self._position, limit=WINDOW)
        if pending:
            types = {event.topic for event in pending}
            points.reached(points.BEFORE_PUBLISH, types)
            self.unroutable += window.publish([self._message(epoch, event) for event in pending])
            points.reached(points.AFTER_PUBLISH, types)
            self._position = pending[-1].position
            self.published += len(pending)
        return len(pending) == WINDOW

    def _wait_for_more(self, lease: Lease) -> bool:
        self._recorder.committed.wait(self._idle if self._position == self._stored else min(self._idle, STORE_EVERY))
        self._recorder.committed.clear()
        return lease.sees_newer(self._position)

    def _store(self, *, at_once: bool) -> None:
        """Remember how far this log is published, some times a second: what is forgotten is only repeated."""
        if self._position == self._stored or (not at_once and time.monotonic() < self._store_at):
            return
        row = {"one": 1, "position": self._position}
        self._recorder.write(Commit(rows=[Replace(relay_position, {"one": 1}, [row])]))
        self._stored, self._store_at = self._position, time.monotonic() + STORE_EVERY

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

    def __init__(self, connection: Connection, confirms: bool, stop: threading.Event, beat: Beat):
        self._connection = connection
        self._pulse = Pulse(connection)
        self._producer = Producer(connection.default_channel)
        self._confirms = confirms
        self._stop = stop
        self._beat = beat
        self._sent = 0
        self._returns = 0
        self._open: set[int] = set()
        self._refused = False
        self._blocked = False
        EXCHANGE(connection.default_channel).declare()
        if confirms:
            self._listen_for_confirms()

    def _listen_for_confirms(self) -> None:
        channel = self._connection.default_channel
        channel.confirm_select()
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(self._nacked)
        channel.events["basic_return"].add(self._returned)
        self._connection.connection.on_blocked = lambda _why: self._set_blocked(True)
        self._connection.connection.on_unblocked = lambda: self._set_blocked(False)

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """Publish in order and give how many no queue took; Unconfirmed if the broker does not take them all in time.

        A broker that says it is blocked (out of memory or disk) is waited for: another connection would be no better.
        """
        self._returns = 0
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
                timeout=ANSWER_WITHIN,
            )
        self._confirm()
        if self._returns:
            log.warning("unroutable", messages=self._returns)
        return self._returns

    def _confirm(self) -> None:
        deadline = time.monotonic() + CONFIRM_WITHIN
        while self._open and not self._refused:
            self._beat()
            try:
                self._connection.drain_events(timeout=1.0)
            except TimeoutError:
                self._connection.heartbeat_check()
            if self._blocked:
                deadline = time.monotonic() + CONFIRM_WITHIN
                if self._stop.is_set():
                    break
            if time.monotonic() > deadline:
                break
        if self._open:
            raise Unconfirmed(f"the broker refused or did not confirm {len(self._open)} messages")

    def rest(self) -> None:
        """Keep the connection alive while there is nothing to publish."""
        self._pulse.keep()

    def _set_blocked(self, blocked: bool) -> None:
        log.warning("broker-blocked" if blocked else "broker-unblocked")
        self._blocked = blocked

    def _acked(self, tag: int, multiple: bool) -> None:
        self._open -= {open_tag for open_tag in self._open if open_tag <= tag} if multiple else {tag}

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = True

    def _returned(self, error: Exception, exchange: str, key: str, message: Any) -> None:
        self._returns += 1
