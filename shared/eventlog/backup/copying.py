"""What copying has in common on both databases: snapshots, one cut through several logs, places for copies."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, NoResultFound

from shared.eventlog.backup.contents import Contents, contents_of

TRIES = 100
PAUSE = 0.02


class CannotCopy(Exception):
    """A database cannot be copied, or a copy cannot be put back; the message says why and what to do."""


class Snapshot(ABC):
    """A database as it is at the moment of `pin`, for as long as this is open; its writers do not notice."""

    suffix: ClassVar[str]

    @abstractmethod
    def pin(self) -> None:
        """Fix what is there now, in place of what was fixed before."""

    @abstractmethod
    def reading(self) -> Connection:
        """Give a connection that reads what was fixed."""

    @abstractmethod
    def copy(self, target: Path) -> None:
        """Write what was fixed to an empty file; CannotCopy if that cannot be done."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def contents(self) -> Contents:
        """Tell how far the log goes that was fixed, and how far it has come in others; CannotCopy if it is no log."""
        try:
            return contents_of(self.reading())
        except (DBAPIError, NoResultFound) as error:
            raise CannotCopy(
                "a database holds no log: run `caretrail migrate`, or see where the settings lead"
            ) from error


class Place(ABC):
    """Where a copy is put back: brought in beside what is there, prepared, then exchanged with it."""

    @abstractmethod
    def is_taken(self) -> bool:
        """Tell whether there is a database already."""

    @abstractmethod
    def keep_out(self) -> None:
        """Refuse, with CannotCopy, while others work on what is there; and keep them out where that is possible."""

    @abstractmethod
    def stage(self, copy: Path) -> None:
        """Bring a copy in beside what is there; CannotCopy if it cannot be read."""

    @abstractmethod
    def staged(self) -> AbstractContextManager[Connection]:
        """Open a transaction in what was brought in."""

    @abstractmethod
    def present(self) -> AbstractContextManager[Connection]:
        """Open a transaction in what is there now."""

    @abstractmethod
    def exchange(self) -> str | None:
        """Put what was brought in into place; give the name under which what was there is kept."""

    @abstractmethod
    def change_back(self) -> None:
        """Undo an exchange."""

    @abstractmethod
    def close(self) -> None:
        """Remove what was brought in and not exchanged, and let others in again."""


def pin_one_cut(logs: Mapping[str, Snapshot]) -> dict[str, Contents]:
    """Fix all logs so that none has taken an event which its upstream's snapshot does not hold.

    They are fixed one after the other within milliseconds; nobody waits for that. Where an event was recorded and
    taken just meanwhile, all are fixed again. CannotCopy if somebody is ahead each time.
    """
    for _ in range(TRIES):
        for snapshot in logs.values():
            snapshot.pin()
        found = {name: snapshot.contents() for name, snapshot in logs.items()}
        ahead = list(_ahead(found))
        if not ahead:
            return found
        time.sleep(PAUSE)
    raise CannotCopy(f"{ahead[0]}: `caretrail doctor` says how to go on")


def _ahead(found: Mapping[str, Contents]) -> Iterator[str]:
    for consumer, contents in found.items():
        for (upstream, lane), taken in contents.positions.items():
            there = found.get(upstream)
            if there and taken.epoch == there.epoch and taken.sequence > there.head:
                yield f"{consumer} has taken {taken.sequence} of {upstream} (lane {lane}), which ends at {there.head}"


def sync(path: Path) -> None:
    """See that a file, or what stands in a folder, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def private_file(target: Path) -> Iterator[Path]:
    """Make a file that only its owner reads, and see that it is on the disk when it is written."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    yield target
    sync(target)
