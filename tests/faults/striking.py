"""The faults: processes killed at random and at named points, and servers stopped under them."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import sleep

from tests.faults.killing import KILLED, gone, kill_all, pid_of, spared, worker_of
from tests.faults.ordeal import Fault
from tests.faults.outputs import count_of
from tests.faults.private import PrivateBroker, PrivatePostgres
from tests.journeys.journey import eventually
from tests.journeys.running import SERVICES, WEBS, Process, RunningSuite

LISTENING = ("before-append", "after-append", "before-ack")
PUBLISHING = ("before-publish", "after-publish")
POINTS = (*LISTENING, *PUBLISHING)
DOWN = 2.0
"""Seconds that a server stays away at most."""


# The whole suite in one process


def faults_of_embedded(suite: RunningSuite) -> list[Fault]:
    """List what can happen to the embedded suite: gunicorn's master, and one worker in which everything runs."""
    master = suite.processes["suite"]
    found = [
        Fault("kill -9 of the suite", partial(_worker_killed, master)),
        Fault("kill -9 of the suite and its parent", partial(_killed_with_parent, master)),
    ]
    at_points = [Fault(f"kill -9 of the suite {point}", partial(_worker_dies_at, master, point)) for point in POINTS]
    return [*found, *at_points]


def _worker_killed(process: Process) -> str:
    """Kill gunicorn's worker in the middle of whatever it does; its master starts another."""
    worker = worker_of(process)
    os.kill(worker, signal.SIGKILL)
    gone(process, worker)
    return _said_of_its_worker(process, worker)


def _killed_with_parent(process: Process) -> str:
    master = pid_of(process)
    kill_all(process)
    process.start()
    return f"{process.name} {master} and its worker were killed"


def _worker_dies_at(process: Process, point: str) -> str:
    """Let gunicorn's worker kill itself where it next comes to a point."""
    worker = worker_of(process)
    _come_to(process, point)
    gone(process, worker)
    return _said_of_its_worker(process, worker)


def _said_of_its_worker(process: Process, worker: int) -> str:
    """Give what gunicorn's master says about a worker that was killed."""
    line = f"Worker (pid:{worker}) was sent SIGKILL!"
    eventually(lambda: line in process.output.read_text(encoding="utf-8"), "gunicorn sees that its worker is gone")
    return line


# A process for each part


def add_faults(suite: RunningSuite) -> None:
    """Give each worker the points at which it may kill itself, and a home of its own where it is told when."""
    for service in SERVICES:
        home = suite.folder / f"{service}-worker"
        home.mkdir()
        points = LISTENING if service == "history" else POINTS  # history records nothing that it could publish
        spared(home, points)
        suite.add(f"{service}-worker", "worker", service, CARETRAIL_HOME=str(home), CARETRAIL_FAULT=" ".join(points))


def faults_of_webs(suite: RunningSuite) -> list[Fault]:
    """List what can happen to the processes that answer."""
    webs = [suite.processes[f"{name}-web"] for name in WEBS]
    return [
        *(Fault(f"kill -9 of {web.name}", partial(_worker_killed, web)) for web in webs),
        *(Fault(f"kill -9 of {web.name} and its parent", partial(_killed_with_parent, web)) for web in webs),
    ]


def faults_of_workers(suite: RunningSuite) -> list[Fault]:
    """List what can happen to the processes that publish and listen, at any moment."""
    workers = [suite.processes[f"{name}-worker"] for name in SERVICES]
    return [Fault(f"kill -9 of {worker.name}", partial(_killed, worker)) for worker in workers]


def faults_at_points(suite: RunningSuite) -> list[Fault]:
    """List what can happen to them at named points on the way of an event."""
    workers = [suite.processes[f"{name}-worker"] for name in SERVICES]
    return [
        Fault(f"kill -9 of {worker.name} {point}", partial(_dies_at, worker, point))
        for worker in workers
        for point in worker.environment["CARETRAIL_FAULT"].split()
    ]


def _killed(process: Process) -> str:
    sleep(random.uniform(0.0, 0.3))
    killed = pid_of(process)
    process.signal(signal.SIGKILL)
    assert process.ended() == KILLED
    process.start()
    return f"{process.name} {killed} was killed"


def _dies_at(process: Process, point: str) -> str:
    killed = pid_of(process)
    _come_to(process, point)
    assert process.ended() == KILLED
    process.start()
    return f"{process.name} {killed} was killed {point}"


def _come_to(process: Process, point: str) -> None:
    mark = Path(process.environment["CARETRAIL_HOME"], f"hit-{point}")
    mark.unlink()
    eventually(mark.exists, f"{process.name} comes to {point}")


# The servers under them


def faults_of_postgres(server: PrivatePostgres) -> list[Fault]:
    """List what can happen to the database."""
    return [
        Fault("immediate stop of PostgreSQL", partial(_database_crashes, server)),
        Fault("every session of PostgreSQL terminated", partial(_sessions_end, server)),
    ]


def _database_crashes(server: PrivatePostgres) -> str:
    stopped = server.crash()
    sleep(random.uniform(0.0, DOWN))
    server.start()
    return f"{stopped}; {server.recovered()}" if stopped and server.recovered() else ""


def _sessions_end(server: PrivatePostgres) -> str:
    ended = server.terminate_backends()
    return f"{ended} sessions terminated" if ended else ""


def faults_of_broker(broker: PrivateBroker, suite: RunningSuite) -> list[Fault]:
    """List what can happen to the broker."""
    return [
        Fault("kill -9 of RabbitMQ", partial(_noticed, suite, partial(_broker_killed, broker))),
        Fault("RabbitMQ stopped", partial(_noticed, suite, partial(_broker_stopped, broker))),
        Fault("queues deleted", partial(_queues_deleted, broker)),
    ]


def _broker_killed(broker: PrivateBroker) -> bool:
    killed = broker.kill() == KILLED
    sleep(random.uniform(0.0, DOWN))
    broker.start()
    return killed


def _broker_stopped(broker: PrivateBroker) -> bool:
    stopped = broker.stop_application()
    sleep(random.uniform(0.0, DOWN))
    broker.start_application()
    return stopped


def _noticed(suite: RunningSuite, strike: partial[bool]) -> str:
    """Let every worker notice that the broker went away: they say so."""
    workers = [suite.processes[f"{name}-worker"].output for name in SERVICES]
    before = {output: count_of(output, "broker-away") for output in workers}
    struck = strike()
    eventually(lambda: all(count_of(each, "broker-away") > before[each] for each in workers), "workers notice")
    return f"{len(workers)} workers said broker-away" if struck else ""


def _queues_deleted(broker: PrivateBroker) -> str:
    """Delete half of all queues with what is in them; their consumers declare them anew."""
    names = broker.queues()
    deleted = broker.delete_queues(random.sample(names, len(names) // 2))
    eventually(lambda: set(names) <= set(broker.queues()), "deleted queues are declared anew")
    return f"{len(deleted)} queues deleted" if deleted else ""


def drawn(*groups: tuple[list[Fault], int]) -> Iterator[Fault]:
    """Draw some faults of each group, in any order."""
    chosen = [fault for faults, count in groups for fault in random.sample(faults, count)]
    random.shuffle(chosen)
    yield from chosen
