"""`caretrail rebuild`: a service's worklists from its log, or only whether they agree with it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable

import click

from events.catalogue import Unreadable
from services.suite import SERVICES, opened, service_named
from shared.eventlog import Difference, differences
from shared.eventlog import rebuild as rebuild_worklists
from shared.settings import Settings

SHOWN = 5


@click.command()
@click.argument("service", type=click.Choice([service.name for service in SERVICES]))
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a worklist differs from the log.")
@click.pass_obj
def rebuild(settings: Settings, service: str, check: bool) -> None:
    """Put a service's worklists right from its own log.

    The service may go on working meanwhile. What it knows of other services' facts is not rebuilt.
    """
    try:
        with opened(service_named(service), settings) as application:
            count = application.recorder.max_notification_id() or 0
            wrong = list(differences(application)) if check else rebuild_worklists(application)
    except Unreadable as error:
        raise click.ClickException(f"{error}. Was this log written by a newer version of CareTrail?") from error
    for line in _told(wrong):
        click.echo(line, err=check)
    if wrong and check:
        sys.exit(1)
    click.echo(f"{service}: worklists agree with the log ({count} events)")


def _told(wrong: Iterable[Difference]) -> Iterable[str]:
    """Say for each worklist how many rows lack or are too much, and of which aggregates."""
    by_worklist: dict[str, list[Difference]] = defaultdict(list)
    for each in wrong:
        by_worklist[each.worklist].append(each)
    for worklist, found in by_worklist.items():
        missing, surplus = sum(each.missing for each in found), sum(each.surplus for each in found)
        some = ", ".join(str(each.aggregate_id) for each in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield f"{worklist}: {missing} rows missing, {surplus} too many; of {some}{more}"
