"""How processes answer HTTP: what they believe of a client, what they refuse, and how a worker tells how it is."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, delete, insert
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from events.vocabulary import CATALOGUE
from services.cli.main import migrate
from services.cli.serving import GRACE, answering, behind, health_of
from services.suite import service_named
from shared.clock import system_clock
from shared.identity.accounts import attempts
from shared.messaging import Supervisor, supervisor
from shared.service import RunningService, clients, prepare
from shared.settings import Settings, SettingsError
from tests.faults.killing import worker_of
from tests.journeys.running import RunningSuite, embedded, free_port
from tests.production import edge as edges

FORGED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}
WRONG = {"grant_type": "password", "password": "not the right one"}


@Request.application
def who_asks(request: Request) -> Response:
    """Answer with the client's address, the scheme and the host that are believed."""
    return Response(f"{request.remote_addr} {request.scheme} {request.host}")


class TestBehind:
    @pytest.mark.parametrize(
        ("proxies", "believed"),
        [
            (0, "127.0.0.1 http localhost"),
            (1, "198.51.100.7 https localhost"),
            (2, "203.0.113.9 http localhost"),
        ],
    )
    def test_believes_as_many_proxies_as_there_are(self, proxies, believed):
        answer = Client(behind(proxies, who_asks)).get("/", headers=FORGED, environ_base={"REMOTE_ADDR": "127.0.0.1"})

        assert answer.text == believed

    def test_is_told_by_a_setting_that_is_none_by_itself(self):
        assert Settings.from_environ({}).proxies == 0
        assert Settings.from_environ({"CARETRAIL_PROXIES": "1"}).proxies == 1
        with pytest.raises(SettingsError, match="CARETRAIL_PROXIES"):
            Settings.from_environ({"CARETRAIL_PROXIES": "all"})


class TestInterrupted:
    def test_ends_soon_although_a_terminal_tells_everybody(self, tmp_path: Path):
        suite = embedded(tmp_path)
        suite.start()
        master = suite.processes["suite"]
        worker = worker_of(master)

        os.kill(worker, signal.SIGINT)  # as Ctrl-C does, beside what its master tells it
        answered = suite.client("intake").get("/intake/livez").status_code
        still = worker_of(master)
        master.signal(signal.SIGINT)

        assert (answered, still) == (200, worker)
        assert master.ended(within=GRACE - 5) == 0
        assert "SIGKILL" not in master.output.read_text()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    """The portal's process with the local issuer in it, believing one proxy, its user's home empty."""
    folder: Path = tmp_path_factory.mktemp("issuer")
    bind = f"127.0.0.1:{free_port()}"
    environment = {"HOME": str(folder), "CARETRAIL_BIND": bind, "CARETRAIL_PROXIES": "1"}
    suite = RunningSuite(folder, environment, f"sqlite:///{folder / 'identity.sqlite'}")
    prepared = suite.command("migrate")
    assert prepared.returncode == 0, prepared.stderr
    suite.add("portal", "web", "portal")
    suite.addresses = {"portal": f"http://{bind}"}
    try:
        suite.start()
        yield suite
    finally:
        suite.stop()


def sign_in(client: httpx.Client, name: str, **headers: str) -> int:
    """Try a wrong password; give the status."""
    return client.post("/identity/v1/token", data={**WRONG, "username": name}, headers=headers).status_code


def already_wrong(suite: RunningSuite, address: str, times: int) -> None:
    """Let an address have sent this many wrong passwords just now."""
    engine = create_engine(f"sqlite:///{suite.folder / 'identity.sqlite'}")
    with engine.begin() as connection:
        connection.execute(delete(attempts).where(attempts.c.source == f"address {address}"))
        now = system_clock().timestamp()
        connection.execute(insert(attempts), [{"source": f"address {address}", "at": now}] * times)
    engine.dispose()


def try_the_portal(suite: RunningSuite, address: str) -> tuple[int, str]:
    """Try a wrong password in the portal, as nginx would pass it on; give the status and the sentence shown."""
    with httpx.Client(base_url=suite.addresses["portal"], headers={"X-Forwarded-For": address}) as browser:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/portal/sign-in").text)[1]
        form = {"csrf_token": token, "username": "dora", "password": "not the right one"}
        answer = browser.post("/portal/sign-in", data=form)
    return answer.status_code, re.search(r"Too many attempts\.|Name or password are wrong\.", answer.text)[0]


def spoken(suite: RunningSuite, request: bytes) -> bytes:
    """Send bytes to the process, and give the first line of its answer."""
    address = urlsplit(suite.addresses["portal"])
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(4096).split(b"\r\n")[0]


