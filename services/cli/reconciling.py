"""`caretrail reconcile` and `caretrail new-epoch`: services go on behind a log that was put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import click

from services.cli.lost import Lost, lost_events
from services.cli.parked import account
from services.cli.restores import FAILURES, after_one_alone
from services.history.application import History
from services.suite import SERVICES, opened, service_named
from shared.clock import clock_from
from shared.eventlog import Application, LogRecorder, PositionMoved
from shared.eventlog.backup import open_place
from shared.eventlog.backup import renew_epoch as begin_epoch
from shared.messaging.epochs import CannotReconcile, Step, steps_back
from shared.messaging.reconciling import go_on
from shared.service import Service
from shared.settings import Settings

NAMES = [service.name for service in SERVICES]
LONGEST_REASON = 2000


@click.command()
@click.argument("consumer", type=click.Choice(NAMES))
@click.argument("upstream", type=click.Choice(NAMES))
@click.option("--yes", is_flag=True, help="Do it; without this, it is only told what would be done.")
@click.option("--reason", help="Why the restored log is to be followed; recorded.")
@click.option("--as", "operator", help="Who decides so.  [default: your account on this machine]")
@click.pass_obj
def reconcile(
    settings: Settings, consumer: str, upstream: str, yes: bool, reason: str | None, operator: str | None
) -> None:
    """Let CONSUMER go on behind the restored log of UPSTREAM.

    Tells which events CONSUMER has taken that the restored log no longer holds, and what they led to; with --yes, its
    position moves back to the last event that both have in common, in every lane. What was taken stays and is not
    done again. Both may go on working meanwhile.
    """
    why = (reason or "").strip()
    if yes and not 0 < len(why) <= LONGEST_REASON:
        raise click.UsageError(f"--yes needs a --reason, {LONGEST_REASON} letters at most.")
    if upstream not in service_named(consumer).upstreams:
        raise click.UsageError(f"{consumer} follows {', '.join(service_named(consumer).upstreams)}, not {upstream}.")
    with _opened(settings, consumer, upstream) as both:
        try:
            steps = steps_back(both.application.recorder, upstream, both.log)
        except CannotReconcile as error:
            raise click.ClickException(str(error)) from error
        for line in _told(both, steps):
            click.echo(line)
        if steps and yes:
            _go_on(both, steps, why, operator or account(), clock_from(settings.clock_file)())
        elif steps:
            click.echo("Nothing was changed: with --yes and --reason it is done.")


@click.command(name="new-epoch")
@click.argument("service", type=click.Choice(NAMES))
@click.pass_obj
def renew_epoch(settings: Settings, service: str) -> None:
    """Begin a new epoch in a log recovered by other means.

    After a database was put back to an earlier moment by its own tools instead of `restore`: run it before SERVICE
    starts again, so that those that follow it stop, instead of taking other events for the ones that they know.
    """
    now = clock_from(settings.clock_file)()
    try:
        place = open_place(settings.database_url(service), settings.admin_database_url, "", of_a_log=True)
        with closing(place):
            place.keep_out()
            with place.present() as connection:
                begin_epoch(connection, {}, now)
    except FAILURES as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{service} begins a new epoch")
    for line in after_one_alone(service):
        click.echo(line)


@dataclass(frozen=True)
class _Both:
    """A consumer and the restored log of its upstream, open; and history, which has copies of what was lost."""

    service: Service
    application: Application
    upstream: str
    log: LogRecorder
    history: History


@contextmanager
def _opened(settings: Settings, consumer: str, upstream: str) -> Iterator[_Both]:
    with ExitStack() as logs:
        application, above, history = (
            logs.enter_context(opened(service_named(name), settings)) for name in (consumer, upstream, "history")
        )
        yield _Both(service_named(consumer), application, upstream, above.recorder, cast("History", history))


def _told(both: _Both, steps: Sequence[Step]) -> Iterator[str]:
    """Say where the consumer stands, and what it has taken that is lost."""
    consumer, upstream = both.service.name, both.upstream
    if not steps:
        yield f"{consumer} stands in no earlier epoch of {upstream}: there is nothing to reconcile"
        return
    back = [step for step in steps if step.before.sequence > step.behind]
    yield f"{consumer} stands in an earlier epoch of {upstream} in {len(steps)} lanes"
    for step in back:
        yield f"  lane {step.lane}: goes back from {step.before.sequence} to {step.behind}"
    lost = lost_events(both.service, both.application, upstream, both.log, steps, both.history)
    yield f"{consumer} has taken {len(lost)} events that the log of {upstream} no longer holds" + ":" * bool(lost)
    for each in lost:
        yield from _described(each)


def _described(lost: Lost) -> Iterator[str]:
    moment = f"{lost.recorded_at:%Y-%m-%d %H:%M:%S}Z" if lost.recorded_at else "unknown since when"
    patient = f", patient {lost.patient_id}" if lost.patient_id else ""
    yield f"  {lost.id}  {lost.type or 'of unknown type'}, {moment}{patient}{', parked' * lost.is_parked}"
    for effect in lost.led_to:
        yield f"    led to {effect}, which stays: look at it"


def _go_on(both: _Both, steps: Sequence[Step], reason: str, operator: str, now: datetime) -> None:
    behind = {step.lane: step.behind for step in steps}
    put_aside = both.service.set_aside
    try:
        go_on(
            both.application,
            both.upstream,
            both.log.epoch(),
            steps,
            both.service.reconciled,
            operator=operator,
            reason=reason,
            now=now,
            rows=put_aside(both.application, both.upstream, behind) if put_aside else (),
        )
    except PositionMoved as error:
        raise click.ClickException("somebody has moved its position meanwhile: nothing was changed") from error
    click.echo(f"{both.service.name} goes on behind {both.upstream}; recorded as decided by operator:{operator}")
