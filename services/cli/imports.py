"""`caretrail import`: FHIR documents of patients who were cared for elsewhere."""

from __future__ import annotations

import codecs
import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from services.cli.visiting import NoAnswer, Refused, Visit, visiting

IMPORTS = "/intake/v1/imports"
MEGABYTE = 1024 * 1024
LARGEST = 16 * MEGABYTE
"""What the suite takes, with the little that stands around a document."""


class Unsent(Exception):
    """The file is nothing that could be sent; the message says why."""


@dataclass(frozen=True)
class Sent:
    """What became of one file: the suite's answer, or why there is none."""

    file: str
    answer: dict[str, Any] | None = None
    failure: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it was refused, or left somebody out: a patient who was refused, or all that it holds."""
        if self.answer is None:
            return True
        people, resources = self.answer["patients"], self.answer["resources"]
        everything = not people and any(resource["outcome"] == "refused" for resource in resources)
        return everything or any(person["patient_id"] is None for person in people)


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--patient", type=click.UUID, help="Whose they are: for documents without a Patient resource.")
@click.option("--time-zone", default="UTC", show_default=True, help="Where the patients live: FHIR does not say.")
@click.option("--details", is_flag=True, help="Print every resource that was left or refused, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print the suite's answers and the totals as one JSON object.")
@visiting
def import_files(
    visit: Visit, files: tuple[Path, ...], patient: str | None, time_zone: str, details: bool, as_json: bool
) -> None:
    """Send FHIR R4 documents to a running suite.

    FILES are bundles or single resources, as JSON or gzipped JSON. Imported facts are history: they never act by
    themselves. Importing a document again adds nothing. Exit code 1 if one of them failed; the others are done.
    """
    visit.sign_in()
    asked = {"time_zone": time_zone, **({"patient_id": str(patient)} if patient else {})}
    sent = []
    for one in _one_by_one(visit, files, asked):
        sent.append(one)
        if not as_json:
            click.echo("\n".join(_told(one, details)))
    totals = _totals(sent)
    click.echo(_as_json(sent, totals) if as_json else _summary(totals))
    if totals["failed"]:
        sys.exit(1)


def _one_by_one(visit: Visit, files: Sequence[Path], asked: dict[str, str]) -> Iterator[Sent]:
    """Send one file after the other, with a bar where a person is looking on."""
    console = Console(stderr=True)
    # While the bar is shown, rich would lead standard output to it, even where that is a file.
    on_screen = sys.stdout.isatty()
    with Progress(console=console, disable=not console.is_terminal, transient=True, redirect_stdout=on_screen) as bar:
        for file in bar.track(files, description="Importing"):
            yield _send(visit, file, asked)


def _send(visit: Visit, file: Path, asked: dict[str, str]) -> Sent:
    try:
        return Sent(file.name, visit.send(IMPORTS, _body(_document(file), asked)))
    except (Unsent, Refused, NoAnswer) as failure:
        return Sent(file.name, failure=str(failure))


def _document(file: Path) -> bytes:
    """Read a file, unpacked; Unsent if it cannot be read, is too large, or no JSON."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            document = opened.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unsent(f"The file cannot be read: {error}") from error
    if len(document) > LARGEST:
        raise Unsent(f"The file is larger than {LARGEST // MEGABYTE} MB. Send its patients one by one.")
    document = document.removeprefix(codecs.BOM_UTF8)
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unsent(f"The file is not JSON: {error}") from error
    return document


def _body(document: bytes, asked: dict[str, str]) -> bytes:
    """Put the document, as it was written, beside what is asked."""
    return b'{"document": ' + document + b", " + json.dumps(asked)[1:].encode()


def _told(sent: Sent, details: bool) -> Iterator[str]:
    """Say what became of a file: of each patient in it, and of what was not taken."""
    if sent.answer is None:
        yield f"{sent.file}: FAILED. {sent.failure}"
        return
    if not sent.answer["patients"]:
        yield f"{sent.file}: {'FAILED. Nothing could be taken.' if sent.has_failed else 'nothing to take.'}"
    for person in sent.answer["patients"]:
        yield f"{sent.file}: {_about(person)}"
    rest = [resource for resource in sent.answer["resources"] if resource["outcome"] != "taken"]
    reasons = Counter((each["outcome"], _in_general(each["reason"])) for each in rest)
    for (outcome, reason), number in reasons.most_common():
        yield f"    {outcome} {number}: {reason}"
    if details:
        yield from (f"    {each['resource_type']}/{each['resource_id']}: {each['reason']}" for each in rest)


def _in_general(reason: str) -> str:
    """Leave the codes of a reason to --details: there are dozens in every document."""
    return reason.partition(" (")[0].rstrip(".") + "."


def _about(person: dict[str, Any]) -> str:
    if person["patient_id"] is None:
        return f"FAILED. {person['reason']}"
    standing = "new" if person["registered"] else "known"
    risks = f" CURRENT RISK, look at it: {', '.join(person['current_risks'])}." if person["current_risks"] else ""
    facts = f"{person['taken']} facts taken, {person['repeated']} known already."
    return f"patient {person['patient_id']} ({standing}): {facts}{risks}"


def _totals(sent: Iterable[Sent]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for one in sent:
        totals.update(documents=1, failed=int(one.has_failed))
        answer = one.answer or {"patients": [], "resources": []}
        for person in answer["patients"]:
            totals.update(new_patients=int(person["registered"]), taken=person["taken"], repeated=person["repeated"])
        totals.update(resource["outcome"] for resource in answer["resources"] if resource["outcome"] != "taken")
    return totals


def _summary(totals: Counter[str]) -> str:
    return (
        f"{totals['documents']} documents: {totals['new_patients']} new patients, {totals['taken']} facts taken, "
        f"{totals['repeated']} known already, {totals['left']} resources left, {totals['refused']} refused; "
        f"{totals['failed']} documents failed"
    )


def _as_json(sent: Iterable[Sent], totals: Counter[str]) -> str:
    names = ("documents", "new_patients", "taken", "repeated", "left", "refused", "failed")
    documents = [
        {"file": one.file, "failed": one.has_failed, "reason": one.failure, **(one.answer or {})} for one in sent
    ]
    return json.dumps({"documents": documents, "totals": {name: totals[name] for name in names}}, indent=2)
