"""What `caretrail` can do: each command in one sentence."""

from __future__ import annotations

import signal
import sys
import threading

import click

from services.cli.backups import backup
from services.cli.demo import demo
from services.cli.doctor import doctor
from services.cli.faults import die_at
from services.cli.histories import history
from services.cli.imports import import_files
from services.cli.parked import parked
from services.cli.people import user
from services.cli.rebuild import rebuild
from services.cli.reconciling import reconcile, renew_epoch
from services.cli.restores import restore
from services.cli.running import run_embedded
from services.cli.serving import GRACE, Served, answering, health_of
from services.cli.tokens import token
from services.suite import PORTAL, SERVICES, may_serve, prepare_all, web_of, worker_of
from shared import logs
from shared.eventlog import ClockOff, LogUnavailable, WrongSchema
from shared.http.service import package_version
from shared.settings import Mode, Settings, SettingsError

WRONG_SETTINGS = 78
NAMES = [service.name for service in SERVICES]


class Caretrail(click.Group):
    """Says in its own words why a log cannot be worked on, instead of showing where that was noticed."""

    def invoke(self, context: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(context)
        except (ClockOff, LogUnavailable, WrongSchema) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Caretrail, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_version(), prog_name="caretrail")
@click.pass_context
def main(context: click.Context) -> None:
    """CareTrail: care coordination for exercise therapy in mental health, every step replayable."""
    try:
        settings = Settings.of_this_process()
    except SettingsError as error:
        click.echo(f"caretrail: {error}", err=True)
        sys.exit(WRONG_SETTINGS)
    logs.configure(settings.log_level, settings.log_format, stream=sys.stderr)
    context.obj = settings


@main.command()
@click.pass_obj
def up(settings: Settings) -> None:
    """Run the whole suite in one process (embedded mode) until stopped."""
    if settings.mode is not Mode.EMBEDDED:
        raise click.ClickException("`up` runs the embedded mode; in production run `web` and `worker` per service")
    run_embedded(settings)


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Create or upgrade every service's database."""
    if settings.mode is Mode.PRODUCTION and not settings.admin_database_url:
        raise click.ClickException("CARETRAIL_ADMIN_DATABASE_URL must name a role that may create databases and roles")
    prepare_all(settings)
    click.echo(f"ready: {', '.join(NAMES)}, identity")


@main.command()
@click.argument("service", type=click.Choice([*NAMES, PORTAL]))
@click.pass_obj
def web(settings: Settings, service: str) -> None:
    """Serve one service over HTTP (production mode)."""
    if service != PORTAL:
        may_serve(service, settings)
    Served(lambda: web_of(service, settings), settings.bind, proxies=settings.proxies).run()


@main.command()
@click.argument("service", type=click.Choice(NAMES))
@click.pass_obj
def worker(settings: Settings, service: str) -> None:
    """Run one service's relay, listener and ticker (production mode)."""
    die_at(settings.fault, settings.home)
    stopping = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stopping.set())
    running, supervisor = worker_of(service, settings)
    with answering(settings.worker_bind, health_of(running, supervisor)):
        stopping.wait()
    late = supervisor.stop(within=GRACE)
    if not late:  # who is held in a write would hold the closing of the log, too
        running.close()
    sys.exit(1 if late else 0)


for command in (
    backup,
    demo,
    doctor,
    history,
    import_files,
    parked,
    rebuild,
    reconcile,
    renew_epoch,
    restore,
    token,
    user,
):
    main.add_command(command)
