"""`caretrail backup`: every log, the accounts, keys and attachments in a folder, while the suite runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from services.cli.manifests import FORMAT, CopiedFile, CopiedLog, Manifest, described, write
from services.suite import SERVICES
from shared.clock import clock_from
from shared.eventlog.backup import (
    CannotCopy,
    Contents,
    Snapshot,
    database_kind,
    open_snapshot,
    pin_one_cut,
    private_file,
)
from shared.http.service import package_version
from shared.settings import Settings, SettingsError

ACCOUNTS = "identity"
KEYS, ATTACHMENTS = "keys", "attachments"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def backup(settings: Settings, folder: Path) -> None:
    """Copy logs, accounts and keys to DIR while the suite runs.

    DIR is a new or an empty folder; attachments are copied, too. All logs are copied as of one moment, so that they
    agree when they are restored together. The copies hold patients' data and signing keys: guard them like the
    databases. Portal sessions are not copied.
    """
    try:
        with _new(folder), ExitStack() as open_snapshots:
            snapshots, contents = _pinned(settings, open_snapshots)
            files = [*_databases(snapshots, contents, folder), *_folders(settings, folder)]
            write(folder, _manifest(settings, snapshots, contents, files))
    except (CannotCopy, SettingsError, OSError) as error:
        raise click.ClickException(f"no backup was made: {error}") from error
    size = sum(file.bytes for file in files)
    click.echo(f"{folder} holds {len(files)} files, {_readable(size)}, of {len(contents)} logs as of one moment")


def folders_of(settings: Settings) -> dict[str, Path]:
    """Give the folders that belong to an installation beside its databases, by their names in a backup."""
    return {KEYS: settings.keys, ATTACHMENTS: settings.home / ATTACHMENTS}


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Give a folder to fill; if that fails, leave nothing in it that could be taken for a backup."""
    made = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CannotCopy(f"{folder} is not empty")
    try:
        yield
    except BaseException:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if made:
            folder.rmdir()
        raise


def _pinned(settings: Settings, open_snapshots: ExitStack) -> tuple[dict[str, Snapshot], dict[str, Contents]]:
    """Fix all logs in one cut, those that only follow others first; then the accounts of everybody who acted."""
    snapshots: dict[str, Snapshot] = {}
    for name in (*(service.name for service in reversed(SERVICES)), ACCOUNTS):
        snapshots[name] = open_snapshot(settings.database_url(name))
        open_snapshots.callback(snapshots[name].close)
    contents = pin_one_cut({name: snapshot for name, snapshot in snapshots.items() if name != ACCOUNTS})
    snapshots[ACCOUNTS].pin()
    return snapshots, contents


def _databases(
    snapshots: Mapping[str, Snapshot], contents: Mapping[str, Contents], folder: Path
) -> Iterator[CopiedFile]:
    for name, snapshot in snapshots.items():
        target = folder / _file_of(name, snapshot)
        snapshot.copy(target)
        file = described(folder, target)
        what = f"{contents[name].head} events" if name in contents else "the accounts"
        click.echo(f"{name}: {what}, {_readable(file.bytes)}", err=True)
        yield file


def _folders(settings: Settings, folder: Path) -> Iterator[CopiedFile]:
    for name, source in folders_of(settings).items():
        found = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else []
        for path in found:
            target = folder / name / path.relative_to(source)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with private_file(target):
                shutil.copyfile(path, target)
            yield described(folder, target)
        click.echo(f"{name}: {len(found)} files" if found else f"{name}: none in {source}", err=True)


def _manifest(
    settings: Settings, snapshots: Mapping[str, Snapshot], contents: Mapping[str, Contents], files: list[CopiedFile]
) -> Manifest:
    return Manifest(
        format=FORMAT,
        caretrail=package_version(),
        taken_at=clock_from(settings.clock_file)(),
        databases={name: _file_of(name, snapshot) for name, snapshot in snapshots.items()},
        kinds={name: database_kind(settings.database_url(name)) for name in snapshots},
        logs={name: CopiedLog(epoch=each.epoch, head=each.head) for name, each in contents.items()},
        files=tuple(files),
    )


def _file_of(name: str, snapshot: Snapshot) -> str:
    return f"{name}.{snapshot.suffix}"


def _readable(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
