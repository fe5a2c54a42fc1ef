"""`caretrail user`: the accounts of the local issuer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click

from services.suite import accounts_of
from shared.access import Role
from shared.clock import clock_from
from shared.eventlog.migrate import migrate_tables
from shared.identity.accounts import AccountRefused, Accounts, metadata
from shared.settings import Settings

ROLES = [str(role) for role in Role if role is not Role.SERVICE]


@contextmanager
def _accounts(settings: Settings) -> Iterator[Accounts]:
    """Open the accounts, and say in words what they refuse."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate_tables(settings.database_url("identity"), settings.admin_database_url, metadata)
    accounts = accounts_of(settings, clock_from(settings.clock_file))
    try:
        yield accounts
    except AccountRefused as error:
        raise click.ClickException(str(error)) from error
    finally:
        accounts.close()


_with_roles = click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    metavar="ROLE",
    multiple=True,
    required=True,
    help=f"Repeat for several. One of {', '.join(ROLES)}.",
)


def new_password() -> str:
    """Make a password that nobody guesses."""
    return secrets.token_urlsafe(12)


@click.group()
def user() -> None:
    """Manage the accounts that sign in here."""


@user.command()
@click.argument("username")
@_with_roles
@click.option("--name", help="The person's name, for greeting them.")
@click.option("--patient", "patient_id", type=click.UUID, help="For role patient: whose record is their own.")
@click.pass_obj
def add(settings: Settings, username: str, roles: tuple[str, ...], name: str | None, patient_id: UUID | None) -> None:
    """Make an account; its password is shown once."""
    if ("patient" in roles) != (patient_id is not None):
        raise click.UsageError("--role patient and --patient go together: whose record is their own.")
    password = new_password()
    with _accounts(settings) as accounts:
        accounts.add(username, password, roles, name=name, patient_id=patient_id)
    click.echo(f"{username} may sign in with the password {password}")


@user.command(name="list")
@click.pass_obj
def everybody(settings: Settings) -> None:
    """List the accounts."""
    with _accounts(settings) as accounts:
        found = accounts.all()
    if not found:
        click.echo("There are no accounts yet: see `caretrail user add --help`.", err=True)
    for account in found:
        state = " (disabled)" if account.disabled else ""
        click.echo(f"{account.username}\t{', '.join(sorted(account.roles))}\t{account.id}{state}")


@user.command()
@click.argument("username")
@_with_roles
@click.pass_obj
def role(settings: Settings, username: str, roles: tuple[str, ...]) -> None:
    """Set the roles of an account, in place of those it had."""
    with _accounts(settings) as accounts:
        accounts.give_roles(username, roles)


@user.command()
@click.argument("username")
@click.pass_obj
def disable(settings: Settings, username: str) -> None:
    """Let nobody sign in to an account any more."""
    with _accounts(settings) as accounts:
        accounts.disable(username)


@user.command()
@click.argument("username")
@click.pass_obj
def reset(settings: Settings, username: str) -> None:
    """Give an account a new password, shown once."""
    password = new_password()
    with _accounts(settings) as accounts:
        accounts.reset(username, password)
    click.echo(f"{username} may sign in with the password {password}")
