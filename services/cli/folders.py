"""A folder of files that is put back from a backup: keys, attachments."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from shared.eventlog.backup import private_file, sync


class FolderPlace:
    """Where a folder is put back: brought in beside what is there, then exchanged with it."""

    def __init__(self, path: Path, copy: Path, stamp: str):
        self._path = path
        self._copy = copy
        self._staged = path.with_name(f"{path.name}.restoring")
        self._before = path.with_name(f"{path.name}.before-{stamp}")

    def is_taken(self) -> bool:
        """Tell whether there are files already."""
        return self._path.is_dir() and any(self._path.iterdir())

    def stage(self) -> None:
        """Bring the copy in beside what is there."""
        self.close()
        self._staged.mkdir(mode=0o700, parents=True)
        for source in sorted(self._copy.rglob("*")):
            target = self._staged / source.relative_to(self._copy)
            if source.is_dir():
                target.mkdir(mode=0o700)
            else:
                with private_file(target):
                    shutil.copyfile(source, target)

    def exchange(self) -> str | None:
        """Rename what is there, then what was brought in; give the name under which what was there is kept."""
        kept = self._path.exists()
        if kept:
            os.rename(self._path, self._before)
        os.rename(self._staged, self._path)
        sync(self._path.parent)
        return str(self._before) if kept else None

    def change_back(self) -> None:
        """Undo an exchange."""
        os.rename(self._path, self._staged)
        if self._before.exists():
            os.rename(self._before, self._path)

    def close(self) -> None:
        """Remove what was brought in and not exchanged."""
        if self._staged.exists():
            shutil.rmtree(self._staged)
