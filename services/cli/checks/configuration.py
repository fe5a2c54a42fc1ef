"""Settings, folders, keys and disk: what is there before anything runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from gunicorn.util import parse_address
from sqlalchemy.engine import make_url

from services.cli.checks.findings import Finding, error, fine, warning
from services.cli.checks.installation import Installation
from services.suite import SERVICES
from shared.messaging import is_memory
from shared.settings import Settings

SETTINGS, FOLDERS, KEYS, DISK = "settings", "folders", "keys", "disk"
HERE_ONLY = ("127.0.0.1", "::1", "localhost")
GUESSED_FIRST = frozenset(
    {"", "admin", "caretrail", "changeme", "guest", "password", "postgres", "rabbitmq", "root", "secret", "test"}
)
LITTLE, TOO_LITTLE = 2_000_000_000, 300_000_000
OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def settings(installation: Installation) -> Iterator[Finding]:
    """Look for settings that do not go together, or are not meant for real use."""
    given = installation.settings
    findings = list(_of_embedded(given) if installation.embedded else _of_production(given))
    findings += _of_tests(installation)
    findings += _of_issuers(given)
    yield from findings or [fine(SETTINGS, f"{given.mode} mode; they go together")]


def _of_embedded(given: Settings) -> Iterator[Finding]:
    address = parse_address(given.bind)
    if isinstance(address, tuple) and address[0] not in HERE_ONLY:
        yield warning(
            SETTINGS,
            f"everybody who reaches this machine reaches {given.bind}, /metrics and the feeds with it, without TLS",
            "set CARETRAIL_BIND=127.0.0.1:8000, and let a proxy with TLS (as in services/nginx.conf) stand in front",
        )
    yield from _guessable(given, ["identity", *(service.name for service in SERVICES)])


def _of_production(given: Settings) -> Iterator[Finding]:
    if is_memory(given.broker_url):
        yield error(
            SETTINGS,
            "production mode with the broker inside the process: web and worker do not reach each other",
            "set CARETRAIL_BROKER_URL=amqp://USER:PASSWORD@HOST:5672//",
        )
    names = [name for name in ("identity", *(service.name for service in SERVICES)) if name in given.database_urls]
    files = [name for name in names if make_url(given.database_urls[name]).get_backend_name() == "sqlite"]
    if files:
        yield error(
            SETTINGS,
            f"production mode with SQLite files ({', '.join(files)}): workers would not notice what webs record",
            "give each service a PostgreSQL database in its ..._DATABASE_URL, then run `caretrail migrate`",
        )
    if not given.worker_bind:
        yield warning(
            SETTINGS,
            "workers tell nobody how they are: CARETRAIL_WORKER_BIND is not set",
            "set CARETRAIL_WORKER_BIND=0.0.0.0:8001 for workers, and let /readyz and /metrics there be watched",
        )
    yield from _guessable(given, names)
    if given.admin_database_url is None:
        yield fine(SETTINGS, "no CARETRAIL_ADMIN_DATABASE_URL here: right for web and worker; `migrate` needs one")


def _guessable(given: Settings, names: list[str]) -> Iterator[Finding]:
    told = {f"{name.upper()}_DATABASE_URL": given.database_urls[name] for name in names if name in given.database_urls}
    told["CARETRAIL_BROKER_URL"] = given.broker_url
    if given.admin_database_url:
        told["CARETRAIL_ADMIN_DATABASE_URL"] = given.admin_database_url
    for variable, url in told.items():
        made = make_url(url)
        if not made.host or is_memory(url):
            continue
        if str(made.password or "").lower() in GUESSED_FIRST | {str(made.username or "").lower()}:
            yield warning(
                SETTINGS,
                f"{variable} has no password, or one that is guessed first",
                f"choose a long random one (`openssl rand -hex 24`), set it in {variable}, and run `caretrail migrate` "
                "for a database or `rabbitmqctl change_password USER` for the broker",
            )


def _of_tests(installation: Installation) -> Iterator[Finding]:
    given, say = installation.settings, warning if installation.embedded else error
    if given.fault:
        yield say(SETTINGS, "a process will kill itself at a named point", "unset CARETRAIL_FAULT: it is for tests")
    if given.clock_file:
        yield say(SETTINGS, "a file moves the clock of every process", "unset CARETRAIL_CLOCK_FILE: it is for tests")


def _of_issuers(given: Settings) -> Iterator[Finding]:
    for issuer, url in given.issuers.items():
        if not url.startswith("https://") and "://127.0.0.1" not in url and "://localhost" not in url:
            yield warning(
                SETTINGS,
                f"the keys of {issuer} are fetched without TLS: whoever sits between can sign anybody in",
                "name an https:// address in CARETRAIL_ISSUERS",
            )


def folders(installation: Installation) -> Iterator[Finding]:
    """Look who may enter the folder of logs and keys."""
    home = installation.settings.home
    if not home.is_dir():
        yield fine(FOLDERS, f"there is no {home} yet; the first start makes it")
    elif not installation.embedded:
        yield fine(FOLDERS, f"{home} holds keys at most; each service has its own, which its web and worker share")
    elif home.stat().st_mode & OF_OTHERS:
        yield error(FOLDERS, f"other users of this machine may look into {home}", f"chmod 700 {home}")
    elif not os.access(home, os.W_OK | os.X_OK):
        yield error(FOLDERS, f"this user may not write to {home}", f"chown -R THE-USER-THAT-RUNS-CARETRAIL {home}")
    else:
        yield fine(FOLDERS, f"{home} is for its owner alone")


def keys(installation: Installation) -> Iterator[Finding]:
    """Look whether every key is there, its owner's alone, and nobody else's."""
    folder = installation.settings.keys
    files = sorted([*folder.glob("*.jwk"), *folder.glob("*.secret")]) if folder.is_dir() else []
    if not files:
        yield fine(KEYS, f"none in {folder} yet; each process makes its own at its first start")
        return
    findings = [*_open_to_others(folder, files), *_shared(files), *_missing(installation, files)]
    yield from findings or [fine(KEYS, f"{len(files)} in {folder}, each for its owner alone, no two alike")]


def _open_to_others(folder: Path, files: list[Path]) -> Iterator[Finding]:
    if folder.stat().st_mode & OF_OTHERS:
        yield error(KEYS, f"other users of this machine may look into {folder}", f"chmod 700 {folder}")
    for file in files:
        if file.stat().st_mode & (OF_OTHERS | stat.S_IXUSR):
            yield error(
                KEYS,
                f"other users of this machine may read {file.name}: they can sign in as the service itself",
                f"chmod 600 {file}; if somebody may have read it: rm {file}, then restart every process",
            )


def _shared(files: list[Path]) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for file in files:
        if not os.access(file, os.R_OK):
            yield error(KEYS, f"this user may not read {file.name}", f"chown THE-USER-THAT-RUNS-CARETRAIL {file}")
            continue
        first = seen.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), file)
        if first is not file:
            yield error(
                KEYS,
                f"{file.name} is the same as {first.name}: one service can pass for another",
                f"rm {file}, then restart the service: it makes its own",
            )


def _missing(installation: Installation, files: list[Path]) -> Iterator[Finding]:
    if not installation.embedded:
        return  # every service has a folder of its own
    there = {file.name for file in files}
    expected = [f"{name}.jwk" for name in ("identity", *(service.name for service in SERVICES))]
    if missing := [name for name in expected if name not in there]:
        yield warning(
            KEYS,
            f"some are there, but not {', '.join(missing)}",
            "after a restore, restore the keys too; otherwise start the suite, which makes new ones",
        )


def disk(installation: Installation) -> Iterator[Finding]:
    """Look how much room is left where this machine keeps its files."""
    home = installation.settings.home
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    seen = f"{free / 1e9:.1f} GB free at {home}"
    do = "make room or grow the disk: without room commands are answered with 503, and nothing is lost"
    if free < TOO_LITTLE:
        yield error(DISK, seen, do)
    elif free < LITTLE:
        yield warning(DISK, seen, do)
    else:
        yield fine(DISK, seen + ("" if installation.embedded else "; look at PostgreSQL's and RabbitMQ's as well"))
