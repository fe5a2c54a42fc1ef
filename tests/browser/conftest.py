"""A real suite with one patient's trail in it, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.journeys.journey import Steps, Team, eventually
from tests.journeys.running import PASSWORD, Person, RunningSuite, embedded
from tests.servers import missing_server

PHONE = {"width": 375, "height": 760}
AGO = timedelta(days=21)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The Chromium of this machine; without it these tests are skipped, or fail where servers are required."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing_server("no Chromium is here (on Debian: chromium)")
    return {"executable_path": chromium, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@dataclass
class Walked:
    """A suite in which a patient's trail was walked: screened three weeks ago, exercising since today."""

    suite: RunningSuite
    team: Team
    patient: str
    ben: Person

    @property
    def portal(self) -> str:
        """The address of the portal."""
        return f"{self.suite.addresses['portal']}/portal"

    @property
    def trail(self) -> str:
        """The address of the patient's trail."""
        return f"{self.portal}/patients/{self.patient}"


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """Start the embedded suite and walk the trail."""
    folder = tmp_path_factory.mktemp("suite")
    clock_file = folder / "clock"
    clock_file.write_text(f"-{AGO.total_seconds():.0f}")
    suite = embedded(folder / "home")
    suite.processes["suite"].environment = {**suite.environment, "CARETRAIL_CLOCK_FILE": str(clock_file)}
    suite.start()
    try:
        yield _walk(suite, clock_file)
    finally:
        suite.stop()


def _walk(suite: RunningSuite, clock_file: Path) -> Walked:
    team = Team.of(suite)
    ben = suite.person("ben", "behavioral-coach")
    steps = Steps(team)
    patient = steps.register()
    steps.screen()
    steps.conclude()
    steps.referral("physician-clearance")
    steps.accept("physician-clearance", team.paul)
    steps.report("physician-clearance", team.paul, outcome="cleared-with-limits", intensity_cap="moderate",
                 note="Carry glucose.")  # fmt: skip
    _return_to_the_present(clock_file, team)
    team.anna.post(f"/intake/v1/patients/{patient}/team-members",
                   {"member_id": team.erika.id, "role": "exercise-physiologist"})  # fmt: skip
    eventually(lambda: _sees(team.erika, patient), "Erika is in the care team")
    _exercise(steps)
    return Walked(suite, team, patient, ben)


def _return_to_the_present(clock_file: Path, team: Team) -> None:
    clock_file.write_text("+0")
    for person in (team.anna, team.paul, team.erika):
        person.token = ""


def _sees(person: Person, patient: str) -> bool:
    path = f"/prescription/v1/patients/{patient}/permit"
    answer = person._client(path).get(path, headers=person._headers())
    return bool(answer.status_code == 200 and not answer.json()["missing"])


def _exercise(steps: Steps) -> None:
    erika = steps.team.erika
    steps.draft(erika)
    steps.activate(erika)
    steps.check_in()
    steps.phq9(2, 1, 1, 2, 1, 1, 0, 0, 0)
    steps.revise(erika, "Walks have become easy", 30)
    steps.check_in(symptoms=["RF_CHEST"])
    steps.program_is("on-hold")
    steps.record()


@dataclass
class Seen:
    """What a page asked for and complained about."""

    own: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        page.on("response", self._answered)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.own and not request.url.startswith("data:"):
            self.foreign.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")


@pytest.fixture
def seen(walked: Walked) -> Seen:
    return Seen(urlsplit(walked.portal).netloc)


@pytest.fixture
def visit(page: Page, seen: Seen, walked: Walked) -> Iterator[Page]:
    """A page that must stay without complaints, failed and foreign requests."""
    yield seen.watch(page)
    assert (seen.complaints, seen.foreign, seen.failed) == ([], [], [])


def sign_in(page: Page, walked: Walked, name: str = "anna", at: str = "/") -> None:
    """Sign in by the form."""
    page.goto(f"{walked.portal}{at}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture(scope="session")
def annas_cookies(browser: Browser, walked: Walked) -> Any:
    """What a browser keeps of Anna's sign-in, so that not every page must sign in anew."""
    context = browser.new_context()
    sign_in(context.new_page(), walked)
    cookies = context.storage_state()
    context.close()
    return cookies


def at_the_time_of(moment: datetime) -> str:
    """What one types for a moment in Zurich."""
    return f"{moment.astimezone(ZoneInfo('Europe/Zurich')):%Y-%m-%dT%H:%M}"


def yesterday() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)
