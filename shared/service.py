"""One skeleton for every service: what it is made of, its web side, and its worker's loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import MetaData, Table

from events.base import LANES, ParkedEventSkipped, RefusalSettled, UpstreamReconciled
from events.catalogue import Catalogue
from shared.access import Access, AccessTable, CareTeam, Role, Rule
from shared.clock import Clock
from shared.eventlog import Application, Replace, check_clock, check_schema, migrate, open_log
from shared.figures import FIGURES, Watched
from shared.http import Blueprint, ReadyCheck, service_app
from shared.identity import (
    LOCAL_ISSUER,
    FetchedKeys,
    KeyFolder,
    KeySource,
    ServiceTokens,
    StaticKeys,
    TrustedIssuer,
    Verifier,
    service_issuer,
)
from shared.messaging import FeedClient, Inbox, Listener, Policies, Relay, Supervisor, Ticker, Timers
from shared.messaging.feed_api import feed_blueprint
from shared.messaging.parked_api import parked_blueprint
from shared.messaging.refusals_api import refusals_blueprint
from shared.settings import SERVICES, Mode, Settings

ACCESS_IN_EVERY_SERVICE: AccessTable = {
    "events_feed": Rule({Role.SERVICE}),
    "feed_heads": Rule({Role.SERVICE}),
    # Whatever the team, or nobody might see that something is amiss.
    "refused_reaction_list": Rule({Role.CARE_COORDINATOR}),
    "settle_refused_reaction": Rule({Role.CARE_COORDINATOR}),
    "parked_event_list": Rule({Role.CARE_COORDINATOR}),
}
"""The rows of the routes that `web_app` adds to a service's own."""

FOREIGN_ALGORITHMS = ("RS256", "ES256", "Ed25519")

Client = Callable[[str], httpx.Client]
"""Gives an HTTP client whose base is a service's own address."""


SetAside = Callable[[Any, str, Mapping[int, int]], Sequence[Replace]]
"""Takes an application, an upstream, and behind which position of each lane it goes on; gives the rows to change."""


@dataclass(frozen=True)
class Service:
    """What a service is made of; each service's service.py holds one.

    `settled` is its own event of a refused reaction that was dealt with, `skipped` that of an event which an operator
    let it pass over, `reconciled` that of an upstream whose restored log it goes on behind, `upstreams` the services
    whose events it takes, `care_team` the table of membership that its access decisions read, `timers` what it does
    when a time has passed. `connect` hands its application the readers of its upstreams' feeds, where it asks them
    itself; `set_aside` says what becomes of its copies of events that a restored upstream no longer holds.
    """

    name: str
    title: str
    application: type[Application]
    worklists: MetaData
    policies: Policies
    settled: type[RefusalSettled]
    skipped: type[ParkedEventSkipped]
    reconciled: type[UpstreamReconciled]
    upstreams: tuple[str, ...]
    blueprints: tuple[Blueprint, ...]
    access: AccessTable
    care_team: Table | None = None
    timers: Timers | None = None
    connect: Callable[[Any, Mapping[str, FeedClient]], None] | None = None
    set_aside: SetAside | None = None


def prepare(service: Service, settings: Settings) -> Sequence[str]:
    """Create or upgrade a database, as `caretrail migrate` does; give the worklists to rebuild from the log now."""
    return migrate(
        settings.database_url(service.name),
        settings.admin_database_url,
        service.worklists,
        rebuildable={worklist.table.name for worklist in service.application.worklists},
        bound_clocks=settings.clock_file is None,
    )


def verifier(settings: Settings, clock: Clock) -> Verifier:
    """Trust the local issuer, each service for itself, and the issuers that the settings name."""
    issuers = [TrustedIssuer(LOCAL_ISSUER, _keys(settings, "identity", settings.identity_url), roles=_people())]
    for name in SERVICES:
        keys = _keys(settings, name, settings.service_urls[name])
        issuers.append(TrustedIssuer(service_issuer(name), keys, roles=frozenset({Role.SERVICE})))
    for issuer, url in settings.issuers.items():
        issuers.append(TrustedIssuer(issuer, FetchedKeys(url), FOREIGN_ALGORITHMS, roles=_people()))
    return Verifier(issuers, settings.audience, clock)


def _people() -> frozenset[str]:
    return frozenset(Role) - {Role.SERVICE}


def _keys(settings: Settings, name: str, url: str) -> KeySource:
    """In one process all keys are at hand; in production everybody publishes their own."""
    if settings.mode is Mode.EMBEDDED:
        return StaticKeys(KeyFolder(settings.keys).public_set(name))
    return FetchedKeys(f"{url}/jwks.json")


