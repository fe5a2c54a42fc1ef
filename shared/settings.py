"""The settings of a process: the only reader of the environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SERVICES = ("intake", "prescription", "referral", "monitoring", "history", "partners", "portal")
PREFIX = "CARETRAIL_"
OF_THE_TESTS = ("CARETRAIL_TEST_", "CARETRAIL_REQUIRE_SERVERS")
SQLITE = "an SQLite file in CARETRAIL_HOME"


class SettingsError(Exception):
    """A setting is unknown, malformed or missing; the message names it and never repeats a secret."""


class Mode(StrEnum):
    """Embedded: one process, SQLite, no broker to install. Production: PostgreSQL, RabbitMQ, a process per part."""

    EMBEDDED = "embedded"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Variable:
    """One environment variable; `otherwise` says in words what holds where there is no plain default.

    A secret may come from a file that NAME_FILE names.
    """

    name: str
    meaning: str
    default: str = ""
    otherwise: str = ""
    secret: bool = False


VARIABLES = (
    Variable("CARETRAIL_HOME", "Folder of the embedded mode's databases and of the keys.", "~/.caretrail"),
    Variable("CARETRAIL_MODE", "`embedded` or `production`.", "embedded"),
    Variable("CARETRAIL_BIND", "Address and port to listen on.", "127.0.0.1:8000"),
    Variable("CARETRAIL_WORKER_BIND", "Where a worker tells how it is (/readyz, /metrics); nowhere unless given."),
    Variable(
        "CARETRAIL_PROXIES", "Proxies of ours in front, each believed about address and scheme of the client.", "0"
    ),
    Variable("CARETRAIL_BROKER_URL", "The message broker (kombu URL).", "memory://", secret=True),
    Variable(
        "CARETRAIL_ADMIN_DATABASE_URL", "Used by `caretrail migrate` only: may create roles and tables.", secret=True
    ),
    Variable("CARETRAIL_KEYS", "Folder of this installation's signing keys.", otherwise="`keys` in CARETRAIL_HOME"),
    Variable("CARETRAIL_AUDIENCE", "The `aud` that access tokens must carry.", "caretrail"),
    Variable("CARETRAIL_ISSUERS", "Other OpenID issuers to trust: `issuer=jwks-url`, separated by spaces."),
    Variable("CARETRAIL_LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`.", "INFO"),
    Variable("CARETRAIL_LOG_FORMAT", "`json` or `console`.", "json"),
    Variable("CARETRAIL_CLOCK_FILE", "For tests: a file with an instant or an offset in seconds that moves the clock."),
    Variable("CARETRAIL_FAULT", "For tests: the named point at which the process kills itself."),
    Variable("IDENTITY_DATABASE_URL", "Accounts of the local issuer.", otherwise=SQLITE, secret=True),
    Variable("IDENTITY_URL", "Where the local issuer answers.", "http://127.0.0.1:8000/identity"),
    *(
        Variable(
            f"{name.upper()}_DATABASE_URL",
            f"Log and worklists of {name}.",
            otherwise=SQLITE,
            secret=True,
        )
        for name in SERVICES
    ),
    *(
        Variable(f"{name.upper()}_URL", f"Where the others reach {name}.", f"http://127.0.0.1:8000/{name}")
        for name in SERVICES
    ),
)


@dataclass(frozen=True)
class Settings:
    """What a process was told at its start; built once by the command line and handed on."""

    home: Path
    mode: Mode
    bind: str
    worker_bind: str
    proxies: int
    keys: Path
    audience: str
    issuers: Mapping[str, str]
    log_level: str
    log_format: str
    clock_file: Path | None
    fault: str | None
    service_urls: Mapping[str, str]
    identity_url: str
    broker_url: str = field(repr=False)
    admin_database_url: str | None = field(repr=False)
    database_urls: Mapping[str, str] = field(repr=False)

    @classmethod
    def of_this_process(cls) -> "Settings":
        """Read the settings of this process from its environment."""
        return cls.from_environ(os.environ)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every setting, or raise SettingsError naming the one that is wrong."""
        _refuse_unknown(environ)
        read = _Reader(environ)
        home = Path(read("CARETRAIL_HOME")).expanduser()
        mode = Mode(read.choice("CARETRAIL_MODE", [str(mode) for mode in Mode]))
        return cls(
            home=home,
            mode=mode,
            bind=read("CARETRAIL_BIND"),
            worker_bind=read("CARETRAIL_WORKER_BIND"),
            proxies=int(read.choice("CARETRAIL_PROXIES", ["0", "1", "2", "3"])),
            keys=read.path("CARETRAIL_KEYS") or home / "keys",
            audience=read("CARETRAIL_AUDIENCE"),
            issuers=_issuers(read("CARETRAIL_ISSUERS")),
            log_level=read.choice("CARETRAIL_LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"]),
            log_format=read.choice("CARETRAIL_LOG_FORMAT", ["json", "console"]),
            clock_file=read.path("CARETRAIL_CLOCK_FILE"),
            fault=read("CARETRAIL_FAULT") or None,
            service_urls={name: read(f"{name.upper()}_URL").rstrip("/") for name in SERVICES},
            identity_url=read("IDENTITY_URL").rstrip("/"),
            broker_url=read("CARETRAIL_BROKER_URL"),
            admin_database_url=read("CARETRAIL_ADMIN_DATABASE_URL") or None,
            database_urls=dict(_database_urls(read, home, mode)),
        )

    def database_url(self, name: str) -> str:
        """Give the database of a service (or of `identity`); SettingsError where production was not told one."""
        if name not in self.database_urls:
            raise SettingsError(f"{name.upper()}_DATABASE_URL must be set in production mode")
        return self.database_urls[name]

    @staticmethod
    def describe() -> str:
        """Write the table of settings for the README, in Markdown."""
        rows = [
            f"| `{v.name}`{' (or `_FILE`)' if v.secret else ''} | {v.otherwise or v.default} | {v.meaning} |"
            for v in VARIABLES
        ]
        return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


