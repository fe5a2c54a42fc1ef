"""`caretrail history`: a patient's trail, or the whole patient as of a moment, in the terminal."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import click
from rich.console import Console

from services.cli.readable import plain, record_lines, timeline_table
from services.cli.visiting import Refused, Visit, visiting

WIDTH = 100
PAGE = 200


@click.command()
@click.argument("patient", type=click.UUID)
@click.option("--as-of", help="Moment with zone, like 2026-11-23T09:00:00Z: the record as it was then.")
@click.option("--vector", help="Vector of an earlier answer, to repeat it.")
@click.option("--json", "as_json", is_flag=True, help="Print the suite's answers as one JSON object.")
@visiting
def history(visit: Visit, patient: UUID, as_of: str | None, vector: str | None, as_json: bool) -> None:
    """Print a patient's trail, and the record as of a moment.

    PATIENT is a patient's id. The trail says who recorded what, when, why, and because of what. Times are in UTC.
    """
    if as_of and vector:
        raise click.UsageError("Give either --as-of or --vector.")
    try:
        record = visit.get(f"/history/v1/patients/{patient}/record", **{"as-of": as_of, "vector": vector})
        facts = _all_facts(visit, patient, record["as_of"])
    except Refused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        then = f" as of {as_of}" if as_of else ""
        raise click.ClickException(f"there is no patient {patient} whom {visit.username} may see{then}") from refusal
    if as_json:
        click.echo(json.dumps({"record": record, "timeline": facts}, indent=2, ensure_ascii=False))
    else:
        names = visit.names()
        _show(_named(record, names), _named(facts, names))


def _all_facts(visit: Visit, patient: UUID, as_of: str) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    page = visit.get(f"/history/v1/patients/{patient}/timeline", **{"as-of": as_of, "limit": PAGE})
    while True:
        facts += page["items"]
        if not page["next"]:
            return facts
        page = visit.get(page["next"])


def _named(said: Any, names: Mapping[str, str]) -> Any:
    """Put the names of people in the place of their ids, wherever they stand."""
    if isinstance(said, dict):
        return {field: _named(value, names) for field, value in said.items()}
    if isinstance(said, list):
        return [_named(value, names) for value in said]
    return names.get(said, said) if isinstance(said, str) else said


def _show(record: dict[str, Any], facts: list[dict[str, Any]]) -> None:
    # What people wrote is no markup; and a page in a file is as wide as one on a screen.
    console = Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, emoji=False, highlight=False)
    console.print(timeline_table(facts))
    for line in record_lines(record):
        indent = " " * (len(line) - len(line.lstrip()))
        click.echo(textwrap.fill(plain(line), console.width, subsequent_indent=f"{indent}  "))
