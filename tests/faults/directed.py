"""Directed faults: each brings the embedded suite into the one situation in which a certain bug would show."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.checker import violations
from tests.faults.client import Client, Entry, Tokens
from tests.faults.consequences import HEALS_WITHIN
from tests.faults.killing import KILLED, gone, hit, kill_worker, spared, worker_of
from tests.faults.load import load, new_name
from tests.faults.observing import ask, caught_up, heads, observed
from tests.faults.ordeal import more, urls_of
from tests.faults.outputs import stopped_lanes
from tests.faults.stories import PATIENTS, Case, joined, registered, registrations
from tests.journeys.journey import eventually
from tests.journeys.running import PASSWORD, Process, RunningSuite

PLANTED = Path(__file__).parent / "planted"
NEEDED = "caretrail.intake.clearance-needed.v1"
POINT = "before-append"
SOON = 5.0
"""Seconds in which a suite with a bug in it is given the chance to heal."""

SOME_PATIENTS = 12


@dataclass
class Directed:
    """The embedded suite with somebody who acts in it, and perhaps a bug planted in it."""

    suite: RunningSuite
    folder: Path
    bug: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def master(self) -> Process:
        """Gunicorn's master."""
        return self.suite.processes["suite"]

    @property
    def intake(self) -> Path:
        """The file of intake's log."""
        return self.suite.folder / "intake.sqlite"

    def start(self, **settings: str) -> None:
        """Start the suite with these settings, and wait until it answers."""
        if self.bug:
            settings |= {"CARETRAIL_TEST_PLANTED": self.bug, "PYTHONPATH": str(PLANTED)}
        spared(self.suite.folder, [POINT])
        self.master.start(**settings)
        self.settings = settings
        eventually(self._answers, "the suite answers")

    def _answers(self) -> bool:
        # A suite whose lanes stand still answers, and says that it is not ready.
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.suite.addresses['intake']}/intake/livez").is_success
        return False

    def start_anew(self) -> None:
        """Start it with the settings that it had."""
        self.start(**self.settings)

    def may_die(self, loop: str) -> None:
        """Let a loop of the suite kill it, once it is told to, before it appends what follows from a clearance need."""
        fault = f"{POINT}:{NEEDED}:{loop}"
        if self.settings.get("CARETRAIL_FAULT") != fault:
            self.stop()
            self.start(CARETRAIL_FAULT=fault)

    def stop(self) -> None:
        """Let it end as an operator would."""
        self.master.stop()

    @contextmanager
    def acting(self) -> Iterator[Acting]:
        """Let somebody act, and write down what becomes of it."""
        since = heads(urls_of(self.suite))
        with (self.folder / f"{uuid4()}.jsonl").open("w", encoding="utf-8") as file:
            client = Client(new_name(), self.suite.addresses, Tokens(PASSWORD), file, threading.Event())
            with closing(client):
                yield Acting(client, f"{client.name}-0", since, Path(file.name))

    def judged(self, history: list[Entry], since: dict[str, int], **known: Any) -> list[str]:
        """Wait until all has healed, or cannot, and list what must not be."""
        urls = urls_of(self.suite)
        healed = caught_up(urls, SOON if self.bug else HEALS_WITHIN)
        return violations(history, {**observed(urls, since), **healed, **known})


@dataclass(frozen=True)
class Acting:
    """Somebody who acts under a mark of their own, since certain positions."""

    client: Client
    mark: str
    since: dict[str, int]
    file: Path

    def history(self) -> list[Entry]:
        """Give what was written down."""
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


def dies_before_it_reacts(directed: Directed) -> list[str]:
    """The suite is killed when it is about to append what follows from a clearance need; its parent restarts it."""
    directed.may_die("referral-listener")
    with directed.acting() as acting:
        worker = worker_of(directed.master)
        with hit(directed.suite.folder, POINT, lambda: list(Case(acting.client, acting.mark).screened())):
            gone(directed.master, worker)
    return directed.judged(acting.history(), acting.since)


