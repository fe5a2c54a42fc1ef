"""The listener: brings the broker's messages to the inbox, and asks the feeds for what the broker lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from kombu import Connection, Consumer

from events.catalogue import Unreadable
from events.envelope import unwrap
from shared.messaging import points
from shared.messaging.broker import RECONNECT_AFTER, PlainMessage, Pulse, broker_errors, connected, is_memory, queues
from shared.messaging.feed import FeedUnavailable
from shared.messaging.inbox import Inbox, LaneStopped
from shared.messaging.leases import Lanes

PREFETCH = 200
MOST_UNACKED = 100
LARGEST_BODY = 1 << 20
DRAIN = 0.05
POLL_EVERY = 1.0
FREED_EVERY = 5.0

log = structlog.get_logger(__name__)


class Listener:
    """One thread and one connection per worker; a broker that is down only slows it to polling.

    Several workers of a service share its lanes: each consumes its own, and looks after the others' by polling.
    `foreign` counts messages that were none of ours.
    """

    def __init__(self, service: str, inbox: Inbox, broker_url: str):
        self.service = service
        self.inbox = inbox
        self.foreign = 0
        self.ready = threading.Event()
        self.lanes = Lanes(inbox.recorder.engine)
        self._broker_url = broker_url
        self._consumer: Consumer | None = None
        self._unacked: list[Any] = []
        self._held: list[Any] = []
        self._taken: set[str] = set()
        self._next_poll = 0.0
        self._next_freed = 0.0

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Listen until told to stop, calling `beat` at each turn; a broken log ends it with an error."""
        self.inbox.beat = beat
        with self.lanes:
            self._share_lanes()
            self.inbox.retry_parked()
            while not stop.is_set():
                beat()
                try:
                    with connected(self._broker_url) as connection:
                        self._listen(connection, stop, beat)
                except broker_errors(self._broker_url) as error:
                    log.warning("broker-away", service=self.service, error=type(error).__name__)
                    self._poll()
                    stop.wait(RECONNECT_AFTER)

    def _listen(self, connection: Connection, stop: threading.Event, beat: Callable[[], None]) -> None:
        # What an earlier connection brought and was not acknowledged there comes again.
        self._unacked.clear()
        self._held.clear()
        self._taken.clear()
        pulse = Pulse(connection)
        with self._consuming(connection):
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
                self._give_back()
            self._settle()

    @contextmanager
    def _consuming(self, connection: Connection) -> Iterator[None]:
        """Make the queues of all lanes, so that they fill meanwhile, and consume those of the own lanes."""
        channel = connection.default_channel
        if not is_memory(self._broker_url):
            channel.Message = PlainMessage
        for each in queues(self._broker_url, self.service, self.inbox.feeds):
            each(channel).declare()
        consumer = Consumer(channel, [], on_message=self._on_message, auto_declare=False)
        consumer.qos(prefetch_count=PREFETCH)
        self._consumer = consumer
        try:
            self._consume(self.lanes.mine)
            yield
        finally:
            # The end of the connection ends its consumers; to cancel each would wait for a broker that may be silent.
            self._consumer = None

    def _consume(self, lanes: Collection[int]) -> None:
        if self._consumer is not None:
            for each in queues(self._broker_url, self.service, self.inbox.feeds, lanes):
                self._consumer.add_queue(each)
            self._consumer.consume()

    def _on_message(self, message: Any) -> None:
        try:
            event = unwrap(_body(message))
            self.inbox.take(event)
            self._taken.add(event.type)
        except Unreadable as error:
            self.foreign += 1
            log.error("foreign-message", queue=message.delivery_info.get("routing_key"), error=str(error))
            message.reject()
            return
        except LaneStopped:
            self._held.append(message)
            return
        except FeedUnavailable as error:
            log.warning("feed-away", error=str(error))
        self._unacked.append(message)

    def _give_back(self) -> None:
        """Let the broker bring again what came while a lane stood still, once no lane does any more."""
        if self._held and not self.inbox.stopped:
            for message in self._held:
                message.requeue()
            self._held.clear()

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
        self._share_lanes()
        with suppress(LaneStopped):
            try:
                self.inbox.poll(self.lanes.mine)
            except FeedUnavailable as error:
                log.warning("feed-away", error=str(error))
        self._next_poll = time.monotonic() + (0 if self.inbox.behind else POLL_EVERY)
        if time.monotonic() >= self._next_freed:
            self.inbox.retry_freed()
            self._next_freed = time.monotonic() + FREED_EVERY

    def _share_lanes(self) -> None:
        """Give up what is more than this worker's share of the lanes, or take of those that are nobody's."""
        share, free = self.lanes.share()
        excess = sorted(self.lanes.mine)[share:]
        if excess:
            self._settle()
            self._leave(excess)
            self.lanes.give_up(excess)
        taken = self.lanes.take(sorted(free)[: max(0, share - len(self.lanes.mine))])
        self._consume(taken)
        if excess or taken:
            log.info("lanes-shared", service=self.service, lanes=sorted(self.lanes.mine))

    def _leave(self, lanes: Collection[int]) -> None:
        if self._consumer is not None:
            for each in queues(self._broker_url, self.service, self.inbox.feeds, lanes):
                self._consumer.cancel_by_queue(each.name)


def _body(message: Any) -> bytes:
    """Give what a message holds; Unreadable if that is too much, or text that only a stranger would send."""
    if not isinstance(message.body, bytes | memoryview):
        raise Unreadable("the message is text, not bytes")
    if len(message.body) > LARGEST_BODY:
        raise Unreadable(f"the message has {len(message.body)} bytes")
    return bytes(message.body)