def web_app(
    service: Service,
    application: Application,
    recognise: Verifier,
    *,
    secret: bytes,
    clock: Clock,
    ready_checks: Mapping[str, ReadyCheck] | None = None,
    jwks: Mapping[str, Any] | None = None,
) -> Flask:
    """Put a service's HTTP side together: its own routes, its refused reactions, its parked events and its feed."""
    team = CareTeam(service.care_team, application.query, clock) if service.care_team is not None else None
    return service_app(
        service.name,
        service.title,
        [*service.blueprints, refusals_blueprint(service.settled), parked_blueprint(), feed_blueprint(service.name)],
        application=application,
        verifier=recognise,
        access=Access({**service.access, **ACCESS_IN_EVERY_SERVICE}, team),
        secret=secret,
        clock=clock,
        ready_checks=ready_checks,
        jwks=jwks,
    )


class RunningService:
    """A service in this process: its open log, its web app, and, where it works, its loops."""

    def __init__(self, service: Service, settings: Settings, catalogue: Catalogue, clock: Clock, client: Client):
        self.service = service
        self.settings = settings
        self.clock = clock
        self._catalogue = catalogue
        self._client = client
        self._keys = KeyFolder(settings.keys)
        self.recorder = open_log(settings.database_url(service.name), clock)
        self.watched = Watched(service.name, self.recorder, clock)
        FIGURES.watch(self.watched)
        self.application = service.application(self.recorder, catalogue)
        if service.connect is not None:
            service.connect(self.application, self.feeds())
        self.relay: Relay | None = None
        self.listener: Listener | None = None
        self.ticker: Ticker | None = None

    def web(self, recognise: Verifier, ready_checks: Mapping[str, ReadyCheck] | None = None) -> Flask:
        """Put its HTTP side together."""
        return web_app(
            self.service,
            self.application,
            recognise,
            secret=self._keys.secret(self.service.name),
            clock=self.clock,
            ready_checks=ready_checks,
            jwks=self._keys.public_set(self.service.name),
        )

    def work(self, supervisor: Supervisor) -> None:
        """Start its loops: the relay of its own log, the listener to its upstreams, and the ticker of its timers."""
        check_schema(self.recorder)
        check_clock(self.recorder)
        name, broker = self.service.name, self.settings.broker_url
        self.relay = Relay(name, self.recorder, broker)
        supervisor.start(f"{name}-relay", self.relay.run)
        if self.service.upstreams:
            self.listener = Listener(name, self.inbox(), broker)
            supervisor.start(f"{name}-listener", self.listener.run)
        if self.service.timers is not None:
            self.ticker = Ticker(self.application, self.service.timers, self.clock)
            supervisor.start(f"{name}-ticker", self.ticker.run)
        self.watched.relay, self.watched.listener, self.watched.supervisor = self.relay, self.listener, supervisor
        self.watched.ticker = self.ticker

    def inbox(self) -> Inbox:
        """Give its side of every upstream."""
        return Inbox(self.application, self._catalogue, self.service.policies, self.feeds(), self.clock)

    def feeds(self) -> dict[str, FeedClient]:
        """Give the readers of its upstreams' feeds."""
        tokens = ServiceTokens(
            self.service.name, self._keys.signing_key(self.service.name), self.settings.audience, self.clock
        )
        return {name: FeedClient(name, self._client(name), tokens.bearer) for name in self.service.upstreams}

    def readiness(self, supervisor: Supervisor) -> Mapping[str, ReadyCheck]:
        """Check its loops: no progress for ten seconds, or a stopped lane, is not ready."""
        return {"loops": lambda: self._stuck(supervisor), "lanes": self._stopped}

    def _stuck(self, supervisor: Supervisor) -> str | None:
        mine = [name for name in supervisor.stuck() if name.startswith(f"{self.service.name}-")]
        return f"no progress: {', '.join(mine)}" if mine else None

    def _stopped(self) -> str | None:
        stopped = self.listener.inbox.stopped if self.listener else {}
        return f"{len(stopped)} of {LANES * len(self.service.upstreams)} lanes stopped" if stopped else None

    def close(self) -> None:
        """Finish the writes that wait."""
        FIGURES.forget(self.watched)
        self.application.close()


def clients(settings: Settings) -> Client:
    """Reach other services over HTTP."""
    return lambda name: httpx.Client(base_url=settings.service_urls[name], timeout=10.0, follow_redirects=False)
