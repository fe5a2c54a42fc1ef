"""The edge: a real nginx with our configuration."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import httpx
import pytest

from tests.production import edge as edges
from tests.production.compose import containers, read, variables

MEGABYTE = 1024 * 1024
OPEN = ("intake", "prescription", "referral", "history", "portal")
DOWN = "monitoring"


@pytest.fixture(scope="module")
def edge() -> Iterator[edges.Edge]:
    """Nginx before five rooms that echo; of the sixth not even the name is known."""
    with ExitStack() as running:
        ports = {room: running.enter_context(edges.echo(room)) for room in OPEN}
        yield running.enter_context(edges.running_nginx(ports))


@pytest.fixture
def client(edge: edges.Edge) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, timeout=20.0) as client:
        yield client


@contextmanager
def connections(edge: edges.Edge, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Open connections that send something, and then nothing more."""
    with ExitStack() as opened:
        found = [opened.enter_context(socket.create_connection(("127.0.0.1", edge.port))) for _ in range(count)]
        for connection in found:
            connection.sendall(sent)
        yield found


def seconds(client: httpx.Client, path: str) -> tuple[int, float]:
    """GET a path; give status and seconds."""
    began = monotonic()
    status = client.get(path).status_code
    return status, monotonic() - began


@pytest.mark.xdist_group("nginx")
class TestEdge:
    @pytest.mark.parametrize(
        ("path", "room"),
        [
            ("/intake/v1/patients?search=M%C3%BCller&limit=5", "intake"),
            ("/prescription/v1/programs/a%2Fb", "prescription"),
            ("/referral/v1/referrals", "referral"),
            ("/history/v1/patients/1/record?as-of=2026-11-23T08:00:00Z", "history"),
            ("/identity/v1/token", "portal"),
            ("/portal/patients", "portal"),
            ("/", "portal"),
        ],
    )
    def test_leads_to_each_room_and_leaves_the_address_as_it_is(self, client, path, room):
        said = client.get(path).json()

        assert (said["room"], said["path"]) == (room, path)

    @pytest.mark.parametrize(
        "path",
        [
            "/intake/v1/events",
            "/intake/v1/events/",
            "/intake/v1/events/heads",
            "/intake/v1/events?after=0",
            "/intake/v1/%65vents",
            "/intake//v1/events",
            "/intake/v1/./events",
            "/portal/../intake/v1/events",
            "/history/v1/events/heads",
            "/intake/metrics",
            "/intake/%6Detrics",
            "/identity/metrics",
            "/portal/metrics/",
        ],
    )
    def test_shows_neither_feeds_nor_metrics(self, client, path):
        request = client.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=path.encode())

        answer = client.send(request)

        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_takes_a_bundle_of_16_megabytes(self, client):
        answer = client.post("/intake/v1/imports", content=b"x" * (16 * MEGABYTE))

        assert answer.json()["length"] == 16 * MEGABYTE

    @pytest.mark.parametrize(
        ("path", "size"),
        [
            ("/intake/v1/imports", 18 * MEGABYTE),
            ("/intake/v1/patients", 301 * 1024),
            ("/portal/sign-in", 301 * 1024),
        ],
    )
    def test_refuses_larger_bodies(self, client, path, size):
        answer = client.post(path, content=b"x" * size)

        assert answer.status_code == 413
        assert answer.json() == {"type": "about:blank", "title": "Content Too Large", "status": 413}

    def test_leaves_it_to_the_services_to_refuse_what_is_a_little_too_large_for_them(self, client):
        assert client.post("/intake/v1/patients", content=b"x" * 257 * 1024).json()["length"] == 257 * 1024

    def test_drops_what_clients_say_of_themselves(self, client):
        claimed = {
            "X-User": "admin",
            "X-User-Roles": "physician",
            "X-Remote-User": "admin",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
            "X-Real-IP": "203.0.113.9",
            "Forwarded": "for=203.0.113.9",
            "X-Original-URL": "/intake/v1/events",
            "X_User": "admin",
        }

        said = client.get("/intake/v1/patients", headers=claimed).json()["headers"]

        assert {name.lower() for name in claimed} & set(said) == set()

    def test_tells_the_true_address_and_scheme_of_the_client(self, client, edge):
        claimed = {"X-Forwarded-For": "203.0.113.9, 127.0.0.9", "X-Forwarded-Proto": "https"}

        clear = client.get("/intake/v1/patients", headers=claimed).json()["headers"]
        unverified = ssl._create_unverified_context()
        sealed = httpx.get(f"{edge.tls_url}/intake/v1/patients", verify=unverified).json()["headers"]

        assert (clear["x-forwarded-for"], clear["x-forwarded-proto"]) == ("127.0.0.1", "http")
        assert (sealed["x-forwarded-for"], sealed["x-forwarded-proto"]) == ("127.0.0.1", "https")

    def test_lets_through_what_the_services_read(self, client, edge):
        read = {
            "Accept": "application/json",
            "Accept-Language": "de-CH",
            "Authorization": "Bearer abc",
            "Content-Type": "application/json",
            "Cookie": "caretrail=1; other=2",
            "HX-Request": "true",
            "Idempotency-Key": "k-1",
            "If-Match": '"3"',
            "If-None-Match": '"2"',
            "Origin": edge.url,
            "X-Correlation-ID": "6f6f0f0e-9a52-4b52-8f3e-6b7f8f3f0001",
            "X-CSRFToken": "t",
        }

        said = client.post("/intake/v1/patients", content=b"{}", headers=read).json()["headers"]

        assert {name: said.get(name.lower()) for name in read} == read
        assert said["host"] == f"127.0.0.1:{edge.port}"
        assert said["content-length"] == "2"

    def test_gives_a_body_sent_in_chunks_its_length(self, client):
        said = client.post("/intake/v1/patients", content=iter([b"{", b"}"])).json()

        assert said["headers"]["content-length"] == "2"
        assert "transfer-encoding" not in said["headers"]

    def test_serves_others_while_many_send_half_a_header(self, client, edge):
        with connections(edge, 200, b"GET /intake/v1/patients HTTP/1.1\r\nHost: here\r\nX-Slow: "):
            status, took = seconds(client, "/intake/v1/patients")

        assert (status, took < 2.0) == (200, True)

    def test_serves_others_while_one_sends_half_bodies_over_fifty_connections(self, client, edge):
        half = b"POST /intake/v1/patients HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{"
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
        with connections(edge, 80, half) as opened, httpx.Client(base_url=edge.url, transport=elsewhere) as other:
            refused = next(answer for answer in (first_line(each) for each in reversed(opened)) if answer)
            status, took = seconds(other, "/intake/v1/patients")

        assert refused == b"HTTP/1.1 429 Too Many Requests"
        assert (status, took < 2.0) == (200, True)

    def test_slows_a_token_down_that_asks_too_often(self, edge):
        one = b"GET /intake/v1/patients HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer fast\r\n\r\n"
        last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        with connections(edge, 1, one * 299 + last) as (fast,):
            answers = b"".join(iter(lambda: fast.recv(65536), b""))

        assert answers.count(b"HTTP/1.1 200 OK") >= 100
        assert answers.count(b"HTTP/1.1 429 ") > 0
        assert answers.count(b"Retry-After: 2") == answers.count(b"HTTP/1.1 429 ")

    def test_says_at_once_that_a_service_is_away(self, client):
        began = monotonic()
        answer = client.get(f"/{DOWN}/v1/plans")

        assert monotonic() - began < 5.0
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json() == {"type": "about:blank", "title": "Service Unavailable", "status": 503}

    def test_serves_the_others_while_one_is_away(self, client):
        assert client.get("/history/v1/patients").status_code == 200


def first_line(connection: socket.socket) -> bytes:
    """Give the first line of an answer, or nothing where none has come within a moment."""
    connection.settimeout(0.2)
    try:
        return connection.recv(4096).split(b"\r\n")[0]
    except TimeoutError:
        return b""


@pytest.mark.xdist_group("nginx")
class TestEdgeWithoutServices:
    def test_answers_people_in_words_and_programs_with_a_problem(self):
        with edges.running_nginx({"portal": 1, "intake": 1}) as edge:
            page = httpx.get(f"{edge.url}/portal/")
            token = httpx.post(f"{edge.url}/identity/v1/token")

        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/plain")
        assert "Please try again in a moment" in page.text
        assert (token.status_code, token.headers["Content-Type"]) == (503, "application/problem+json")


class TestConfiguration:
    def test_leads_to_the_web_sides_of_the_compose_file(self):
        ours = containers(read(dict.fromkeys(variables(), "secret")))
        webs = {name: c.environment["CARETRAIL_BIND"].rpartition(":")[2] for name, c in ours.items() if c.is_web}

        assert edges.rooms_in_the_configuration() == webs
