"""docker-compose.yml: every command of ours in it is started here as it stands, with its own environment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.clock import system_clock
from shared.settings import VARIABLES
from tests.journeys.running import PASSWORD, Process, RunningSuite, free_port
from tests.production.compose import ROOT, Container, Machine, containers, read, variables

SECRETS = {name: f"{name.lower()}-of-the-test" for name in variables()}
FILE = read(SECRETS)
OURS = containers(FILE)
ROOMS = {"intake", "prescription", "referral", "monitoring", "history"}
WITHIN = 120.0
REGISTER = {
    "family_name": "Keller",
    "given_name": "Mira",
    "birth_date": "1984-05-17",
    "sex": "female",
    "time_zone": "Europe/Zurich",
    "language": "de-CH",
}


@dataclass
class Life:
    """What was seen of the containers from their start to their end."""

    migrations: list[tuple[int, str]] = field(default_factory=list)
    signed_in_to: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    seconds_to_end: dict[str, float] = field(default_factory=dict)


def until(holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait until something holds."""
    deadline = monotonic() + WITHIN
    while not holds():
        assert monotonic() < deadline, otherwise()
        sleep(0.3)


class Containers:
    """The processes that stand for the containers, on this machine."""

    def __init__(self, machine: Machine):
        self.machine = machine
        identity = machine.environment(OURS["portal-web"])["IDENTITY_DATABASE_URL"]
        self.suite = RunningSuite(machine.folder, {}, identity)
        for name, container in OURS.items():
            program, *command = container.command
            assert program == "caretrail"
            environment = {"PATH": os.environ["PATH"], **machine.environment(container)}
            output = machine.folder / f"{name}.log"
            self.suite.processes[name] = Process(name, tuple(command), environment, output)

    def migrate(self) -> tuple[int, str]:
        """Run the one-shot to its end; give its exit code and its last words."""
        process = self.suite.processes["migrate"]
        process.start()
        code = process.ended(within=WITHIN)
        process.running = None
        return code, process.output.read_text()[-2000:]

    def start(self) -> None:
        """Start all others, and wait until every health check passes."""
        lasting = [container for container in OURS.values() if container.name != "migrate"]
        for container in lasting:
            self.suite.processes[container.name].start()
            if container.is_web:
                port = urlsplit(f"//{self.suite.processes[container.name].environment['CARETRAIL_BIND']}").port
                self.suite.addresses[container.room] = f"http://127.0.0.1:{port}"
        for container in lasting:
            until(lambda c=container: self.health(c) == 0, lambda c=container: self.words_of(c))

    def health(self, container: Container) -> int:
        """Run a container's health check; give its exit code, as Docker would see it."""
        assert self.suite.processes[container.name].running.poll() is None, self.words_of(container)
        return subprocess.run(self.machine.health(container), capture_output=True, timeout=30, check=False).returncode

    def words_of(self, container: Container) -> str:
        """Give the end of a container's output."""
        return f"{container.name}:\n{self.suite.processes[container.name].output.read_text()[-3000:]}"

    def end(self) -> tuple[dict[str, int], dict[str, float]]:
        """Send SIGTERM to all and wait for no longer than Docker would; give exit codes and seconds."""
        lasting = {name: self.suite.processes[name] for name in OURS if name != "migrate"}
        began = monotonic()
        for process in lasting.values():
            process.signal(signal.SIGTERM)
        codes, seconds = {}, {}
        for name, process in lasting.items():
            codes[name] = process.ended(within=OURS[name].grace)
            seconds[name] = monotonic() - began
        return codes, seconds


def tell(suite: RunningSuite) -> dict[str, Any]:
    """Register a patient at intake; give the record that history shows once it has heard all from everybody."""
    nurse = suite.person("nora", "care-coordinator")
    patient = nurse.post("/intake/v1/patients", REGISTER, expect=201)["id"]
    now = system_clock().isoformat()
    shown: dict[str, Any] = {}

    def is_complete() -> bool:
        answer = suite.client("history").get(
            f"/history/v1/patients/{patient}/record",
            params={"as-of": now},
            headers={"Authorization": f"Bearer {nurse.token}"},
        )
        shown.update(answer.json())
        return answer.status_code == 200 and shown["complete"]

    until(is_complete, lambda: f"{shown}\n{suite.last_words()}")
    return shown


def signed_in_to(suite: RunningSuite) -> str:
    """Sign in to the portal as a browser would; give the page that it leads to."""
    suite.person("paul", "physician")
    with httpx.Client(base_url=suite.addresses["portal"], follow_redirects=True, timeout=30.0) as browser:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/portal/").text)[1]
        form = {"csrf_token": token, "username": "paul", "password": PASSWORD}
        return browser.post("/portal/sign-in", data=form).text


