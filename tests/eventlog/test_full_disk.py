"""A full disk: callers hear 503, nothing that was acknowledged is lost, and it heals by itself once there is room."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.servers import postgres_programs

APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@cache
def why_not(database: str) -> str:
    """Say why no small disk can be mounted here, or nothing."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "only root can mount a small disk"
    probe = subprocess.run([*APART, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    if probe.returncode != 0:
        return "no small disk can be mounted here"
    if database == "postgres" and not (postgres_programs() and shutil.which("runuser")):
        return "no PostgreSQL can be started here"
    return ""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server of another user may enter."""
    with TemporaryDirectory(prefix="ct-disk-") as given:
        Path(given).chmod(0o755)
        yield Path(given)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
class TestAFullDisk:
    def test_is_answered_503_loses_nothing_and_heals_by_itself(self, database: str, folder: Path):
        if reason := why_not(database):
            pytest.skip(f"NOT TESTED: {reason}")
        command = [*APART, sys.executable, "-m", "tests.eventlog.full_disk", database, str(folder)]

        run = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)

        assert run.returncode == 0, run.stderr
        seen = json.loads(run.stdout.splitlines()[-1])
        told = seen["told"]
        assert told["before"] == {"201": 20}
        assert told["full"].pop("503 1", None) == 1, f"the disk was never full for the log: {told}"
        assert set(told["full"]) <= {"201"}
        assert seen["read while full"] == 200
        assert seen["repeated"] == 201
        assert told["after"] == {"201": 20}
        assert seen["events"] == 20 + told["full"].get("201", 0) + 1 + 20
        assert seen["dense"]
