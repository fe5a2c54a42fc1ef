"""`caretrail token`: an access token, for trying the HTTP interfaces by hand."""

from __future__ import annotations

import click

from services.cli.visiting import Visit, visiting


@click.command()
@visiting
def token(visit: Visit) -> None:
    """Print an access token for an account.

    Send it as `Authorization: Bearer TOKEN`; it is good for half an hour.
    """
    click.echo(visit.sign_in())
