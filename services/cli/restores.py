"""`caretrail restore`: a backup put into place, whole or one service of it, in a new epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from services.cli.backups import ACCOUNTS, folders_of
from services.cli.folders import FolderPlace
from services.cli.manifests import Manifest, must_be_whole, read
from services.suite import SERVICES, prepare_accounts, prepare_all, prepare_service, service_named
from shared.clock import clock_from
from shared.eventlog import LogUnavailable, WrongSchema
from shared.eventlog.backup import (
    CannotCopy,
    Place,
    database_kind,
    follow_epoch,
    known_epochs,
    open_place,
    renew_epoch,
)
from shared.eventlog.checks import must_not_be_newer, version_of
from shared.settings import Settings, SettingsError

NAMES = [service.name for service in SERVICES]
FAILURES = (CannotCopy, SettingsError, WrongSchema, LogUnavailable, OSError)

Part = Place | FolderPlace


@dataclass(frozen=True)
class Restoration:
    """What is to be put back, and where: databases by their names, and folders."""

    folder: Path
    manifest: Manifest
    databases: Mapping[str, Place]
    folders: Mapping[str, FolderPlace]

    def parts(self) -> dict[str, Part]:
        """Give everything that is put back, by its name."""
        return {**self.databases, **self.folders}

    def logs(self) -> dict[str, Place]:
        """Give the databases that hold a log."""
        return {name: place for name, place in self.databases.items() if name in self.manifest.logs}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--only", metavar="NAME", type=click.Choice([*NAMES, ACCOUNTS]), help="One service of it, or `identity`.")
@click.option("--replace", is_flag=True, help="Put it in the place of what is there, which is kept under another name.")
@click.pass_obj
def restore(settings: Settings, folder: Path, only: str | None, replace: bool) -> None:
    """Put the backup in DIR into place while the suite is stopped.

    Every log begins a new epoch. Restored all together, the services go on by themselves. Where one was restored
    alone, those that follow it stop and say so: `caretrail reconcile` lets them go on.
    """
    now = clock_from(settings.clock_file)()
    try:
        with ExitStack() as at_end:
            restoration = _checked(settings, folder, only, f"{now:%Y%m%dT%H%M%SZ}", at_end)
            _must_be_free(restoration, replace)
            for name, place in restoration.databases.items():
                place.stage(folder / restoration.manifest.databases[name])
                click.echo(f"{name}: read", err=True)
            for each in restoration.folders.values():
                each.stage()
            _begin_epochs(restoration, now)
            kept = _exchange(restoration.parts())
        _prepare(settings, only)
    except FAILURES as error:
        raise click.ClickException(str(error)) from error
    _say_what_was_done(restoration, kept, only)


def _checked(settings: Settings, folder: Path, only: str | None, stamp: str, at_end: ExitStack) -> Restoration:
    """Read a backup and see that it is whole and fits this installation."""
    manifest = read(folder)
    must_be_whole(folder, manifest)
    wanted = [only] if only else list(manifest.databases)
    databases = {}
    for name in wanted:
        databases[name] = _place(settings, manifest, name, stamp)
        at_end.callback(databases[name].close)
    folders = {}
    for name, place in folders_of(settings).items():
        if manifest.below(name) and not only:
            folders[name] = FolderPlace(place, folder / name, stamp)
            at_end.callback(folders[name].close)
    return Restoration(folder, manifest, databases, folders)


def _place(settings: Settings, manifest: Manifest, name: str, stamp: str) -> Place:
    if name not in manifest.databases:
        raise CannotCopy(f"this backup holds no {name}: {', '.join(manifest.databases)}")
    url = settings.database_url(name)
    if manifest.kinds[name] != database_kind(url):
        raise CannotCopy(
            f"{name} was copied from {manifest.kinds[name]}, but {name.upper()}_DATABASE_URL names {database_kind(url)}"
        )
    return open_place(url, settings.admin_database_url, stamp, of_a_log=name in manifest.logs)


def _must_be_free(restoration: Restoration, replace: bool) -> None:
    taken = [name for name, part in restoration.parts().items() if part.is_taken()]
    if taken and not replace:
        raise CannotCopy(f"there are {', '.join(taken)} already: with --replace they are kept under another name")
    for place in restoration.databases.values():
        place.keep_out()


def _begin_epochs(restoration: Restoration, now: datetime) -> None:
    """Give every log a new epoch; who was copied in the same cut follows its upstreams into theirs."""
    renewed: dict[str, UUID] = {}
    for name, place in restoration.logs().items():
        replaced = _epochs_there(name, place)
        with place.staged() as connection:
            must_not_be_newer(version_of(connection))
            renewed[name] = renew_epoch(connection, replaced, now)
    for place in restoration.logs().values():
        with place.staged() as connection:
            for upstream, epoch in renewed.items():
                follow_epoch(connection, upstream, restoration.manifest.logs[upstream].epoch, epoch)


def _epochs_there(name: str, place: Place) -> Mapping[UUID, int]:
    """Ask the log that is replaced for its epochs, if it can still tell."""
    if not place.is_taken():
        return {}
    try:
        with place.present() as connection:
            return known_epochs(connection) if version_of(connection) is not None else {}
    except CannotCopy as error:
        click.echo(f"{name}: what is there does not tell its epochs ({error})", err=True)
        return {}


def _exchange(parts: Mapping[str, Part]) -> Sequence[str]:
    """Exchange everything, or nothing; give the names under which what was there is kept."""
    with ExitStack() as undo:
        kept = []
        for part in parts.values():
            kept.append(part.exchange())
            undo.callback(part.change_back)
        undo.pop_all()
    return [name for name in kept if name]


def _prepare(settings: Settings, only: str | None) -> None:
    """Bring what was put back up to date with this version, and give the services their rights in it."""
    if only is None:
        prepare_all(settings)
    elif only == ACCOUNTS:
        prepare_accounts(settings)
    else:
        prepare_service(service_named(only), settings)


def _say_what_was_done(restoration: Restoration, kept: Sequence[str], only: str | None) -> None:
    click.echo(f"restored: {', '.join(restoration.parts())}, as of {restoration.manifest.taken_at:%Y-%m-%d %H:%M:%S}Z")
    for name in kept:
        click.echo(f"what was there is kept as {name}")
    for line in after_one_alone(only) if only else _not_in(restoration.manifest):
        click.echo(line)


def after_one_alone(name: str) -> Iterator[str]:
    """Say what is to be done after one log alone was put back."""
    for service in SERVICES:
        if name in service.upstreams:
            yield f"{service.name} will stop at {name}: see `caretrail reconcile {service.name} {name}`"
        if name == service.name:
            for upstream in service.upstreams:
                yield f"if {upstream} was restored meanwhile, {name} stops: `caretrail reconcile {name} {upstream}`"


def _not_in(manifest: Manifest) -> Iterator[str]:
    for name in set(NAMES).difference(manifest.databases):
        yield f"{name} was not in this backup and stays as it is: run `caretrail doctor`"
