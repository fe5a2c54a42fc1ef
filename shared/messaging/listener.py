"""The listener: brings the broker's messages to the inbox, and asks the feeds for what the broker lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from kombu import Connection, Consumer

from events.catalogue import Unreadable
from events.envelope import unwrap
from shared.messaging import points
from shared.messaging.broker import RECONNECT_AFTER, Pulse, broker_errors, connect, queues
from shared.messaging.feed import FeedUnavailable
from shared.messaging.inbox import Inbox, LaneStopped

PREFETCH = 200
MOST_UNACKED = 100
DRAIN = 0.05
POLL_EVERY = 1.0

log = structlog.get_logger(__name__)


class Listener:
    """One thread and one connection per service; a broker that is down only slows it to polling."""

    def __init__(self, service: str, inbox: Inbox, broker_url: str):
        self.service = service
        self.inbox = inbox
        self.foreign = 0
        self.ready = threading.Event()
        self._broker_url = broker_url
        self._unacked: list[Any] = []
        self._taken: set[str] = set()
        self._next_poll = 0.0

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until told to stop, calling `beat` at each turn; a broken log ends it with an error."""
        self.inbox.retry_parked()
        while not stop.is_set():
            beat()
            try:
                with connect(self._broker_url) as connection:
                    self._listen(connection, stop, beat)
            except broker_errors(self._broker_url) as error:
                log.warning("broker-away", service=self.service, error=type(error).__name__)
                self._poll()
                stop.wait(RECONNECT_AFTER)

    def _listen(self, connection: Connection, stop: threading.Event, beat: Callable[[], None]) -> None:
        # What an earlier connection brought and was not acknowledged there comes again.
        self._unacked.clear()
        self._taken.clear()
        channel, pulse = connection.default_channel, Pulse(connection)
        mine = queues(self._broker_url, self.service, list(self.inbox.feeds))
        consumer = Consumer(channel, mine, on_message=self._on_message)
        consumer.qos(prefetch_count=PREFETCH)
        with consumer:
            self.ready.set()
            while not stop.is_set():
                beat()
                try:
                    connection.drain_events(timeout=DRAIN)
                except TimeoutError:
                    self._settle()
                pulse.keep()
                if len(self._unacked) >= MOST_UNACKED:
                    self._settle()
                self._poll()
            self._settle()

    def _on_message(self, message: Any) -> None:
        try:
            event = unwrap(bytes(message.body))
            self.inbox.take(event)
            self._taken.add(event.type)
        except Unreadable as error:
            self.foreign += 1
            log.error("foreign-message", queue=message.delivery_info.get("routing_key"), error=str(error))
            message.reject()
            return
        except LaneStopped:
            return
        except FeedUnavailable as error:
            log.warning("feed-away", error=str(error))
        self._unacked.append(message)

    def _settle(self) -> None:
        """Make what was taken durable, then acknowledge it."""
        if not self._unacked:
            return
        self.inbox.flush()
        points.reached(points.BEFORE_ACK, self._taken)
        for message in self._unacked:
            message.ack()
        self._unacked.clear()
        self._taken.clear()

    def _poll(self) -> None:
        if time.monotonic() < self._next_poll:
            return
        self._next_poll = time.monotonic() + POLL_EVERY
        with suppress(LaneStopped):
            try:
                self.inbox.poll()
            except FeedUnavailable as error:
                log.warning("feed-away", error=str(error))
