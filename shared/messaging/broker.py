"""The broker's topology: one topic exchange, one durable queue per (consumer, upstream, lane)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError
from kombu.transport import memory, pyamqp

from events.base import LANES

EXCHANGE = Exchange("caretrail.events", type="topic", durable=True)
MEMORY_POLLING = 0.01
KEPT_MESSAGES = 100_000
KEPT_IN_MEMORY = 1_000
DELIVERY_LIMIT = 20
HEARTBEAT = 20
ANSWER_WITHIN = 5.0
RECONNECT_AFTER = 1.0


def connect(url: str) -> Connection:
    """Open a broker connection for one thread of one process; never share it."""
    if is_memory(url):
        return Connection(url, transport=_Memory, transport_options={"polling_interval": MEMORY_POLLING})
    # One try: whoever connects has its own way to wait, and kombu's would be for ever.
    once = {"max_retries": 1, "interval_start": 0, "interval_max": 0}
    timeouts = {"read_timeout": ANSWER_WITHIN, "write_timeout": ANSWER_WITHIN}
    return Connection(url, heartbeat=HEARTBEAT, connect_timeout=ANSWER_WITHIN, transport_options={**once, **timeouts})


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a connection for a while; one that broke is dropped without the farewell that nobody might answer."""
    connection = connect(url)
    try:
        yield connection
    except BaseException:
        connection.collect()
        raise
    connection.release()


def broker_errors(url: str) -> tuple[type[BaseException], ...]:
    """List the errors that mean: the broker is away, or threw us out."""
    found: tuple[type[BaseException], ...] = (OperationalError, OSError, *Connection(url).connection_errors)
    return (*found, *Connection(url).channel_errors)


class _MemoryChannel(memory.Channel):  # type: ignore[misc, unused-ignore]
    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Let fall what a slow reader has no room for: the log heals it, and memory is for the living."""
        if self._size(queue) < KEPT_IN_MEMORY:
            super()._put(queue, message, **kwargs)


class _Memory(memory.Transport):  # type: ignore[misc, unused-ignore]
    Channel = _MemoryChannel


class PlainMessage(pyamqp.Message):  # type: ignore[misc, unused-ignore]
    """A message whose body is taken as it came: by a header of its own, a stranger could have kombu unpack it."""

    def __init__(self, message: Any, channel: Any = None, **kwargs: Any):
        message.properties.pop("application_headers", None)
        super().__init__(message, channel, **kwargs)


class Pulse:
    """Keeps a quiet connection alive: takes what the broker sent and answers its heartbeats, every few seconds."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._due = time.monotonic() + HEARTBEAT / 4

    def keep(self) -> None:
        """Do what is due; a connection error if the broker has gone silent."""
        if time.monotonic() < self._due or not self._connection.supports_heartbeats:
            return
        self._due = time.monotonic() + HEARTBEAT / 4
        with suppress(TimeoutError):
            self._connection.drain_events(timeout=0.01)
        self._connection.heartbeat_check()


def is_memory(url: str) -> bool:
    """Tell whether the broker lives inside this process."""
    return url.startswith("memory:")


def routing_key(upstream: str, lane: int) -> str:
    """Name a lane of a log; nothing about a person or a type is in it."""
    return f"{upstream}.{lane}"


def queue(consumer: str, upstream: str, lane: int) -> Queue:
    """Declare where a consumer finds a lane: replicated, one active reader, bounded (the log heals what falls out)."""
    return Queue(
        f"{consumer}.{upstream}.{lane}.v1",
        exchange=EXCHANGE,
        routing_key=routing_key(upstream, lane),
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-max-length": KEPT_MESSAGES,
            "x-overflow": "drop-head",
        },
    )


def queues(url: str, consumer: str, upstreams: Collection[str], lanes: Collection[int] = range(LANES)) -> list[Queue]:
    """List a consumer's queues; inside one process one for each upstream is enough, since one thread reads all."""
    if is_memory(url):
        return [Queue(f"{consumer}.{upstream}", EXCHANGE, routing_key=f"{upstream}.#") for upstream in upstreams]
    return [queue(consumer, upstream, lane) for upstream in upstreams for lane in lanes]
