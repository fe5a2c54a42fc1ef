"""A log that was opened before a fork: the child has connections and a writer of its own, or is refused."""

import subprocess
import sys

SCRIPT = """
import os, sys
from shared.eventlog import open_log
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context

url, used_before = sys.argv[1], sys.argv[2] == "used"
recorder = open_log(url)
shop = Bakery(recorder, CATALOGUE)
if used_before:
    shop.save(Order.place(a_context()))
    recorder.read()

child = os.fork()
if child == 0:
    try:
        shop.save(Order.place(a_context()))
        print("child wrote, log has", len(recorder.read()), flush=True)
        recorder.close()
    except RuntimeError as error:
        print("child was refused:", error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
shop.save(Order.place(a_context()))
print("parent wrote, log has", len(recorder.read()), flush=True)
recorder.close()
"""


def run(url: str, used: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url, used], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class TestFork:
    def test_of_an_unused_log_gives_the_child_its_own(self, log_url):
        assert run(log_url, "unused") == ["child wrote, log has 1", "parent wrote, log has 2"]

    def test_of_a_used_postgres_log_gives_the_child_its_own(self, postgres_url):
        assert run(postgres_url, "used") == ["child wrote, log has 2", "parent wrote, log has 3"]

    def test_of_a_used_sqlite_log_is_refused_in_the_child(self, sqlite_url):
        refused, parent = run(sqlite_url, "used")

        assert refused.startswith("child was refused: this SQLite log was opened before the process was forked")
        assert parent == "parent wrote, log has 2"
