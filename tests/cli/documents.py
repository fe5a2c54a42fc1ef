"""FHIR documents for imports: real ones that nobody here wrote, and small invented ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOINC = "http://loinc.org"
PHQ9_ITEMS = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
PHQ9_TOTAL = "44261-6"


def bundles(folder: str) -> list[Path]:
    """List the bundles of a public source; the test is skipped where it is not at hand."""
    found = sorted((DATA / folder).glob("*.json.gz"))
    if not found:
        pytest.skip(f"NOT TESTED: no public data at {DATA / folder}")
    return found


def public(path: str) -> Path:
    """Give one public document; the test is skipped where it is not at hand."""
    if not (DATA / path).exists():
        pytest.skip(f"NOT TESTED: no public data at {DATA / path}")
    return DATA / path


def a_patient(id: str, family: str, born: str = "1980-03-09") -> dict[str, Any]:
    """An invented patient."""
    return {"resourceType": "Patient", "id": id, "name": [{"family": family, "given": ["Mo"]}], "birthDate": born}


def a_phq9(patient: str, id: str, answered: str, answers: str, total: int) -> dict[str, Any]:
    """A PHQ-9 with its items, one digit for each, and the total as stated."""
    codes = [*zip(PHQ9_ITEMS, map(int, answers), strict=True), (PHQ9_TOTAL, total)]
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "44249-1"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": answered,
        "component": [
            {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueInteger": value} for code, value in codes
        ],
    }


def written(folder: Path, name: str, *resources: dict[str, Any]) -> Path:
    """Write a collection of resources into a file."""
    file = folder / name
    entries = [{"resource": resource} for resource in resources]
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return file
