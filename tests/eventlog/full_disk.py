"""Fill the disk under a log, in a mount namespace of its own: `unshare ... python -m tests.eventlog.full_disk`.

Prints as JSON what the callers of a bakery heard before, while and after its disk was full, and what the log holds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from shared.eventlog import migrate
from tests.http.bakery import ANNA, CUSTOMER, metadata
from tests.http.shop import Shop
from tests.servers import postgres_programs

SIZES = {"sqlite": "4m", "postgres": "28m"}
MOST_ORDERS = 4_000
FLOOD = {"patient_id": str(CUSTOMER), "loaves": 2, "note": "x" * 90}


def mounted(folder: Path, size: str) -> Path:
    """Mount a small disk; it goes away with this process's mount namespace."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", folder], check=True)
    return folder


@contextmanager
def postgres_on(disk: Path, folder: Path) -> Iterator[str]:
    """Run a server whose log is on a small disk and everything else beside; give the service's URL."""
    data, programs = folder / "data", postgres_programs()
    data.mkdir()
    (disk / "space").mkdir()
    for owned in (data, disk / "space"):
        subprocess.run(["chown", "postgres", owned], check=True)

    def run(*words: str | Path) -> None:
        subprocess.run(["runuser", "-u", "postgres", "--", *words], check=True, stdout=subprocess.DEVNULL, cwd="/")

    run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{data}'"
    run(programs / "pg_ctl", "start", "-w", "-D", data, "-l", data / "log", "-o", options)
    admin = f"postgresql://postgres@/postgres?host={data}"
    try:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
            connection.execute("CREATE DATABASE bakery TEMPLATE template0 TABLESPACE small")
        url = f"postgresql://baker@/bakery?host={data}"
        migrate(url, admin, metadata)
        yield url
    finally:
        run(programs / "pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")


@contextmanager
def sqlite_on(disk: Path, _folder: Path) -> Iterator[str]:
    """Give the URL of a log on a small disk."""
    url = f"sqlite:///{disk / 'bakery.sqlite'}"
    migrate(url, None, metadata)
    yield url


def orders(shop: Shop, most: int, told: dict[str, int]) -> None:
    """Order until the first refusal; count the answers, and keep the keys of what was refused."""
    for _ in range(most):
        key = str(uuid4())
        answer = shop.post("/v1/orders", FLOOD, key=key)
        heard = f"{answer.status_code} {answer.headers.get('Retry-After', '')}".strip()
        told[heard] = told.get(heard, 0) + 1
        if answer.status_code != 201:
            told["refused key"] = key  # type: ignore[assignment]
            return


def experience(shop: Shop, disk: Path) -> dict[str, object]:
    """Work, fill the disk, work until the log is full, make room, and work on."""
    shop.let_into_the_team(ANNA, CUSTOMER)
    told: dict[str, dict[str, int]] = {"before": {}, "full": {}, "after": {}}
    orders(shop, 20, told["before"])
    ballast = disk / "ballast"
    fill(ballast)
    orders(shop, MOST_ORDERS, told["full"])
    read = shop.get("/v1/orders").status_code
    ballast.unlink()
    again = shop.post("/v1/orders", FLOOD, key=str(told["full"].pop("refused key", "none"))).status_code
    orders(shop, 20, told["after"])
    positions = [event.position for event in shop.bakery.recorder.read(limit=100_000)]
    dense = positions == list(range(1, len(positions) + 1))
    return {"told": told, "read while full": read, "repeated": again, "events": len(positions), "dense": dense}


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"\0" * 65_536)
        except OSError:
            os.fsync(ballast.fileno())


def main(database: str, folder: Path) -> None:
    """Do it on one database, in an empty folder."""
    disk = mounted(folder / "disk", SIZES[database])
    with {"sqlite": sqlite_on, "postgres": postgres_on}[database](disk, folder) as url:
        shop = Shop(folder, log_url=url)
        print(json.dumps(experience(shop, disk)))
        shop.bakery.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
