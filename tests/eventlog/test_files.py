"""A SQLite log whose file is moved away, replaced, or may not be written to: nothing acknowledged is lost with it."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy.engine import make_url

from shared.eventlog import LogUnavailable, migrate, open_log
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context

NOBODY = 65534
READ_ONLY = """
import os, sys
from shared.eventlog import LogUnavailable, open_log
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context

if os.geteuid() == 0:
    os.setuid(int(sys.argv[2]))
shop = Bakery(open_log(sys.argv[1]), CATALOGUE)
for use in (shop.recorder.read, lambda: shop.save(Order.place(a_context()))):
    try:
        use()
    except LogUnavailable:
        print("unavailable", flush=True)
"""


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(make_url(sqlite_url).database)


@pytest.fixture
def shop(sqlite_url: str):
    """A bakery that has been open for a while: one order is saved and read."""
    opened = Bakery(open_log(sqlite_url), CATALOGUE)
    opened.save(Order.place(a_context()))
    opened.recorder.read()
    yield opened
    opened.close()


def put_away(file: Path, folder: Path) -> None:
    """Move a log with all its parts."""
    folder.mkdir(exist_ok=True)
    for part in file.parent.glob(f"{file.name}*"):
        part.rename(folder / part.name)


class TestAFile:
    def test_that_was_moved_away_takes_nothing_until_it_is_back(self, shop, file, sqlite_url):
        put_away(file, file.parent / "away")

        with pytest.raises(LogUnavailable, match="file is not there"):
            shop.save(Order.place(a_context()))
        assert not file.exists(), "an empty file stands where the log should be brought back"
        put_away(file.parent / "away" / file.name, file.parent)
        shop.save(Order.place(a_context()))

        with_fresh_eyes = open_log(sqlite_url)
        assert len(with_fresh_eyes.read()) == 2
        with_fresh_eyes.close()

    def test_that_was_replaced_gets_what_is_acknowledged_from_then_on(self, shop, file, tmp_path):
        other = tmp_path / "other.db"
        migrate(f"sqlite:///{other}", None, bakery.metadata)
        put_away(file, file.parent / "away")
        for part in tmp_path.glob("other.db*"):
            shutil.move(part, file.parent / part.name.replace("other.db", file.name))

        order = shop.save(Order.place(a_context()))

        assert [event.originator_id for event in shop.recorder.read()] == [order.id]
        before = open_log(f"sqlite:///{file.parent / 'away' / file.name}")
        assert len(before.read()) == 1
        before.close()

    def test_that_was_never_there_is_not_made_by_writing(self, tmp_path):
        shop = Bakery(open_log(f"sqlite:///{tmp_path / 'nothing.sqlite'}"), CATALOGUE)

        with pytest.raises(LogUnavailable, match="run `caretrail migrate`"):
            shop.save(Order.place(a_context()))

        assert list(tmp_path.iterdir()) == []
        shop.close()

    def test_that_may_not_be_written_to_is_unavailable(self, shop, file):
        shop.close()
        with TemporaryDirectory() as folder:  # in a folder that is open to others, unlike those of pytest
            copy = Path(shutil.copy(file, folder))
            copy.chmod(0o444)
            Path(folder).chmod(0o555)
            command = [sys.executable, "-c", READ_ONLY, f"sqlite:///{copy}", str(NOBODY)]
            told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            Path(folder).chmod(0o755)

        assert told.stdout.splitlines() == ["unavailable"] * 2, told.stderr
