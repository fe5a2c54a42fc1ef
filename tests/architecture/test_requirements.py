"""The requirement files pin everything by hash and name no place to fetch it from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENT_FILES = ("requirements.txt", "requirements-dev.txt")
HOST_OR_ADDRESS = re.compile(
    r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b|\b[\w-]+\.(org|com|net|io|dev|local)\b",
    re.IGNORECASE | re.MULTILINE,
)
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in PIN.finditer((ROOT / file).read_text())}


def normalised(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


@pytest.mark.parametrize("file", REQUIREMENT_FILES)
class TestRequirementFile:
    def test_names_no_host_and_no_address(self, file):
        found = [match[0] for match in HOST_OR_ADDRESS.finditer((ROOT / file).read_text())]

        assert found == []

    def test_gives_a_hash_for_every_pin(self, file):
        blocks = re.split(r"\n(?=\S)", (ROOT / file).read_text().strip())

        assert [block for block in blocks if PIN.match(block) and "--hash=sha256:" not in block] == []
        assert len(pins(file)) >= 30


class TestPins:
    def test_are_the_same_for_running_and_for_developing(self):
        running, developing = pins("requirements.txt"), pins("requirements-dev.txt")

        assert {name: developing.get(name) for name in running} == running

    def test_cover_what_the_project_declares(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

        running = {normalised(requirement) for requirement in project["dependencies"]}
        developing = {normalised(requirement) for requirement in project["optional-dependencies"]["dev"]}

        assert running - pins("requirements.txt").keys() == set()
        assert developing - pins("requirements-dev.txt").keys() == set()


class TestHostPattern:
    @pytest.mark.parametrize(
        "line",
        ["--index-url simple", "-f wheels", "flask @ https://x", "    # via -r packages.example.org", "--find-links=x"],
    )
    def test_finds(self, line):
        assert HOST_OR_ADDRESS.search(f"flask==3.1.3\n{line}\n")