@pytest.mark.xdist_group("issuer")
class TestWeb:
    def test_counts_wrong_passwords_by_the_address_that_nginx_saw(self, issuer):
        already_wrong(issuer, "127.0.0.1", 19)
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
        with (
            edges.running_nginx({"portal": urlsplit(issuer.addresses["portal"]).port}) as edge,
            httpx.Client(base_url=edge.url) as client,
            httpx.Client(base_url=edge.url, transport=elsewhere) as other,
        ):
            last = sign_in(client, "anna", **{"X-Forwarded-For": "203.0.113.1"})
            too_many = sign_in(client, "berta", **{"X-Forwarded-For": "203.0.113.2"})
            from_elsewhere = sign_in(other, "carla")

        assert (last, too_many, from_elsewhere) == (400, 429, 400)

    def test_counts_them_in_the_portal_by_the_visitors_address_too(self, issuer):
        already_wrong(issuer, "198.51.100.9", 20)
        already_wrong(issuer, "127.0.0.1", 19)

        too_many, wrong = try_the_portal(issuer, "198.51.100.9"), try_the_portal(issuer, "198.51.100.8")

        assert too_many == (429, "Too many attempts.")
        assert wrong == (422, "Name or password are wrong.")

    def test_leaves_nothing_in_its_users_home_that_another_service_would_overwrite(self, issuer):
        assert not (issuer.folder / ".gunicorn").exists()

    def test_is_mounted_nowhere_else_because_a_client_says_so(self, issuer):
        said = issuer.client("identity").get(
            "/identity/.well-known/openid-configuration", headers={"SCRIPT-NAME": "/evil", "X-Forwarded-Host": "evil"}
        )

        assert said.json()["token_endpoint"] == f"{issuer.addresses['portal']}/identity/v1/token"

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GET /identity/livez?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
            b"GET /identity/livez HTTP/1.1\r\nHost: here\r\n" + b"A: b\r\n" * 70 + b"\r\n",
            b"GET /identity/livez HTTP/1.1\r\nHost: here\r\nA: " + b"x" * 9000 + b"\r\n\r\n",
            b"GET /identity/livez HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ],
        ids=["long line", "many headers", "long header", "two lengths"],
    )
    def test_refuses_requests_beyond_measure(self, issuer, request_bytes):
        assert spoken(issuer, request_bytes).split()[1] in (b"400", b"414", b"431")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[RunningService]:
    """Referral on a log of its own, without loops."""
    settings = Settings.from_environ({"CARETRAIL_HOME": str(tmp_path)})
    service = service_named("referral")
    prepare(service, settings)
    running = RunningService(service, settings, CATALOGUE, system_clock, clients(settings))
    yield running
    running.close()


def turning(stop: threading.Event, beat: Any) -> None:
    """A loop that does nothing but beat."""
    while not stop.wait(0.01):
        beat()


class TestHealthOfAWorker:
    @pytest.fixture
    def loops(self) -> Iterator[Supervisor]:
        loops = Supervisor()
        loops.start("referral-relay", turning)
        yield loops
        loops.stop()

    def test_is_ready_while_its_loops_move(self, room, loops):
        answer = health_of(room, loops).test_client().get("/readyz")

        assert answer.status_code == 200
        assert answer.json["checks"] == {"log": "ok", "loops": "ok", "lanes": "ok"}

    def test_is_not_ready_while_a_loop_stands_still(self, room, loops, monkeypatch):
        monkeypatch.setattr(supervisor, "STUCK_AFTER", -1.0)

        answer = health_of(room, loops).test_client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json["checks"]["loops"] == "no progress: referral-relay"

    def test_is_told_over_http_only_meanwhile(self, room, loops):
        bind = f"127.0.0.1:{free_port()}"
        with answering(bind, health_of(room, loops)):
            ready = httpx.get(f"http://{bind}/readyz").status_code
            counted = httpx.get(f"http://{bind}/metrics").text

        assert ready == 200
        assert "caretrail_http_requests_total" in counted
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{bind}/readyz")

    def test_is_told_nowhere_unless_asked_for(self):
        assert Settings.from_environ({}).worker_bind == ""

        with answering("", who_asks):
            pass


class TestMigrating:
    def test_says_which_setting_it_needs_in_production(self, tmp_path):
        settings = Settings.from_environ({"CARETRAIL_MODE": "production", "CARETRAIL_HOME": str(tmp_path)})

        refused = CliRunner().invoke(migrate, obj=settings)

        assert refused.exit_code == 1
        assert refused.output == (
            "Error: CARETRAIL_ADMIN_DATABASE_URL must name a role that may create databases and roles\n"
        )