def loses_a_message_and_gets_the_next(directed: Directed) -> list[str]:
    """A published fact is lost with the broker; the next that comes from there is a later one of the same patient."""
    with directed.acting() as acting:
        case = _loses_a_message(directed, acting)
        here = f"{PATIENTS}/{case.made['patient']}"
        joined(acting.client, here, {"member_id": f"{acting.mark}j.", "role": "physician"})
    return directed.judged(acting.history(), acting.since)


def gets_a_message_late(directed: Directed) -> list[str]:
    """A published fact is lost with the broker; facts of other lanes come first, then all is published once more."""
    with directed.acting() as acting:
        case = _loses_a_message(directed, acting)
        _registers_elsewhere(directed, acting, case.made["patient"])
    directed.stop()
    _relay_stands_at(directed.intake, "0")
    directed.start_anew()
    return directed.judged(acting.history(), acting.since)


def _loses_a_message(directed: Directed, acting: Acting) -> Case:
    """Kill everything when history is about to take a clearance need that the relay has told the broker of."""
    directed.may_die("history-listener")
    case, worker = Case(acting.client, acting.mark), worker_of(directed.master)
    directed.master.signal(signal.SIGSTOP)
    with hit(directed.suite.folder, POINT, lambda: list(case.screened())):
        gone(directed.master, worker)
        directed.master.signal(signal.SIGKILL)
        assert directed.master.ended() == KILLED
        _relay_stands_at(directed.intake, "(SELECT max(position) FROM events)")
        directed.start_anew()
    return case


def _registers_elsewhere(directed: Directed, acting: Acting, patient: str) -> None:
    """Register patients until one is in another lane than the first, and history has taken that."""
    urls = urls_of(directed.suite)
    for letter in "stuvwxyz":
        registered(acting.client, f"{acting.mark}{letter}.")
    lanes = {row["patient_id"]: row["lane"] for row in ask(urls["intake"], "SELECT patient_id, lane FROM events")}
    others = {other for other, lane in lanes.items() if lane != lanes[patient]}
    known = "SELECT patient_id FROM timeline"
    eventually(lambda: others <= {row["patient_id"] for row in ask(urls["history"], known)}, "history goes on")


def _relay_stands_at(file: Path, position: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"INSERT OR REPLACE INTO relay_position (one, position) VALUES (1, {position})")


def is_killed_under_load(directed: Directed) -> list[str]:
    """The suite is killed twice while clients send commands, whose answers are lost."""
    since = heads(urls_of(directed.suite))
    with load(directed.suite.addresses, PASSWORD, directed.folder, registrations) as work:
        for _ in range(2):
            eventually(more(work, 10), "commands are accepted")
            kill_worker(directed.master)
            eventually(more(work, 10), "commands are accepted again")
    return directed.judged(work.history(), since)


def restored(directed: Directed) -> None:
    """Restore intake from a backup that others are ahead of: it goes on at positions that they have passed."""
    backup = directed.folder / "backup.sqlite"
    registers_some(directed)
    directed.stop()
    shutil.copy(directed.intake, backup)
    directed.start_anew()
    registers_some(directed)
    directed.stop()
    shutil.copy(backup, directed.intake)
    with closing(sqlite3.connect(directed.intake)) as database, database:
        database.execute("UPDATE log_state SET epoch = ?", [uuid4().hex])


def follows_a_restored_log(directed: Directed) -> list[str]:
    """Record other facts than before at the same positions, and see who takes them, or says that it cannot."""
    said = directed.master.output.stat().st_size
    directed.start_anew()
    acting = registers_some(directed)
    directed.stop()
    return directed.judged(acting.history(), acting.since, stopped=stopped_lanes(directed.master.output, said))


def registers_some(directed: Directed) -> Acting:
    """Register some patients, and wait until others know of them, if they ever do."""
    with directed.acting() as acting:
        for number in range(SOME_PATIENTS):
            registered(acting.client, f"{acting.mark}{'abcdefghijklmnop'[number]}.")
    caught_up(urls_of(directed.suite), SOON)
    return acting
