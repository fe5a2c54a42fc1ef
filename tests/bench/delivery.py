"""From a commit in one service to its effect in another, against the bare broker from publish to callback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from kombu import Connection, Consumer, Exchange, Producer, Queue

from shared.messaging import Listener, Relay, Supervisor
from shared.messaging.broker import connect
from tests.bench.measuring import Figure, compared
from tests.messaging.delivery import Town, town, until

TRIPS = 40


def commit_to_effect(place: Town) -> Callable[[], float]:
    """Measure milliseconds from a command's return in the bakery to the parcel in shipping's log (median)."""

    def measure() -> float:
        times = []
        for _ in range(TRIPS):
            before = place.shipping.recorder.max_notification_id() or 0
            place.bake()
            started = time.perf_counter()
            while (place.shipping.recorder.max_notification_id() or 0) == before:
                time.sleep(0.0005)
            times.append((time.perf_counter() - started) * 1000)
        return median(times)

    return measure


class Echo:
    """The bare broker: publishes, and a thread that hears it."""

    def __init__(self, url: str):
        self._heard = threading.Event()
        self._stop = threading.Event()
        self._exchange = Exchange("bench.echo", type="topic", durable=True)
        arguments = {"x-queue-type": "quorum"}
        self._queue = Queue("bench.echo", self._exchange, routing_key="echo", queue_arguments=arguments)
        self._url = url
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._connection = connect(url)
        self._producer = Producer(self._connection.default_channel, exchange=self._exchange)

    def _listen(self) -> None:
        with connect(self._url) as connection:
            self._hear(connection)

    def _hear(self, connection: Connection) -> None:
        def on_message(message: object) -> None:
            message.ack()  # type: ignore[attr-defined]
            self._heard.set()

        with Consumer(connection.default_channel, [self._queue], on_message=on_message):
            while not self._stop.is_set():
                try:
                    connection.drain_events(timeout=0.05)
                except TimeoutError:
                    continue

    def measure(self) -> float:
        """Measure milliseconds from publish to callback (median)."""
        times = []
        for _ in range(TRIPS):
            self._heard.clear()
            started = time.perf_counter()
            self._producer.publish(b"x" * 600, routing_key="echo", content_encoding="binary", declare=[self._queue])
            self._heard.wait(5)
            times.append((time.perf_counter() - started) * 1000)
        return median(times)

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()
        self._connection.release()


def figure(where: str, folder: Path, url: str) -> Figure:
    """Compare them on one broker."""
    supervisor = Supervisor()
    with town(folder) as place:
        listener = Listener("shipping", place.inbox(), url)
        supervisor.start("listener", listener.run)
        until(listener.ready.is_set)
        supervisor.start("relay", Relay("bakery", place.bakery.recorder, url).run)
        echo = Echo(url)
        name = f"commit to effect, {where}, to bare publish to callback"
        found = compared(name, "ms", commit_to_effect(place), echo.measure, of="bare kombu", higher=False)
        echo.close()
        supervisor.stop()
    return found
