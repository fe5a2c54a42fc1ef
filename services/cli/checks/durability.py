"""Whether what is committed stays, and whether the clocks agree on when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select, text

from services.cli.checks.findings import Finding, error, fine, moment, warning
from services.cli.checks.installation import Installation, place
from shared.eventlog import LogRecorder
from shared.eventlog.sqlite import sqlite_engine
from shared.eventlog.tables import events

DURABILITY, CLOCK = "durability", "clock"
TOO_FAR, FAR = timedelta(seconds=5), timedelta(seconds=1)
MUST_BE_ON = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
FULL = 2


def durability(installation: Installation) -> Iterator[Finding]:
    """See that a commit is on the disk when it is answered."""
    for service, recorder in installation.services():
        on_postgres = recorder.engine.dialect.name == "postgresql"
        found = list(_of_postgres(recorder) if on_postgres else _of_sqlite(recorder, installation, service.name))
        for wrong, do in found:
            yield error(DURABILITY, f"{service.name}: {wrong}", do)
        if not found:
            yield fine(DURABILITY, f"{service.name}: what was answered is on the disk")


def _of_postgres(recorder: LogRecorder) -> Iterator[tuple[str, str]]:
    with recorder.reading() as connection:
        off = [row.name for row in connection.execute(text(MUST_BE_ON)) if row.setting == "off"]
    for name in off:
        do = f"as superuser: ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf(); and \\drds shows who else set it"
        yield f"{name} is off: a power cut could lose what was answered, or break the log", do


def _of_sqlite(recorder: LogRecorder, installation: Installation, name: str) -> Iterator[tuple[str, str]]:
    with recorder.reading() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        broken = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if journal != "wal":
        yield f"the journal mode is {journal}, not WAL: some other program changed it", "restart the suite: it sets WAL"
    if broken != "ok":
        yield "the file is damaged", "stop the suite and restore the last backup (docs/operations.md)"
    engine = sqlite_engine(place(installation.settings.database_url(name)))
    with engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA synchronous").scalar() != FULL:
            yield "commits are not flushed", "install CareTrail's own release: synchronous=FULL is built in"
    engine.dispose()


def clock(installation: Installation) -> Iterator[Finding]:
    """Compare this machine's clock with each database's, and with the last time that its log holds."""
    for service, recorder in installation.services():
        before = installation.machine()
        there = recorder.database_clock()
        off = max(before - there, there - installation.machine(), timedelta(0))
        seen = f"{service.name}: {off.total_seconds():.1f} s between this machine and its database"
        do = "let chrony or systemd-timesyncd keep the time on both machines (`chronyc tracking`), then look again"
        if off > TOO_FAR:
            yield error(CLOCK, seen + ": nothing starts like this", do)
        elif off > FAR:
            yield warning(CLOCK, seen, do)
        else:
            yield fine(CLOCK, seen)
        yield from _last(service.name, recorder, installation)


def _last(name: str, recorder: LogRecorder, installation: Installation) -> Iterator[Finding]:
    """A log that has been in the future takes no time from now on until the present has caught up."""
    with recorder.reading() as connection:
        last = connection.scalar(select(events.c.recorded_at).order_by(events.c.position.desc()).limit(1))
    if last is not None and last - installation.clock() > TOO_FAR:
        yield error(
            CLOCK,
            f"{name}: its last event was recorded at {moment(last)}, which is still to come",
            "set this machine's clock right; if it is, it was wrong then: new events get times just after that",
        )
