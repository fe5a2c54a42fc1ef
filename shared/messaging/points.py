"""Named points in the life of an event, where a fault test may stop a process."""

from collections.abc import Callable, Collection

BEFORE_APPEND = "before-append"
AFTER_APPEND = "after-append"
BEFORE_PUBLISH = "before-publish"
AFTER_PUBLISH = "after-publish"
BEFORE_ACK = "before-ack"
TIMER_DUE = "timer-due"
TIMER_RECORDED = "timer-recorded"

POINTS = (BEFORE_APPEND, AFTER_APPEND, BEFORE_PUBLISH, AFTER_PUBLISH, BEFORE_ACK, TIMER_DUE, TIMER_RECORDED)

Watcher = Callable[[str, Collection[str]], None]

_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """Call `watcher(point, event types)` at every named point from now on."""
    _watchers.append(watcher)


def reached(point: str, types: Collection[str]) -> None:
    """Say that events of these types have come to a point; costs nothing unless somebody watches."""
    for watcher in _watchers:
        watcher(point, types)
