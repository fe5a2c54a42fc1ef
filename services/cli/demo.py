"""`caretrail demo`: the suite with six sample patients, walked along the trail by the people of a small practice."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NoReturn

import click
import httpx
import msgspec

from services.cli.cases import DidNotHappen, Practice
from services.cli.people import new_password
from services.cli.running import must_be_free, run_embedded
from services.cli.stories import STORIES, tell
from services.cli.visiting import Visit, address_of
from services.suite import accounts_of, prepare_all
from shared import logs
from shared.clock import clock_from, system_clock
from shared.settings import Mode, Settings

PEOPLE: Mapping[str, tuple[str, str]] = {
    "anna": ("care-coordinator", "Anna Frey"),
    "paul": ("physician", "Paul Okafor"),
    "erika": ("exercise-physiologist", "Erika Holm"),
    "ben": ("behavioral-coach", "Ben Castillo"),
    "tara": ("psychotherapist", "Tara Singh"),
    "aude": ("auditor", "Aude Laurent"),
}
"""Each signs in by this name, which is their id in the logs too, so that a trail of the demo can be read."""

OPENS_AT = timedelta(hours=14)
"""When the practice opens, in UTC: the morning where its patients live."""

EIGHT_WEEKS = timedelta(weeks=8)
OURS = ("*.sqlite", "*.sqlite-shm", "*.sqlite-wal", "keys", "demo.*")
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # prctl(2)
READY_WITHIN = 60.0
GRACE = 30.0


class Notes(msgspec.Struct, kw_only=True):
    """What the demo remembers of itself between two starts; `patients` once all stories are told."""

    password: str
    begins: datetime
    patients: dict[str, str] = {}


@click.command()
@click.option("--reset", is_flag=True, help="Begin anew: throw away what an earlier demo made.")
@click.pass_obj
def demo(settings: Settings, reset: bool) -> None:
    """Run the suite with six sample patients.

    Says where to look and who may sign in, and keeps running until stopped. All people in it are invented. The next
    start keeps the data, and goes on where an interrupted one stopped.
    """
    _must_be_a_place_for_a_demo(settings)
    must_be_free(settings.bind)
    if reset:
        _throw_away(settings.home)
    settings = replace(settings, clock_file=settings.home / "demo.clock")
    notes = _begin(settings)
    url = address_of(settings.bind)
    with _running(settings) as suite:
        _until_ready(url, suite, settings.home)
        if not notes.patients:
            _tell(settings, notes, url)
        _say_where_to_look(url, notes)
        suite.join()
    raise click.ClickException(f"the suite has stopped by itself: see {settings.home / 'demo.log'}")


# What a demo keeps


def _must_be_a_place_for_a_demo(settings: Settings) -> None:
    """Refuse to tell stories into a log that somebody else writes, or to throw it away."""
    home = settings.home
    if settings.mode is not Mode.EMBEDDED:
        raise click.ClickException("the demo runs in the embedded mode only")
    if any(url != f"sqlite:///{home / name}.sqlite" for name, url in settings.database_urls.items()):
        raise click.ClickException("the demo keeps its data in CARETRAIL_HOME: unset the settings ..._DATABASE_URL")
    if home.exists() and any(home.iterdir()) and not _notes_file(home).exists():
        raise click.ClickException(f"{home} holds data that no demo made. Set CARETRAIL_HOME to another folder")


def _throw_away(home: Path) -> None:
    for pattern in OURS:
        for path in home.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _begin(settings: Settings) -> Notes:
    """Make what is missing, the notes first: so every later step can be interrupted and made up for."""
    file = _notes_file(settings.home)
    if file.exists():
        notes = msgspec.json.decode(file.read_bytes(), type=Notes)
    else:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        notes = Notes(password=new_password(), begins=first_day(system_clock()))
        _write(file, msgspec.json.encode(notes))
    _begin_the_clock(settings, notes)
    prepare_all(settings)
    _make_accounts(settings, notes.password)
    return notes


def first_day(now: datetime) -> datetime:
    """Give the first Monday within the last eight weeks, at the hour when the practice opens."""
    earliest = now.replace(hour=0, minute=0, second=0, microsecond=0) - EIGHT_WEEKS
    return earliest + timedelta(days=-earliest.weekday() % 7) + OPENS_AT


def _begin_the_clock(settings: Settings, notes: Notes) -> None:
    """Let the suite wake up on the stories' first day: a log that was once awake today records no earlier time."""
    clock_file = settings.home / "demo.clock"
    if notes.patients:
        clock_file.unlink(missing_ok=True)
    elif not clock_file.exists():
        _write(clock_file, notes.begins.isoformat().encode())


