"""docker-compose.yml as its own processes would see it, brought to this machine by rewriting values alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(\w+)(?:(:\?)[^}]*)?\}|\$\$")
SECONDS = re.compile(r"(\d+)s")


def read(secrets: Mapping[str, str]) -> dict[str, Any]:
    """Read the file with its anchors, merges and variables resolved; KeyError for a variable that is not given."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    resolved: dict[str, Any] = _resolved(document, secrets)
    return resolved


def variables() -> set[str]:
    """Name every variable that the file asks for."""
    return {name for name, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text()) if name}


def _resolved(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _resolved(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, secrets) for inner in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: secrets[found[1]] if found[1] else "$", value)
    return value


@dataclass(frozen=True)
class Container:
    """One service of the file that runs our image."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    volumes: Mapping[str, str]
    grace: float

    @property
    def room(self) -> str:
        """The service that it is the web side or the worker of."""
        return self.command[-1]

    @property
    def is_web(self) -> bool:
        """Whether it answers HTTP for others."""
        return self.command[1] == "web"


def containers(document: Mapping[str, Any]) -> dict[str, Container]:
    """Give the services that run our image, by name."""
    return {
        name: Container(
            name,
            tuple(service["command"]),
            service["environment"],
            tuple(service.get("healthcheck", {}).get("test", ())),
            dict(volume.split(":")[:2] for volume in service.get("volumes", [])),
            float(SECONDS.fullmatch(service["stop_grace_period"])[1]),
        )
        for name, service in document["services"].items()
        if service["image"] == "caretrail:local"
    }


@dataclass(frozen=True)
class Machine:
    """What stands here for the file's hosts, ports, volumes and servers."""

    folder: Path
    ports: Mapping[tuple[str, str], int]
    postgres: str
    broker: str
    prefix: str

    def environment(self, container: Container) -> dict[str, str]:
        """Give a container's own environment, with values that hold here."""
        return {name: self._value(container, name, value) for name, value in container.environment.items()}

    def _value(self, container: Container, name: str, value: str) -> str:
        if name == "CARETRAIL_ADMIN_DATABASE_URL":
            assert value.endswith("@postgres:5432/postgres")
            return self.postgres
        if name == "CARETRAIL_BROKER_URL":
            assert value.endswith("@rabbitmq:5672//")
            return self.broker
        if name == "CARETRAIL_HOME":
            return str(self._home(container, value))
        if name.endswith("_DATABASE_URL"):
            server = self.postgres.rpartition("@")[2].rpartition("/")[0]
            return value.replace("@postgres:5432/", f"@{server}/").replace("caretrail_", f"{self.prefix}_")
        if name.endswith("_BIND"):
            return f"127.0.0.1:{self.ports[container.name, value.rpartition(':')[2]]}"
        return re.sub(r"//([a-z-]+):(\d+)/", lambda at: f"//127.0.0.1:{self.ports[at[1], at[2]]}/", value)

    def _home(self, container: Container, path: str) -> Path:
        """Containers share a folder here exactly if they share a volume there."""
        volume = next((name for name, place in container.volumes.items() if place == path), container.name)
        home = self.folder / volume
        home.mkdir(exist_ok=True)
        return home

    def health(self, container: Container) -> list[str]:
        """Give a container's own health check, as a command that runs here."""
        kind, program, *rest = container.health
        assert (kind, program) == ("CMD", "python")
        return [sys.executable, *(self._asked(container, word) for word in rest)]

    def _asked(self, container: Container, word: str) -> str:
        return re.sub(r"//127\.0\.0\.1:(\d+)/", lambda at: f"//127.0.0.1:{self.ports[container.name, at[1]]}/", word)
