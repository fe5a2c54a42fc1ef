"""What a running service shows of itself in /metrics: how its log, its loops and its lanes stand at this moment."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import literal, select
from sqlalchemy.exc import SQLAlchemyError

from events.base import LANES
from shared.clock import Clock
from shared.eventlog import LogRecorder, LogUnavailable
from shared.eventlog.standing import Standing, standing
from shared.http.service import package_version
from shared.messaging import Listener, Relay, Supervisor, Ticker
from shared.metrics import REGISTRY

ANSWER_WITHIN = 2.0
"""Seconds that a scrape waits for all logs together; a log that is slower counts as down."""

GAUGES = {
    "caretrail_build_info": ("Version that runs here; always 1.", ("version", "python")),
    "caretrail_log_up": ("Whether the service's log answered this scrape (1) or not (0).", ("service",)),
    "caretrail_log_head": ("Last position of each lane of the service's own log.", ("service", "lane")),
    "caretrail_unpublished_events": ("Events of the own log that the relay has not published yet.", ("service",)),
    "caretrail_oldest_unpublished_seconds": ("Age of the oldest of them; 0 without any.", ("service",)),
    "caretrail_position": ("Last position taken of each lane of an upstream.", ("service", "upstream", "lane")),
    "caretrail_lag_positions": (
        "Last known head of a lane of an upstream, minus the position taken; 0: all was taken.",
        ("service", "upstream", "lane"),
    ),
    "caretrail_heads_age_seconds": ("Time since an upstream last told its heads.", ("service", "upstream")),
    "caretrail_lanes_stopped": ("Lanes that cannot go on by themselves.", ("service", "upstream")),
    "caretrail_parked_events": (
        "Events that could not be taken (waits=no), and those that wait behind them (waits=yes).",
        ("service", "upstream", "waits"),
    ),
    "caretrail_oldest_parked_seconds": ("Age of the oldest of them; 0 without any.", ("service",)),
    "caretrail_safety_events_waiting": ("Those of both whose delay may cost a life.", ("service",)),
    "caretrail_oldest_safety_event_seconds": ("Age of the oldest of these; 0 without any.", ("service",)),
    "caretrail_oldest_timer_overdue_seconds": ("Time since the oldest due timer was due; 0 without any.", ("service",)),
    "caretrail_refused_reactions": ("Reactions that a rule refused and nobody has dealt with.", ("service",)),
    "caretrail_oldest_refused_reaction_seconds": ("Age of the oldest of them; 0 without any.", ("service",)),
    "caretrail_loop_stuck": ("Whether a loop made no progress for ten seconds (1) or moves (0).", ("service", "loop")),
    "caretrail_commits_waiting": ("Commands and reactions that wait for the next batch.", ("service",)),
    "caretrail_connections_in_use": ("Connections to the log's database in use by this process.", ("service",)),
}
COUNTERS = {
    "caretrail_published_events": ("Events that the broker confirmed.", ("service",)),
    "caretrail_unroutable_messages": ("Messages that found no queue.", ("service",)),
    "caretrail_inbox_events": (
        "What became of events of upstreams: taken, repeated, caught-up, refused, parked.",
        ("service", "outcome"),
    ),
    "caretrail_foreign_messages": ("Messages in our queues that are not ours, thrown out.", ("service",)),
    "caretrail_feed_requests": (
        "Requests to an upstream's feed: for pages, for heads, and of both those that failed.",
        ("service", "upstream", "kind"),
    ),
    "caretrail_timers": (
        "What became of timers whose time had come: fired, late (of the fired), dropped, refused, failed.",
        ("service", "timer", "outcome"),
    ),
    "caretrail_loop_restarts": ("Times that a loop ended with an error and began anew.", ("service", "loop")),
    "caretrail_floors_ignored": ("Causes recorded too far ahead of our clock to be followed.", ("service",)),
}
HISTOGRAMS = {
    "caretrail_batch_commits": ("Commands and reactions written in one transaction.", ("service",)),
    "caretrail_append_seconds": ("Time until what was handed to the log was durable there.", ("service",)),
}


class _Asked:
    """One look at a log in a thread of its own: whoever waits for it waits no longer than it likes."""

    def __init__(self, watched: Watched):
        self.up = False
        self.found: Standing | None = None
        self.overdue = 0.0
        self._thread = threading.Thread(target=self._look, args=(watched,), name="figures", daemon=True)
        self._thread.start()

    def _look(self, watched: Watched) -> None:
        try:
            if watched.relay is None:
                watched.recorder.query(select(literal(1)))
            else:
                self.overdue = watched.ticker.overdue().total_seconds() if watched.ticker else 0.0
                self.found = standing(watched.recorder)
        except (LogUnavailable, SQLAlchemyError):
            return
        self.up = True

    def answered(self, deadline: float) -> bool:
        """Wait for the answer until this moment (of the monotonic clock)."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()


