"""A visit to a running suite over HTTP, as the command line makes it: sign in, ask, and say plainly what went wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click
import httpx
from gunicorn.util import parse_address

from shared.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = 60.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - whoever listens there is also here
HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class NoAnswer(click.ClickException):
    """No suite answered."""


class Refused(click.ClickException):
    """The suite refused, with this HTTP status."""

    def __init__(self, answer: httpx.Response):
        super().__init__(problem_in_words(answer))
        self.status = answer.status_code


class Visit:
    """One person's session with a suite; a token is asked for once, and again when it has ended."""

    def __init__(self, url: str, username: str, password: str):
        self.url = url
        self.username = username
        # A proxy of the environment has no way to this machine's own addresses.
        self._client = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=httpx.URL(url).host not in HERE)
        self._password = password
        self._token = ""

    def get(self, path: str, **params: Any) -> Any:
        """GET and give the answer; Refused with the problem in words."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._answer(self._ask("GET", path, params=given))

    def names(self) -> dict[str, str]:
        """Give the names of colleagues by id; none where another issuer signs people in."""
        try:
            return {person["id"]: person["name"] for person in self.get("/identity/v1/people")["people"]}
        except Refused:
            return {}

    def post(self, path: str, body: Any = None, *, key: str | None = None, version: int | None = None) -> Any:
        """POST a command (under an Idempotency-Key, on a version) and give the answer; Refused like `get`."""
        headers = {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self._answer(self._ask("POST", path, headers, json=body))

    def send(self, path: str, content: bytes) -> Any:
        """POST JSON as it is written, and give the answer; Refused like `get`."""
        return self._answer(self._ask("POST", path, {"Content-Type": "application/json"}, content=content))

    def sign_in(self) -> str:
        """Ask for a token and give it; ClickException if name or password are wrong."""
        form = {"grant_type": "password", "username": self.username, "password": self._password}
        answer = self._send("POST", "/identity/v1/token", data=form)
        if answer.status_code != httpx.codes.OK:
            raise click.ClickException(f"signing in as {self.username} failed: {_why(answer)}")
        self._token = answer.json()["access_token"]
        return self._token

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None, **words: Any) -> httpx.Response:
        """Send with a token; once more, with a new one, where the token has ended meanwhile."""
        answer = self._send(method, path, headers=self._signed(headers), **words)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = ""
            answer = self._send(method, path, headers=self._signed(headers), **words)
        return answer

    def _signed(self, headers: dict[str, str] | None) -> dict[str, str]:
        return {**(headers or {}), "Authorization": f"Bearer {self._token or self.sign_in()}"}

    def _send(self, method: str, path: str, **words: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **words)
        except httpx.ConnectError as error:
            raise NoAnswer(f"no suite answers at {self.url}; start one with `make up`") from error
        except httpx.TimeoutException as error:
            raise NoAnswer(f"the suite at {self.url} did not answer within {PATIENCE:.0f} s") from error
        except httpx.TransportError as error:
            raise NoAnswer(f"the connection to {self.url} broke: {error}") from error

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        raise Refused(answer)


def _why(answer: httpx.Response) -> str:
    if answer.headers.get("Content-Type") != "application/json":
        return f"{answer.request.url} answers {answer.status_code}; is it a CareTrail suite?"
    return str(answer.json().get("error_description", answer.status_code))


def problem_in_words(answer: httpx.Response) -> str:
    """Say what a refused request was refused for, with everything that was wrong with it."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}"
    problem = answer.json()
    lines = [problem.get("detail") or problem.get("title", str(answer.status_code))]
    for error in problem.get("errors", []):
        place = error.get("pointer") or error.get("parameter") or error.get("header", "")
        lines.append(f"  {place}: {error['detail']}")
    if problem.get("allowed"):
        lines.append(f"  allowed now: {', '.join(problem['allowed'])}")
    return "\n".join(lines)


def address_of(bind: str) -> str:
    """Give the address at which a suite that listens at `bind` is reached from this machine."""
    listening = parse_address(bind)
    if isinstance(listening, str):
        raise click.ClickException(f"CARETRAIL_BIND is {bind}; say with --url where the suite is")
    host, port = EVERYWHERE.get(listening[0], listening[0]), listening[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def visiting(command: F) -> F:
    """Give a command the options that say which suite to visit and as whom, and hand it the visit as `visit`."""

    @functools.wraps(command)
    @click.pass_obj
    def visit_first(
        settings: Settings,
        url: str | None,
        username: str,
        password: str | None,
        password_file: TextIO | None,
        **asked: Any,
    ) -> Any:
        visit = Visit(url or address_of(settings.bind), username, _password(password, password_file))
        try:
            return command(visit, **asked)
        finally:
            visit.close()

    options = (
        click.option("--url", callback=_web_address, help="Where the suite is.  [default: at CARETRAIL_BIND]"),
        click.option("--user", "username", required=True, help="Account to sign in with; its password is asked for."),
        click.option("--password-file", type=click.File(), help="File with the password; - reads it from a pipe."),
        click.option("--password", hidden=True, help="For tests: other people on the machine can read it here."),
    )
    found: Any = visit_first
    for option in reversed(options):
        found = option(found)
    return found  # type: ignore[no-any-return]


def _web_address(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise click.BadParameter("write it like http://127.0.0.1:8000")
    return value


def _password(password: str | None, file: TextIO | None) -> str:
    if password is not None:
        return password
    if file is not None:
        return file.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: give it with --password-file.")
    return str(click.prompt("Password", hide_input=True, err=True))
