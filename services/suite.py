"""All services in one process: the embedded mode; and the parts that the production mode runs one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

import httpx
from flask import Flask, redirect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from events.vocabulary import CATALOGUE
from services.history.service import SERVICE as HISTORY
from services.intake.service import SERVICE as INTAKE
from services.monitoring.service import SERVICE as MONITORING
from services.portal.pages.sessions import metadata as portal_tables
from services.portal.service import portal_app
from services.prescription.service import SERVICE as PRESCRIPTION
from services.referral.service import SERVICE as REFERRAL
from shared.clock import Clock, clock_from
from shared.eventlog import Application, LogUnavailable, check_clock, check_schema, open_log, rebuild
from shared.eventlog.migrate import migrate_tables
from shared.identity import LOCAL_ISSUER, KeyFolder, LocalIssuer, Verifier
from shared.identity.accounts import Accounts
from shared.identity.accounts import metadata as accounts_tables
from shared.identity.app import identity_app
from shared.logs import logger
from shared.messaging import Supervisor
from shared.service import Client, RunningService, Service, clients, prepare, verifier
from shared.settings import Settings, SettingsError

SERVICES: tuple[Service, ...] = (INTAKE, PRESCRIPTION, REFERRAL, MONITORING, HISTORY)
PORTAL = "portal"

log = logger(__name__)


def service_named(name: str) -> Service:
    """Give a service by its name; SettingsError naming those there are."""
    for service in SERVICES:
        if service.name == name:
            return service
    raise SettingsError(f"there is no service {name}: {', '.join(service.name for service in SERVICES)}")


def prepare_all(settings: Settings) -> None:
    """Create or upgrade every database and key that the suite needs."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for service in SERVICES:
        prepare_service(service, settings)
    prepare_accounts(settings)
    migrate_tables(settings.database_url(PORTAL), settings.admin_database_url, portal_tables)


def prepare_service(service: Service, settings: Settings) -> None:
    """Create or upgrade the database of one service."""
    if unfilled := prepare(service, settings):
        with opened(service, settings) as application:
            rebuild(application, unfilled)


def prepare_accounts(settings: Settings) -> None:
    """Create or upgrade the database of accounts."""
    migrate_tables(settings.database_url("identity"), settings.admin_database_url, accounts_tables)


@contextmanager
def opened(service: Service, settings: Settings) -> Iterator[Application]:
    """Open a service's log for work by hand: without its web side and its loops."""
    application = service.application(open_log(settings.database_url(service.name)), CATALOGUE)
    try:
        check_schema(application.recorder)
        yield application
    finally:
        application.close()


def may_serve(name: str, settings: Settings) -> None:
    """Refuse, with WrongSchema or ClockOff, to serve a log that this program on this machine cannot work on.

    One that does not answer now is served: callers hear 503 until it does, and it checks clocks by itself.
    """
    recorder = open_log(settings.database_url(name))
    try:
        check_schema(recorder)
        check_clock(recorder)
    except LogUnavailable as error:
        log.warning("log-not-checked", service=name, reason=str(error))
    finally:
        recorder.close()


def accounts_of(settings: Settings, clock: Clock) -> Accounts:
    """Open the accounts of the local issuer."""
    return Accounts(settings.database_url("identity"), clock)


class Suite:
    """Every service in this process, each mounted at its own path; calls between them never leave the process."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.clock = clock_from(settings.clock_file)
        self.supervisor = Supervisor()
        self.root = mounted({})
        recognise = verifier(settings, self.clock)
        self.running = [RunningService(s, settings, CATALOGUE, self.clock, self._client) for s in SERVICES]
        apps = {each.service.name: each.web(recognise, each.readiness(self.supervisor)) for each in self.running}
        apps["identity"] = _identity(settings, self.clock, recognise)
        apps[PORTAL] = portal_app(settings, self.clock, recognise, self._client)
        self.root.mounts.update({f"/{name}": app for name, app in apps.items()})

    def _client(self, name: str) -> httpx.Client:
        return entering(self.root, name)

    def start(self) -> None:
        """Start every service's loops."""
        for each in self.running:
            each.work(self.supervisor)

    def stop(self) -> list[str]:
        """Finish what is held, close the logs; give the loops that did not end in time."""
        late = self.supervisor.stop()
        for each in self.running:
            each.close()
        return late


def web_of(name: str, settings: Settings) -> WSGIApplication:
    """Give the web side of one service, or of the portal with the local issuer, at its own path."""
    clock = clock_from(settings.clock_file)
    recognise, reach = verifier(settings, clock), clients(settings)
    if name == PORTAL:
        root = mounted({"identity": _identity(settings, clock, recognise)})
        beside = {"identity": entering(root, "identity")}
        portal = portal_app(settings, clock, recognise, lambda other: beside.get(other) or reach(other))
        root.mounts[f"/{PORTAL}"] = portal
        return root
    running = RunningService(service_named(name), settings, CATALOGUE, clock, reach)
    return mounted({name: running.web(recognise)})


def worker_of(name: str, settings: Settings) -> tuple[RunningService, Supervisor]:
    """Start the loops of one service."""
    clock = clock_from(settings.clock_file)
    reach: Client = clients(settings)
    running = RunningService(service_named(name), settings, CATALOGUE, clock, reach)
    supervisor = Supervisor()
    running.work(supervisor)
    return running, supervisor


def _identity(settings: Settings, clock: Clock, recognise: Verifier) -> Flask:
    keys = KeyFolder(settings.keys)
    issuer = LocalIssuer(LOCAL_ISSUER, keys.signing_key("identity"), settings.audience, clock)
    return identity_app(accounts_of(settings, clock), issuer, keys.public_set("identity"), recognise)


def entering(root: WSGIApplication, name: str) -> httpx.Client:
    """Reach a service of this process without a socket: its threads may all be waiting for each other's answers.

    Only our own code can ask this way, so it is believed about the client whom it asks for.
    """
    transport = httpx.WSGITransport(app=ProxyFix(root, x_for=1, x_proto=0))
    return httpx.Client(transport=transport, base_url=f"http://caretrail/{name}")


def mounted(apps: Mapping[str, Flask]) -> DispatcherMiddleware:
    """Mount apps at their paths; the root leads to the portal."""
    front = Flask("front", static_folder=None)

    @front.get("/")
    def to_the_portal() -> Response:
        return redirect(f"/{PORTAL}/")

    return DispatcherMiddleware(front, {f"/{name}": app for name, app in apps.items()})