@dataclass
class Watched:
    """A service in this process: its log, and, where it works, its loops."""

    service: str
    recorder: LogRecorder
    clock: Clock
    relay: Relay | None = None
    listener: Listener | None = None
    ticker: Ticker | None = None
    supervisor: Supervisor | None = None
    _asked: _Asked | None = field(default=None, repr=False)

    def ask(self) -> _Asked:
        """Begin a look at the log, unless the last one still waits for its answer."""
        if self._asked is None or self._asked.answered(0.0):
            self._asked = _Asked(self)
        return self._asked


class Figures(Collector):
    """All services of this process; whatever belongs to a log is read when somebody asks.

    A scrape waits two seconds at most and never fails: of a log that is down it says so, and leaves its figures out.
    Labels hold names and numbers of services, lanes and loops, never ids of people.
    """

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}

    def watch(self, watched: Watched) -> None:
        """Show a service from now on."""
        self._watched[watched.service] = watched

    def forget(self, watched: Watched) -> None:
        """Show a service no more."""
        if self._watched.get(watched.service) is watched:
            del self._watched[watched.service]

    def describe(self) -> Iterable[Metric]:
        """Name every figure, without looking at any log."""
        return _Page().families()

    def collect(self) -> Iterator[Metric]:
        """Give every figure as it is now."""
        page, services = _Page(), list(self._watched.values())
        page.set("caretrail_build_info", 1, package_version(), platform.python_version())
        asked = {each.service: each.ask() for each in services}
        deadline = time.monotonic() + ANSWER_WITHIN
        answered = {name: each for name, each in asked.items() if each.answered(deadline)}
        known = {name: each.found for name, each in answered.items() if each.found}
        for each in services:
            up = each.service in answered and answered[each.service].up
            page.set("caretrail_log_up", int(up), each.service)
            _of_the_process(page, each)
            if each.service in known:
                _of_the_log(page, each, known[each.service])
                overdue = answered[each.service].overdue
                page.set("caretrail_oldest_timer_overdue_seconds", overdue, each.service)
                _of_the_lanes(page, each, known)
        yield from page.families()


