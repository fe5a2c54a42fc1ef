"""What waits for a person: parked events, and reactions that a rule refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from services.cli.checks.findings import Finding, error, fine, moment, warning
from services.cli.checks.installation import Installation
from shared.eventlog.standing import Standing, standing

PARKED, REFUSED = "parked", "refused"
A_DAY = timedelta(days=1)


def parked(installation: Installation) -> Iterator[Finding]:
    """Count the events that could not be taken; each holds up its patient's later ones."""
    for service, recorder in installation.services():
        stands = standing(recorder)
        if not stands.parked:
            yield fine(PARKED, f"{service.name}: nothing is parked")
            continue
        safety = sum(row["safety"] for row in stands.parked)
        yield error(
            PARKED,
            f"{service.name}: {_number(stands, 0)} events could not be taken, {_number(stands, 1)} wait behind them, "
            f"since {moment(min(row['since'] for row in stands.parked))}"
            + (f"; {safety} of them MAY CONCERN A PATIENT'S SAFETY" if safety else ""),
            ("tell the clinician in charge now; " if safety else "")
            + f"`caretrail parked list {service.name}` says which and why; mend the cause (often: upgrade it), "
            f"then `caretrail parked retry {service.name}`; `caretrail parked skip {service.name} EVENT --reason ...` "
            "only if a clinician agrees",
        )


def _number(stands: Standing, waits: int) -> int:
    return sum(row["number"] for row in stands.parked if bool(row["waits"]) == bool(waits))


def refused(installation: Installation) -> Iterator[Finding]:
    """Count the reactions that a rule refused; a coordinator decides on each."""
    for service, recorder in installation.services():
        stands = standing(recorder)
        if stands.refused_since is None:
            yield fine(REFUSED, f"{service.name}: no refused reaction is open")
            continue
        seen = f"{service.name}: {stands.refused} refused reactions are open, since {moment(stands.refused_since)}"
        if installation.clock() - stands.refused_since < A_DAY:
            yield fine(REFUSED, f"{seen}; coordinators see them on their worklist")
        else:
            yield warning(
                REFUSED,
                seen,
                f"remind the care coordinators of their worklist (GET /{service.name}/v1/refused-reactions)",
            )
