"""The feed: a log itself over HTTP, for catching up; and the client that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import httpx
import msgspec

from events.base import Instant
from events.envelope import CloudEvent
from shared.eventlog import LogRecorder
from shared.messaging.relay import envelope_of

PAGE = 500
ANSWER_WITHIN = 5.0

T = TypeVar("T")


class FeedUnavailable(Exception):
    """The upstream's feed does not answer now, refuses us, or answers what is none; what was read so far stands."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Events behind a position, in order; `full` pages never change."""

    epoch: UUID
    events: tuple[CloudEvent, ...]
    full: bool


class HeadsView(msgspec.Struct, frozen=True, kw_only=True):
    """The last position of every lane, and a time that every later event is recorded after."""

    epoch: UUID
    lanes: tuple[int, ...]
    at: Instant


def page(service: str, recorder: LogRecorder, after: int, limit: int, lane: int | None = None) -> Page:
    """Read one page of a log for its feed."""
    epoch = recorder.epoch()
    logged = recorder.read(after, limit, lane)
    return Page(epoch=epoch, events=tuple(envelope_of(service, epoch, e) for e in logged), full=len(logged) == limit)


def heads(recorder: LogRecorder) -> HeadsView:
    """Read a log's heads for its feed."""
    found = recorder.heads()
    return HeadsView(epoch=found.epoch, lanes=tuple(found.lanes), at=found.at)


@dataclass
class FeedClient:
    """Reads an upstream's feed as this service: `client` has its address, `token` gives a fresh bearer token.

    `asked` counts its requests: for pages, for heads, and of both those that failed. After one that failed it fails
    at once for four times as long as that took: a feed that hangs costs its reader a fifth of the time at most.
    """

    upstream: str
    client: httpx.Client
    token: Callable[[], str]
    asked: dict[str, int] = field(default_factory=lambda: {"pages": 0, "heads": 0, "failed": 0})
    _told: HeadsView | None = None
    _told_at: float = field(default_factory=time.monotonic)
    _rests_until: float = 0.0

    def read(self, after: int, lane: int | None = None, limit: int = PAGE) -> Page:
        """Read a page behind a position; FeedUnavailable if it cannot be had now."""
        asked: dict[str, int] = {"after": after, "limit": limit}
        if lane is not None:
            asked["lane"] = lane
        self.asked["pages"] += 1
        return self._get("events", asked, Page)

    def heads(self) -> HeadsView:
        """Read the upstream's heads; FeedUnavailable if they cannot be had now."""
        self.asked["heads"] += 1
        self._told = self._get("events/heads", {}, HeadsView)
        self._told_at = time.monotonic()
        return self._told

    def heads_told(self) -> Sequence[int]:
        """Give the last position of every lane as the upstream told it last; nothing if it never did."""
        return self._told.lanes if self._told else ()

    def heads_age(self) -> float:
        """Tell how many seconds ago that was, or, if never, since when it could have been."""
        return time.monotonic() - self._told_at

    def _get(self, path: str, asked: dict[str, int], kind: type[T]) -> T:
        begun = time.monotonic()
        if begun < self._rests_until:
            raise FeedUnavailable(f"{self.upstream}'s feed did not answer a moment ago")
        try:
            bearer = {"Authorization": f"Bearer {self.token()}"}
            answer = self.client.get(f"/v1/{path}", params=asked, headers=bearer, timeout=ANSWER_WITHIN)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=kind)
        except httpx.HTTPError as error:
            self.asked["failed"] += 1
            self._rests_until = begun + 5 * (time.monotonic() - begun)
            raise FeedUnavailable(f"{self.upstream}'s feed does not answer: {error}") from error
        except (msgspec.DecodeError, ValueError) as error:
            self.asked["failed"] += 1
            raise FeedUnavailable(f"{self.upstream}'s feed is not one of ours: {error}") from error