class _Page:
    """The figures of one scrape."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {
            **{name: GaugeMetricFamily(name, meaning, labels=labels) for name, (meaning, labels) in GAUGES.items()},
            **{name: CounterMetricFamily(name, meaning, labels=labels) for name, (meaning, labels) in COUNTERS.items()},
            **{n: HistogramMetricFamily(n, meaning, labels=labels) for n, (meaning, labels) in HISTOGRAMS.items()},
        }

    def set(self, name: str, value: float, *labels: object) -> None:
        """Write a figure down."""
        self._families[name].add_metric([str(label) for label in labels], value)

    def copy(self, histogram: Histogram, service: str) -> None:
        """Write a histogram of one service down."""
        for metric in histogram.collect():
            for sample in metric.samples:
                self._families[metric.name].add_sample(sample.name, {"service": service, **sample.labels}, sample.value)

    def families(self) -> list[Metric]:
        """Give all of them."""
        return list(self._families.values())


def _of_the_process(page: _Page, watched: Watched) -> None:
    name, recorder = watched.service, watched.recorder
    page.copy(recorder.batch_sizes, name)
    page.copy(recorder.append_seconds, name)
    page.set("caretrail_commits_waiting", recorder.waiting(), name)
    page.set("caretrail_floors_ignored", recorder.floors_ignored, name)
    page.set("caretrail_connections_in_use", recorder.connections_in_use(), name)
    if watched.relay is not None:
        page.set("caretrail_published_events", watched.relay.published, name)
        page.set("caretrail_unroutable_messages", watched.relay.unroutable, name)
    if watched.listener is not None:
        _of_the_listener(page, name, watched.listener)
    if watched.ticker is not None:
        _of_the_ticker(page, name, watched.ticker)
    if watched.supervisor is not None:
        _of_the_loops(page, name, watched.supervisor)


def _of_the_listener(page: _Page, name: str, listener: Listener) -> None:
    page.set("caretrail_foreign_messages", listener.foreign, name)
    for outcome, number in listener.inbox.counts.items():
        page.set("caretrail_inbox_events", number, name, outcome)
    for upstream, feed in listener.inbox.feeds.items():
        for kind, number in feed.asked.items():
            page.set("caretrail_feed_requests", number, name, upstream, kind)
        page.set("caretrail_heads_age_seconds", feed.heads_age(), name, upstream)
        stopped = sum(lane[0] == upstream for lane in list(listener.inbox.stopped))
        page.set("caretrail_lanes_stopped", stopped, name, upstream)


def _of_the_ticker(page: _Page, name: str, ticker: Ticker) -> None:
    for outcome in ("fired", "late", "dropped", "refused", "failed"):
        for timer, number in getattr(ticker, outcome).items():
            page.set("caretrail_timers", number, name, timer, outcome)


def _of_the_loops(page: _Page, name: str, supervisor: Supervisor) -> None:
    stuck = supervisor.stuck()
    for loop, restarts in list(supervisor.restarts.items()):
        service, _, kind = loop.partition("-")
        if service == name:
            page.set("caretrail_loop_restarts", restarts, name, kind)
            page.set("caretrail_loop_stuck", int(loop in stuck), name, kind)


def _of_the_log(page: _Page, watched: Watched, found: Standing) -> None:
    name, now = watched.service, watched.clock()
    for lane, head in enumerate(found.heads):
        page.set("caretrail_log_head", head, name, lane)
    page.set("caretrail_unpublished_events", found.unpublished, name)
    page.set("caretrail_oldest_unpublished_seconds", _age(found.unpublished_since, now), name)
    page.set("caretrail_refused_reactions", found.refused, name)
    page.set("caretrail_oldest_refused_reaction_seconds", _age(found.refused_since, now), name)
    page.set("caretrail_oldest_parked_seconds", max((_age(row["since"], now) for row in found.parked), default=0), name)
    page.set("caretrail_safety_events_waiting", sum(row["safety"] for row in found.parked), name)
    oldest = max((_age(row["safety_since"], now) for row in found.parked), default=0)
    page.set("caretrail_oldest_safety_event_seconds", oldest, name)
    counted = {(row["upstream"], bool(row["waits"])): row["number"] for row in found.parked}
    upstreams = watched.listener.inbox.feeds if watched.listener else ()
    for upstream in upstreams:
        for waits in (False, True):
            number = counted.get((upstream, waits), 0)
            page.set("caretrail_parked_events", number, name, upstream, "yes" if waits else "no")


def _of_the_lanes(page: _Page, watched: Watched, known: dict[str, Standing]) -> None:
    """Write down how far each lane was taken, and how much its upstream has beyond that, as far as anybody here knows.

    What the upstream told last counts, or its log itself where it lives in this process: a listener that has stopped
    asking must not look as if it had come to the end.
    """
    if watched.listener is None:
        return
    name = watched.service
    taken = {(row["upstream"], row["lane"]): row["sequence"] for row in known[name].positions}
    for upstream, feed in watched.listener.inbox.feeds.items():
        known_heads = [
            heads for heads in (feed.heads_told(), known[upstream].heads if upstream in known else ()) if heads
        ]
        for lane in range(LANES):
            position = taken.get((upstream, lane), 0)
            page.set("caretrail_position", position, name, upstream, lane)
            if known_heads:
                head = max(heads[lane] for heads in known_heads)
                page.set("caretrail_lag_positions", max(0, head - position), name, upstream, lane)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


FIGURES = Figures()
"""The figures of this process's services."""

REGISTRY.register(FIGURES)
