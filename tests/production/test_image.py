"""What goes into the image: everything that the services need at run time, pinned, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.production.compose import ROOT

DOCKERFILE = (ROOT / "services" / "Dockerfile").read_text()
PACKAGES = ("events", "services", "shared")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel as the Dockerfile does; give the names in it."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (built,) = folder.glob("caretrail-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def needed_by(name: str) -> set[str]:
    """Give a distribution's own name and all that it needs here."""
    wanted = [Requirement(line) for line in requires(name) or []]
    here = [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return {name}.union(*(needed_by(each) for each in here))


class TestWheel:
    def test_holds_every_template_picture_and_script_beside_the_code(self, wheel):
        sources = {
            path.relative_to(ROOT).as_posix()
            for package in PACKAGES
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

        assert {path for path in sources if path.endswith((".html", ".css", ".svg", ".sql"))}
        assert sources - wheel == set()

    def test_holds_nothing_of_the_tests(self, wheel):
        assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {*PACKAGES, "caretrail"}


class TestDockerfile:
    def test_runs_as_nobody_in_particular(self):
        assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["caretrail"]

    def test_stands_on_one_named_release(self):
        assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.11-slim-bookworm"}

    def test_fetches_nothing_without_a_hash(self):
        installs = re.findall(r"pip (?:install|wheel) .+", DOCKERFILE)

        assert len(installs) == 4
        assert [line for line in installs if "--require-hashes" not in line and "--no-index" not in line] == []

    def test_takes_just_what_makes_a_wheel_from_the_development_pins(self):
        (named,) = re.findall(r"keep = /\^\(([a-z|-]+)\)==/", DOCKERFILE)

        assert set(named.split("|")) == needed_by("hatchling")

    def test_copies_what_there_is(self):
        copied = [
            word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
        ]

        assert copied
        assert [path for path in copied if not (ROOT / path).exists()] == []

    def test_is_given_no_secret_and_no_test(self):
        ignored = (ROOT / ".dockerignore").read_text().split()

        assert {".env", ".git", "tests", ".venv"} - set(ignored) == set()
