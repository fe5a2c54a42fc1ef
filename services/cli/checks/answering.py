"""The processes that run: whether each web side is alive and ready, and whether all are of one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.cli.checks.findings import Finding, error, fine, warning
from services.cli.checks.installation import Installation
from services.cli.visiting import HERE, address_of
from services.suite import PORTAL, SERVICES
from shared.http.service import package_version

CHECK = "answers"
PATIENCE = 3.0
SEE = "see to the other findings, and to its log"


def processes(installation: Installation) -> Iterator[Finding]:
    """Ask every service at its address; nothing that answers means that nothing runs."""
    yield from _worker(installation)
    said = {name: _ask(f"{url}/livez") for name, url in _addresses(installation).items()}
    silent = [name for name, answer in said.items() if answer is None]
    if len(silent) == len(said):
        yield fine(CHECK, "nothing answers at the services' addresses: CareTrail does not run, or cannot be seen")
        return
    for name in silent:
        yield error(CHECK, f"{name} does not answer at {_addresses(installation)[name]}", _start(installation, name))
    for name in said.keys() - set(silent):
        yield from _ready(name, _addresses(installation)[name])
    yield from _versions({name: _addresses(installation)[name] for name in said if name not in silent})


def _addresses(installation: Installation) -> Mapping[str, str]:
    given = installation.settings
    names = [*(service.name for service in SERVICES), PORTAL]
    if installation.embedded:
        return {name: f"{address_of(given.bind)}/{name}" for name in (*names, "identity")}
    return {**{name: given.service_urls[name] for name in names}, "identity": given.identity_url}


def _ask(url: str) -> httpx.Response | None:
    try:
        with httpx.Client(timeout=PATIENCE, trust_env=httpx.URL(url).host not in HERE) as client:
            return client.get(url)
    except httpx.HTTPError:
        return None


def _ready(name: str, url: str) -> Iterator[Finding]:
    answer = _ask(f"{url}/readyz")
    if answer is not None and answer.status_code == httpx.codes.OK:
        yield fine(CHECK, f"{name} is ready")
        return
    yield error(CHECK, f"{name} is alive but not ready: {_wrong(answer)}", SEE)


def _wrong(answer: httpx.Response | None) -> str:
    try:
        checks = answer.json()["checks"] if answer is not None else {}
        return "; ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok") or "it does not say why"
    except (ValueError, KeyError, AttributeError):
        return "what answers there is not CareTrail"


def _versions(addresses: Mapping[str, str]) -> Iterator[Finding]:
    found: dict[str, list[str]] = {}
    for name, url in addresses.items():
        answer = _ask(f"{url}/version")
        if answer is not None and answer.headers.get("Content-Type", "").startswith("application/json"):
            found.setdefault(str(answer.json().get("version")), []).append(name)
    if found.keys() - {package_version()}:
        each = "; ".join(f"{version}: {', '.join(names)}" for version, names in sorted(found.items()))
        yield warning(
            CHECK,
            f"{package_version()} is installed here, but these run: {each}",
            "finish the upgrade: restart what is older, consumers first (docs/operations.md)",
        )


def _worker(installation: Installation) -> Iterator[Finding]:
    """Ask the worker beside us, where the settings say that there is one, what only it knows."""
    _, _, port = installation.settings.worker_bind.rpartition(":")
    url = f"http://127.0.0.1:{port}"
    ready = _ask(f"{url}/readyz") if port else None
    if ready is None:
        return
    if ready.status_code != httpx.codes.OK:
        yield error(CHECK, f"the worker here is not ready: {_wrong(ready)}", SEE)
    page = _ask(f"{url}/metrics")
    families = text_string_to_metric_families(page.text) if page is not None else ()
    samples = [sample for family in families for sample in family.samples]
    lost = sum(sample.value for sample in samples if sample.name == "caretrail_unroutable_messages_total")
    if lost:
        yield warning(
            "broker",
            f"{lost:.0f} messages of this worker's relay found no queue since it started",
            "start a worker of every service: each declares its own queues; what was missed is read from the feeds",
        )


def _start(installation: Installation, name: str) -> str:
    if installation.embedded:
        return "restart the suite: one process serves all of them"
    served_by = PORTAL if name == "identity" else name
    return f"start `caretrail web {served_by}`, or correct {name.upper()}_URL"
