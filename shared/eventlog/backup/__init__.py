"""Backup and restore of databases: copies of one cut while they are written, and putting copies back.

A `Snapshot` fixes what a database holds at one moment and copies it to a file; `pin_one_cut` fixes those of several
logs so that none holds the effect of what another does not hold. A `Place` takes a copy back beside the database that
is there, and exchanges the two.
"""

from sqlalchemy.engine import make_url

from shared.eventlog.backup.contents import Contents, follow_epoch, known_epochs, renew_epoch
from shared.eventlog.backup.copying import CannotCopy, Place, Snapshot, pin_one_cut, private_file, sync
from shared.eventlog.backup.postgres import PostgresPlace, PostgresSnapshot
from shared.eventlog.backup.sqlite import SQLitePlace, SQLiteSnapshot

__all__ = [
    "CannotCopy",
    "Contents",
    "Place",
    "Snapshot",
    "database_kind",
    "follow_epoch",
    "known_epochs",
    "open_place",
    "open_snapshot",
    "pin_one_cut",
    "private_file",
    "renew_epoch",
    "sync",
]


def database_kind(url: str) -> str:
    """Tell what kind of database a URL names: `sqlite` or `postgresql`; copies fit the same kind only."""
    return make_url(url).get_backend_name()


def open_snapshot(url: str) -> Snapshot:
    """Open the database of a service for copying, in the service's own role; CannotCopy if it is not there."""
    return SQLiteSnapshot(url) if database_kind(url) == "sqlite" else PostgresSnapshot(url)


def open_place(url: str, admin_url: str | None, stamp: str, *, of_a_log: bool) -> Place:
    """Open the place that a copy is put back to; what is there now is kept under a name with `stamp`."""
    if database_kind(url) == "sqlite":
        return SQLitePlace(url, stamp)
    if not admin_url:
        raise CannotCopy("restoring PostgreSQL needs CARETRAIL_ADMIN_DATABASE_URL: a role that may create databases")
    return PostgresPlace(url, admin_url, stamp, of_a_log=of_a_log)
