"""`caretrail parked`: the events that a service could not take, and what an operator may do about them."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy import RowMapping, select

from events.vocabulary import CATALOGUE
from services.cli.parked_event import described
from services.cli.readable import minute, plain
from services.suite import SERVICES, opened, service_named
from shared.clock import clock_from
from shared.eventlog import Application, PositionMoved, VersionConflict
from shared.eventlog.tables import parked as table
from shared.messaging import Inbox
from shared.messaging.parking import Kind, Parking, kind_in
from shared.messaging.skipping import skip as skip_event
from shared.service import Service
from shared.settings import Settings

WIDTH = 100
LONGEST_REASON = 2000
COLUMNS = [column for column in table.c if column is not table.c.message]

service_argument = click.argument("service", type=click.Choice([service.name for service in SERVICES]))


class Parked(NamedTuple):
    """A parked event of a service, and how many later ones of the same patient wait behind it."""

    service: str
    row: RowMapping
    behind: int

    def as_json(self) -> dict[str, Any]:
        """Write it for another program."""
        row = self.row
        return {
            "service": self.service,
            "upstream": row["upstream"],
            "position": row["sequence"],
            "event_id": row["event_id"],
            "type": row["event_type"],
            "patient_id": str(row["partition"]),
            "since": row["parked_at"].isoformat().replace("+00:00", "Z"),
            "kind": kind_in(row),
            "reason": row["reason"].split("\n")[0],
            "safety": bool(row["safety"]),
            "behind": self.behind,
        }


@click.group()
def parked() -> None:
    """See to events that a service could not take.

    Such an event is parked: it is kept, later events of the same patient wait behind it so that their order holds,
    and everything else flows. Mend the cause, often by an upgrade of the service; then retry. Run it where the
    service's database settings are, like `caretrail migrate`; the service may go on working meanwhile.
    """


@parked.command(name="list")
@click.argument("service", type=click.Choice([service.name for service in SERVICES]), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_obj
def list_parked(settings: Settings, service: str | None, as_json: bool) -> None:
    """List parked events.

    Of one SERVICE, or of all whose databases are known here. Those that only wait behind another are counted with it.
    """
    names = [service] if service else [each.name for each in SERVICES if each.name in settings.database_urls]
    found = [each for name in names for each in _parked_in(name, settings)]
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
    elif found:
        _console().print(_table_of(found))
    else:
        click.echo(f"Nothing is parked in {', '.join(names)}.")


@parked.command()
@service_argument
@click.argument("event_id", metavar="EVENT")
@click.option("--with-body", is_flag=True, help="Show also what it says about the patient, and what the error says.")
@click.pass_obj
def show(settings: Settings, service: str, event_id: str, with_body: bool) -> None:
    """Show one parked event, why, and what waits behind it.

    EVENT is its id, as `list SERVICE` shows it. What identifies or describes a patient is left out unless asked for.
    """
    with opened(service_named(service), settings) as application:
        row = _row_of(application, service, event_id)
        for line in described(service, row, _behind(application, row), with_body):
            click.echo(plain(line))


@parked.command()
@service_argument
@click.argument("event_id", metavar="[EVENT]", required=False)
@click.pass_obj
def retry(settings: Settings, service: str, event_id: str | None) -> None:
    """Try parked events again, in order.

    All of SERVICE, or only EVENT and what waits behind it. Each patient's are tried up to the first that fails. Exits
    with 1 if any is still parked. An event that ends this process, too, stays parked.
    """
    with _parking(service_named(service), settings) as (application, parking):
        if event_id:
            row = _first_of_its_patient(application, service, event_id)
            patients = [(row["upstream"], row["partition"])]
        else:
            patients = [*parking.patients()]
        taken = sum(parking.retry(*patient) for patient in patients)
        left = [each for each in _rows(application) if (each["upstream"], each["partition"]) in patients]
    click.echo(f"{service}: {taken} taken, {len(left)} still parked")
    for row in left:
        if kind_in(row) is not Kind.WAITS:
            click.echo(f"  {row['event_id']}: {plain(row['reason'].splitlines()[0])}", err=True)
    sys.exit(1 if left else 0)


@parked.command()
@service_argument
@click.argument("event_id", metavar="EVENT")
@click.option("--reason", required=True, help="Why it may be passed over; recorded, and shown in the patient's trail.")
@click.option("--as", "operator", help="Who decides so.  [default: your account on this machine]")
@click.pass_obj
def skip(settings: Settings, service: str, event_id: str, reason: str, operator: str | None) -> None:
    """Let SERVICE pass over one parked EVENT for good.

    Nothing that it would have led to here happens by itself: agree with a clinician first. The skip is recorded, and
    coordinators find on their worklist what is left to them. Later events of the patient then go on in order.
    """
    by, why = operator or account(), reason.strip()
    if not why or len(why) > LONGEST_REASON:
        raise click.UsageError(f"--reason needs some words, {LONGEST_REASON} letters at most.")
    made = service_named(service)
    with opened(made, settings) as application:
        row, now = _first_of_its_patient(application, service, event_id), clock_from(settings.clock_file)()
        behind = len(_behind(application, row))
        try:
            skip_event(application, CATALOGUE, made.policies, row, made.skipped, operator=by, reason=why, now=now)
        except (PositionMoved, VersionConflict) as error:
            raise click.ClickException(f"{event_id} has been taken or skipped by somebody else meanwhile") from error
    click.echo(f"{service}: {event_id} is skipped, and recorded as skipped by operator:{by}")
    if behind:
        click.echo(f"{behind} later ones of that patient follow within seconds, or when the worker starts")


@contextmanager
def _parking(service: Service, settings: Settings) -> Iterator[tuple[Application, Parking]]:
    with opened(service, settings) as application:
        inbox = Inbox(application, CATALOGUE, service.policies, {}, clock_from(settings.clock_file))
        yield application, inbox.parking


def _parked_in(service: str, settings: Settings) -> Iterator[Parked]:
    """Give those that are the first of their patient, or were tried by themselves."""
    with opened(service_named(service), settings) as application:
        rows = _rows(application)
    left = Counter((row["upstream"], row["partition"]) for row in rows)
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        patient = (row["upstream"], row["partition"])
        left[patient] -= 1
        if patient not in seen or kind_in(row) is not Kind.WAITS:
            yield Parked(service, row, left[patient])
        seen.add(patient)


def _rows(application: Application) -> Sequence[RowMapping]:
    return application.query(select(*COLUMNS).order_by(table.c.upstream, table.c.sequence))


def _row_of(application: Application, service: str, event_id: str) -> RowMapping:
    for row in application.query(select(table).where(table.c.event_id == event_id)):
        return row
    raise click.ClickException(f"{service} has no parked event {event_id}; see `caretrail parked list {service}`")


def _first_of_its_patient(application: Application, service: str, event_id: str) -> RowMapping:
    row = _row_of(application, service, event_id)
    mine = select(table.c.event_id).where(
        table.c.upstream == row["upstream"], table.c.partition == row["partition"], table.c.sequence < row["sequence"]
    )
    for before in application.query(mine.order_by(table.c.sequence).limit(1)):
        raise click.ClickException(f"{event_id} waits behind {before['event_id']}: see to that one first")
    return row


def _behind(application: Application, row: RowMapping) -> Sequence[RowMapping]:
    later = select(*COLUMNS).where(
        table.c.upstream == row["upstream"], table.c.partition == row["partition"], table.c.sequence > row["sequence"]
    )
    return application.query(later.order_by(table.c.sequence))


def account() -> str:
    """Name the account on this machine that runs this; a usage error if it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise click.UsageError("This machine has no name for your account: say with --as who decides.") from None


def _table_of(found: Sequence[Parked]) -> Table:
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    for title in ("service", "from", "what and why"):
        shown.add_column(title, no_wrap=title != "what and why", ratio=1 if title == "what and why" else None)
    shown.add_column("since (UTC)", no_wrap=True)
    shown.add_column("behind", justify="right")
    for service, row, behind in found:
        why = row["reason"].split("\n")[0]
        safety = " (SAFETY)" if row["safety"] else ""
        what = f"{row['event_type']}{safety}\nevent {row['event_id']}\nof {row['partition']}\n{why}"
        since = minute(row["parked_at"].isoformat())
        shown.add_row(service, f"{row['upstream']} {row['sequence']}", plain(what), since, str(behind))
    return shown


def _console() -> Console:
    # What is in a table is no markup; and a table in a file is as wide as one on a screen.
    return Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, emoji=False, highlight=False)
