"""The embedded suite behind gunicorn, in one process."""

from __future__ import annotations

import os
import socket
from wsgiref.types import WSGIApplication

import click
from gunicorn.util import parse_address

from services.cli.faults import die_at
from services.cli.serving import Served
from services.suite import Suite, accounts_of, prepare_all
from shared.clock import system_clock
from shared.settings import Settings


def run_embedded(settings: Settings) -> None:
    """Prepare what is missing and serve; ends with the process."""
    must_be_free(settings.bind)
    prepare_all(settings)
    _say_how_to_begin(settings)
    running: list[Suite] = []

    def build() -> WSGIApplication:
        die_at(settings.fault, settings.home)
        suite = Suite(settings)
        suite.start()
        running.append(suite)
        return suite.root

    def leave() -> None:
        for suite in running:
            suite.stop()

    Served(build, settings.bind, leave, proxies=settings.proxies).run()


def must_be_free(bind: str) -> None:
    """Refuse, in words, to begin where something else listens already: its answers would be taken for ours."""
    try:
        address = parse_address(bind)
        if isinstance(address, tuple):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            socket.create_server(address, family=family).close()
    except (OSError, RuntimeError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise click.ClickException(
            f"cannot listen at {bind}: {why}. Stop what is there, or set CARETRAIL_BIND, like 127.0.0.1:8001"
        ) from error


def _say_how_to_begin(settings: Settings) -> None:
    accounts = accounts_of(settings, system_clock)
    if not accounts.all():
        add = "caretrail user add NAME --role care-coordinator"
        click.echo(f"Nobody can sign in yet. Add the first account with: {add}", err=True)
    accounts.close()