class _Reader:
    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ
        self._variables = {variable.name: variable for variable in VARIABLES}

    def __call__(self, name: str) -> str:
        variable = self._variables[name]
        return self._given(variable) or variable.default

    def _given(self, variable: Variable) -> str:
        given = self._environ.get(variable.name, "").strip()
        file = self._environ.get(f"{variable.name}_FILE", "") if variable.secret else ""
        if given and file:
            raise SettingsError(f"{variable.name} and {variable.name}_FILE are both set")
        return _secret_from(variable.name, Path(file)) if file else given

    def choice(self, name: str, allowed: list[str]) -> str:
        value = self(name)
        if value not in allowed:
            raise SettingsError(f"{name} must be one of {', '.join(allowed)}")
        return value

    def path(self, name: str) -> Path | None:
        given = self._given(self._variables[name])
        return Path(given).expanduser() if given else None


def _secret_from(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE cannot be read: {error.strerror}") from error


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {name for v in VARIABLES for name in ((v.name, f"{v.name}_FILE") if v.secret else (v.name,))}
    named = {name for name in environ if name.startswith(PREFIX) and not name.startswith(OF_THE_TESTS)}
    if unknown := sorted(named - known):
        raise SettingsError(f"unknown settings: {', '.join(unknown)}")


def _issuers(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split()]
    if any(not (issuer and url.startswith(("https://", "http://"))) for issuer, _, url in pairs):
        raise SettingsError("CARETRAIL_ISSUERS must hold pairs issuer=jwks-url, separated by spaces")
    return {issuer: url for issuer, _, url in pairs}


def _database_urls(read: _Reader, home: Path, mode: Mode) -> Iterator[tuple[str, str]]:
    for name in ("identity", *SERVICES):
        given = read(f"{name.upper()}_DATABASE_URL")
        if given:
            yield name, given
        elif mode is Mode.EMBEDDED:
            yield name, f"sqlite:///{home / name}.sqlite"
