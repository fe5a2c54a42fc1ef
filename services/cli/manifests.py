"""What a backup's folder holds: each file with its checksum, each log with its epoch and end."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from shared.eventlog.backup import CannotCopy, private_file, sync

NAME = "manifest.json"
FORMAT = 1
"""Counts the changes of this layout that an older program could not read."""


class CopiedLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it was copied: all of this epoch up to its head."""

    epoch: UUID
    head: int


class CopiedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup, by its path in the folder."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a backup; without it, a folder is no backup.

    `databases` says which file holds each, and `kinds` what kind of database it came from.
    """

    format: int
    caretrail: str
    taken_at: datetime
    databases: dict[str, str]
    kinds: dict[str, str]
    logs: dict[str, CopiedLog]
    files: tuple[CopiedFile, ...]

    def below(self, folder: str) -> list[str]:
        """List the files in a folder of the backup."""
        return [file.path for file in self.files if file.path.startswith(f"{folder}/")]


class _Format(msgspec.Struct):
    format: int


def described(folder: Path, path: Path) -> CopiedFile:
    """Describe a file that was copied."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return CopiedFile(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=digest)


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest into the folder, whole or not at all: only now it is a backup."""
    begun = folder / f"{NAME}.partial"
    with private_file(begun):
        begun.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    os.rename(begun, folder / NAME)
    sync(folder)


def read(folder: Path) -> Manifest:
    """Read a backup's manifest; CannotCopy if it is none, or one of a newer CareTrail."""
    try:
        text = (folder / NAME).read_bytes()
        layout = msgspec.json.decode(text, type=_Format).format
        if layout != FORMAT:
            raise CannotCopy(f"{folder} has layout {layout}, this version of CareTrail reads {FORMAT}")
        return msgspec.json.decode(text, type=Manifest)
    except FileNotFoundError as error:
        raise CannotCopy(f"{folder} is no backup, or one that was broken off: it has no {NAME}") from error
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CannotCopy(f"{folder / NAME} cannot be read: {error}") from error


def must_be_whole(folder: Path, manifest: Manifest) -> None:
    """Refuse, with CannotCopy, a backup in which a file is missing, or another one than was written."""
    for file in manifest.files:
        path = folder / file.path
        if not path.resolve().is_relative_to(folder.resolve()):
            raise CannotCopy(f"{file.path} lies outside of {folder}: this is no backup of ours")
        if not path.is_file():
            raise CannotCopy(f"{path} is missing")
        if described(folder, path) != file:
            raise CannotCopy(f"{path} is damaged: its checksum is another than when it was written")
