"""Clients at work: what they do is a story that each tells again and again, until told to end."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.client import Client, Entry, Tokens

CLIENTS = 6

Story = Callable[[Client, str], Iterator[Any]]
"""What a client does once, under a mark of its own; it may be left at each `yield`."""


@dataclass(frozen=True)
class Load:
    """All clients at work."""

    clients: list[Client]
    folder: Path
    running: list[Future[None]]

    def accepted(self) -> int:
        """Count what was accepted so far; an error of a client ends the waiting for it."""
        for client in self.running:
            if client.done():
                client.result()
        return sum(client.accepted for client in self.clients)

    def history(self) -> list[Entry]:
        """Give everything that was written down, each client's attempts in their order."""
        files = sorted(self.folder.glob("load-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def load(
    addresses: Mapping[str, str], password: str, folder: Path, story: Story, clients: int = CLIENTS, pace: float = 0.0
) -> Iterator[Load]:
    """Keep all clients at work, each resting for `pace` seconds between commands.

    At the end each brings the command that it has sent to a definite answer.
    """
    ended, tokens = threading.Event(), Tokens(password)
    files = [(folder / f"load-{number}.jsonl").open("a", encoding="utf-8") for number in range(clients)]
    with ThreadPoolExecutor(clients) as threads:
        each = [Client(new_name(), addresses, tokens, file, ended) for file in files]
        running: list[Future[None]] = [threads.submit(_tell, client, story, pace) for client in each]
        try:
            yield Load(each, folder, running)
        finally:
            ended.set()
        for thread in running:
            thread.result()
    for file in files:
        file.close()


def new_name() -> str:
    """Give a client a name that no other client of any load has had."""
    return f"load-{secrets.randbelow(10**12)}"


def _tell(client: Client, story: Story, pace: float) -> None:
    with closing(client):
        for number in count():
            for _ in story(client, f"{client.name}-{number}"):
                if client.ended.wait(pace):
                    return
