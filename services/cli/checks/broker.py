"""The broker: whether it can be reached, and whether every queue is there, of the right make, and read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from kombu import Connection, Queue
from kombu.utils.url import parse_url

from services.cli.checks.findings import Finding, error, fine, warning
from services.cli.checks.installation import Installation
from services.cli.visiting import HERE
from shared.messaging import is_memory
from shared.messaging.broker import EXCHANGE, broker_errors, connect, queues

CHECK = "broker"
NOT_FOUND, DIFFERS = 404, 406
MANY = 10_000
PATIENCE = 30
CLEARED_BY = {"list_policies": "clear_policy", "list_operator_policies": "clear_operator_policy"}


def broker(installation: Installation) -> Iterator[Finding]:
    """Look at the exchange and the queues of the services whose databases are known here; declares nothing."""
    url = installation.settings.broker_url
    if is_memory(url):
        yield fine(CHECK, "inside the process: a wake-up call only, nothing to look at")
        return
    try:
        with connect(url) as connection:
            connection.connect()
            findings = [*_exchange(connection), *_queues(installation, connection)]
    except broker_errors(url) as away:
        yield error(
            CHECK,
            f"{_place(url)} cannot be reached ({type(away).__name__}): events still flow, by feeds, a second late",
            "start RabbitMQ there (`rabbitmqctl await_startup`), or correct CARETRAIL_BROKER_URL (host, user, vhost)",
        )
        return
    yield from findings
    yield from _policies(installation)


def _exchange(connection: Connection) -> Iterator[Finding]:
    code = _refusal(connection, lambda channel: EXCHANGE(channel).declare(passive=True))
    if code == NOT_FOUND:
        yield error(CHECK, f"the exchange {EXCHANGE.name} is missing", "start any worker: its relay declares it")
    elif _refusal(connection, lambda channel: EXCHANGE(channel).declare()) is not None:
        yield error(
            CHECK,
            f"the exchange {EXCHANGE.name} is of another make",
            f"stop the workers, delete it (`rabbitmqadmin delete exchange name={EXCHANGE.name}`), start them again",
        )


def _queues(installation: Installation, connection: Connection) -> Iterator[Finding]:
    """Tell of each consumer how its queues are; what is alike is told once."""
    for service, _ in installation.services():
        states: dict[tuple[str, ...], list[str]] = {}
        for queue in queues(installation.settings.broker_url, service.name, list(service.upstreams)):
            for state in _states(connection, queue):
                states.setdefault(state, []).append(queue.name)
        for (kind, seen, do), names in states.items():
            found = f"{service.name}: {len(names)} queues {seen}, the first is {names[0]}"
            yield (
                error(CHECK, found, do.format(name=names[0], service=service.name))
                if kind == "error"
                else (warning(CHECK, found, do.format(name=names[0], service=service.name)))
            )
        if not states and service.upstreams:
            yield fine(CHECK, f"{service.name}: its queues are there, of the right make, and read")


def _states(connection: Connection, queue: Queue) -> Iterator[tuple[str, str, str]]:
    told: list[Any] = []
    if _refusal(connection, lambda channel: told.append(queue(channel).queue_declare(passive=True))) is not None:
        yield "error", "are missing", "start `caretrail worker {service}`: it declares them, and reads what it missed"
        return
    if _refusal(connection, lambda channel: queue(channel).queue_declare()) is not None:
        yield (
            "error",
            "are of another make (no quorum queue, or without single active consumer)",
            "stop the workers of {service}, `rabbitmqctl delete_queue {name}` and its like, start them: no loss",
        )
    if told[0].consumer_count == 0:
        yield "warning", "are read by nobody", "start `caretrail worker {service}`"
    if told[0].message_count > MANY:
        yield (
            "warning",
            f"hold more than {MANY} messages",
            "see why `caretrail worker {service}` is slow or absent; beyond 100,000 the oldest fall out and are read "
            "from the feed instead",
        )


def _refusal(connection: Connection, ask: Any) -> int | None:
    """Give the code with which the broker refuses; a refusal costs the channel it was asked on."""
    channel = connection.channel()
    try:
        ask(channel)
    except connection.channel_errors as refusal:
        return int(getattr(refusal, "code", 0) or 0)
    finally:
        with suppress(*connection.channel_errors, *connection.connection_errors):
            channel.close()
    return None


def _policies(installation: Installation) -> Iterator[Finding]:
    """Ask the broker's own tool, where it is at hand, for policies that change what our queues were declared with."""
    url = installation.settings.broker_url
    listed = _listed(url) if parse_url(url)["hostname"] in HERE else None
    if listed is None:
        yield fine(CHECK, "policies were not looked at: at the broker, `rabbitmqctl list_policies` shows them")
        return
    ours = [
        queue.name
        for service, _ in installation.services()
        for queue in queues(url, service.name, list(service.upstreams))
    ]
    for clear, policy in listed:
        if policy["apply-to"] != "exchanges" and any(re.search(policy["pattern"], name) for name in ours):
            yield warning(
                CHECK,
                f"the policy {policy['name']} changes our queues: {', '.join(sorted(_definition(policy)))}",
                f"let its pattern leave them out, or `rabbitmqctl {clear} {policy['name']}`",
            )


def _listed(url: str) -> list[tuple[str, dict[str, Any]]] | None:
    tool = shutil.which("rabbitmqctl")
    if tool is None:
        return None
    vhost = unquote(parse_url(url)["virtual_host"] or "/")
    found: list[tuple[str, dict[str, Any]]] = []
    for listing, clear in CLEARED_BY.items():
        command = [tool, "--quiet", listing, "--vhost", vhost, "--formatter", "json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603
            found += [(clear, policy) for policy in json.loads(done.stdout)]
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
    return found


def _definition(policy: dict[str, Any]) -> dict[str, Any]:
    """Read what a policy sets, which some versions give as text."""
    definition = policy["definition"]
    return dict(json.loads(definition) if isinstance(definition, str) else definition)


def _place(url: str) -> str:
    parts = parse_url(url)
    return f"{parts['hostname']}:{parts['port'] or 5672}/{parts['virtual_host'] or ''}"
