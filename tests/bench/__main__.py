"""Run every measurement, print the table, and write build/bench.json."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import delivery, embedded, logs
from tests.bench.measuring import Figure
from tests.servers import fresh_broker_account, fresh_database, fresh_vhost, running_postgres, running_rabbitmq

TARGET = Path("build/bench.json")


def figures(folder: Path) -> Iterator[Figure]:
    """Measure everything that this machine has the servers for."""
    with logs.on_sqlite(folder) as (ours, stock, raw):
        yield from logs.figures("SQLite", ours, stock, raw)
    if postgres := running_postgres():
        with fresh_database(postgres) as database, logs.on_postgres(database) as (ours, stock, raw):
            yield from logs.figures("PostgreSQL", ours, stock, raw)
    else:
        print("PostgreSQL: not here, not measured", file=sys.stderr)
    (folder / "memory").mkdir()
    yield delivery.figure("in one process", folder / "memory", "memory://")
    if running_rabbitmq():
        (folder / "rabbitmq").mkdir()
        with fresh_broker_account() as account, fresh_vhost(account) as vhost:
            yield delivery.figure("RabbitMQ", folder / "rabbitmq", vhost)
    else:
        print("RabbitMQ: not here, not measured", file=sys.stderr)
    yield from embedded.figures(folder)


def main() -> None:
    """Measure, print and write."""
    found = []
    print(f"{'':<58} {'ours':>11} {'reference':>11} {'ratio':>7}")
    with tempfile.TemporaryDirectory(prefix="ct-bench-") as folder:
        for figure in figures(Path(folder)):
            print(figure.line(), flush=True)
            found.append(figure.row())
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {TARGET}")


main()
