"""`caretrail doctor`: looks at everything that can go wrong in operation, and says for each finding what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import click
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from services.cli.checks import answering, broker, configuration, durability, progress, roles, schema, waiting
from services.cli.checks.findings import Finding, Level, error
from services.cli.checks.installation import Installation
from shared.eventlog import LogUnavailable
from shared.settings import Settings

Check = Callable[[Installation], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    configuration.settings,
    configuration.folders,
    configuration.keys,
    configuration.disk,
    Installation.open,
    schema.schema,
    schema.triggers,
    roles.roles,
    durability.durability,
    durability.clock,
    broker.broker,
    answering.processes,
    progress.publishing,
    progress.timers,
    progress.positions,
    waiting.parked,
    waiting.refused,
)
COLORS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Look for what is wrong, or soon will be, and say what to do.

    It changes nothing, and runs wherever the settings are, whether the suite runs or not. Ends with 0 if all is well,
    1 with warnings, 2 with errors.
    """
    installation = Installation(settings)
    try:
        findings = list(examine(installation))
    finally:
        installation.close()
    worst = max((finding.level for finding in findings), default=Level.OK)
    if as_json:
        click.echo(json.dumps(_as_json(findings, worst), indent=2, ensure_ascii=False))
    else:
        _tell(findings)
    sys.exit(int(worst))


def examine(installation: Installation) -> Iterator[Finding]:
    """Give everything that is found; a check that a database or its contents break off is a finding, too."""
    for check in CHECKS:
        try:
            yield from check(installation)
        except (LogUnavailable, SQLAlchemyError, msgspec.MsgspecError) as broken:
            name = check.__name__
            yield error(
                name, f"could not be looked at to its end: {type(broken).__name__}", "see to the errors above first"
            )


def _as_json(findings: list[Finding], worst: Level) -> dict[str, object]:
    return {
        "level": worst.name.lower(),
        "findings": [
            {"check": f.check, "level": f.level.name.lower(), "seen": f.seen, "do": f.do or None} for f in findings
        ],
    }


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        level = click.style(f"{finding.level.name.lower():8}", fg=COLORS[finding.level])
        click.echo(f"{level} {finding.check:11} {finding.seen}")
        if finding.do:
            click.echo(f"{'':20} -> {finding.do}")
    numbers = [sum(finding.level is level for finding in findings) for level in (Level.ERROR, Level.WARNING)]
    click.echo(f"\n{numbers[0]} errors, {numbers[1]} warnings")