def _make_accounts(settings: Settings, password: str) -> None:
    accounts = accounts_of(settings, system_clock)
    for who, (role, name) in PEOPLE.items():
        if accounts.find(who) is None:
            accounts.add(who, password, [role], name=name, id=who)
    accounts.close()


def _notes_file(home: Path) -> Path:
    return home / "demo.json"


def _write(file: Path, content: bytes) -> None:
    """Write a file that nobody else reads, and that is never seen half written."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(file)


# The suite in a process of its own


@contextmanager
def _running(settings: Settings) -> Iterator[BaseProcess]:
    """Run the suite beside this process, and end it with this one, however that is asked for."""
    suite = multiprocessing.get_context("fork").Process(target=_serve, args=(settings, os.getpid()), name="suite")
    suite.start()
    for ending in ENDINGS:
        signal.signal(ending, _leave)
    try:
        yield suite
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        suite.terminate()
        suite.join(GRACE)
        suite.kill()


def _leave(number: int, _frame: object) -> NoReturn:
    click.echo("\nStopped; `caretrail demo` goes on from here.", err=True)
    sys.exit(128 + number)


def _serve(settings: Settings, demo: int) -> None:
    """Serve, and leave what only developers want to read in a file."""
    _end_with(demo)
    with (settings.home / "demo.log").open("wb") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    logs.configure("WARNING", settings.log_format, stream=sys.stderr)
    run_embedded(settings)


def _end_with(parent: int) -> None:
    """Have the system end this process when its parent is killed and can no longer do it; only Linux offers that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit()


def _until_ready(url: str, suite: BaseProcess, home: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    with httpx.Client(base_url=url, timeout=2, trust_env=False) as client:
        while suite.is_alive() and time.monotonic() < deadline:
            try:
                if client.get("/history/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    raise click.ClickException(f"the suite did not get ready: see {home / 'demo.log'}")


# The stories


def _tell(settings: Settings, notes: Notes, url: str) -> None:
    """Tell them in the eight weeks before today; then the suite's clock is the present."""
    click.echo(f"Bringing in {len(STORIES)} sample patients and walking them along the trail ...", err=True)
    clock_file = settings.home / "demo.clock"
    clock = clock_from(clock_file)

    def go_to(moment: datetime) -> None:
        # Told again after an interruption, a story passes moments that the suite has left behind.
        if moment > clock():
            _write(clock_file, moment.isoformat().encode())

    visits = {who: Visit(url, who, notes.password) for who in PEOPLE}
    try:
        notes.patients = tell(Practice(visits, notes.begins, go_to))
    except (DidNotHappen, click.ClickException) as error:
        again = "`caretrail demo` goes on from there; `caretrail demo --reset` begins anew"
        raise click.ClickException(f"the demo stopped: {error}\n{again}") from error
    finally:
        for visit in visits.values():
            visit.close()
    _write(_notes_file(settings.home), msgspec.json.encode(notes))
    clock_file.unlink()


def _say_where_to_look(url: str, notes: Notes) -> None:
    click.echo(f"\nOpen {url}/portal/ and sign in with the password {notes.password} as one of")
    for who, (role, name) in PEOPLE.items():
        click.echo(f"  {who:<8}{name}, {role.replace('-', ' ')}")
    click.echo("\nThe patients")
    for name, patient in notes.patients.items():
        story = (STORIES[name].__doc__ or "").split("\n")[0]
        click.echo(f"  {name.capitalize():<8}{story}\n          caretrail history {patient} --user anna")
    click.echo("\nAll people here are invented. Stop with Ctrl-C; the next start keeps the data.")