@pytest.fixture(scope="module")
def life(
    tmp_path_factory: pytest.TempPathFactory, postgres_admin_url: str, virtual_host: str, database_prefix: str
) -> Iterator[Life]:
    """The whole life of the file's containers: migrated twice, started, healthy, at work, ended."""
    ports = {(name, port): free_port() for name in OURS for port in ("8000", "8001")}
    folder: Path = tmp_path_factory.mktemp("compose")
    there = Containers(Machine(folder, ports, postgres_admin_url, virtual_host, database_prefix))
    seen = Life()
    try:
        seen.migrations = [there.migrate(), there.migrate()]
        there.start()
        seen.signed_in_to = signed_in_to(there.suite)
        seen.record = tell(there.suite)
        seen.exit_codes, seen.seconds_to_end = there.end()
        yield seen
    finally:
        there.suite.stop()


@pytest.mark.timeout(480)
@pytest.mark.xdist_group("compose")
class TestContainers:
    def test_prepare_the_databases_twice_without_harm(self, life):
        assert [code for code, _ in life.migrations] == [0, 0], life.migrations
        assert "ready: intake, prescription, referral, monitoring, history, identity" in life.migrations[1][1]

    def test_let_people_sign_in_to_the_portal(self, life):
        assert "My patients" in life.signed_in_to

    def test_tell_each_other_what_was_recorded(self, life):
        assert "Keller" in str(life.record)
        assert life.record["complete"] is True

    def test_end_cleanly_within_their_grace(self, life):
        assert life.exit_codes == dict.fromkeys(set(OURS) - {"migrate"}, 0)
        assert all(seconds < OURS[name].grace for name, seconds in life.seconds_to_end.items()), life.seconds_to_end


class TestFile:
    def test_runs_a_web_and_a_worker_of_every_room(self):
        commands = {name: " ".join(container.command) for name, container in OURS.items()}

        assert commands == {
            "migrate": "caretrail migrate",
            "portal-web": "caretrail web portal",
            **{f"{room}-web": f"caretrail web {room}" for room in ROOMS},
            **{f"{room}-worker": f"caretrail worker {room}" for room in ROOMS},
        }

    def test_names_only_settings_that_there_are(self):
        known = {variable.name for variable in VARIABLES}

        assert {name for container in OURS.values() for name in container.environment} - known == set()

    def test_asks_for_the_secrets_of_the_example_and_no_others(self):
        example = re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE)

        assert variables() == set(example)

    def test_tells_each_room_its_own_database_alone(self):
        told = {
            name: {key for key in container.environment if key.endswith("_DATABASE_URL")}
            for name, container in OURS.items()
            if name != "migrate"
        }

        assert told.pop("portal-web") == {"PORTAL_DATABASE_URL", "IDENTITY_DATABASE_URL"}
        assert told == {name: {f"{OURS[name].room.upper()}_DATABASE_URL"} for name in told}

    def test_gives_every_database_a_password_of_its_own(self):
        urls = [urlsplit(url) for name, url in OURS["migrate"].environment.items() if name.endswith("_DATABASE_URL")]

        assert len(urls) == 8
        assert len({url.password for url in urls}) == 8

    def test_lets_no_two_rooms_share_a_folder_of_keys(self):
        folders = {name: tuple(container.volumes) for name, container in OURS.items() if name != "migrate"}

        assert folders == {name: (f"{OURS[name].room}-keys",) for name in folders}

    def test_can_tell_the_health_of_everything_that_lasts(self):
        lasting = {name: service for name, service in FILE["services"].items() if name != "migrate"}

        assert [name for name, service in lasting.items() if "healthcheck" not in service] == []

    @pytest.mark.parametrize("name", [*OURS, "nginx"])
    def test_gives_no_container_more_than_it_needs(self, name):
        service = FILE["services"][name]

        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service.get("privileged") is None

    def test_opens_nothing_but_the_edge_and_that_to_this_machine_alone(self):
        published = {name: service["ports"] for name, service in FILE["services"].items() if "ports" in service}

        assert published == {"nginx": ["127.0.0.1:8080:8080"]}

    def test_waits_longer_for_an_end_than_the_processes_take_for_it(self):
        assert {container.grace for container in OURS.values()} == {30.0}

    def test_believes_exactly_the_one_proxy_that_it_runs(self):
        assert {container.environment["CARETRAIL_PROXIES"] for container in OURS.values()} == {"1"}
