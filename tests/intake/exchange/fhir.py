"""Small FHIR resources to change one thing of, and the real ones where they are present."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from services.intake.exchange import PatientReading, Reading, Verdict, read_bundle

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "http://clinic.example", "value": "4711"}],
    "name": [{"family": "Moreau", "given": ["Ines"]}],
    "birthDate": "1984-02-29",
    "gender": "female",
}


def real(source: str) -> list[Path]:
    """The JSON files of one folder of the shared data; skips, loudly, where it is absent."""
    if not (SHARED / source).is_dir():
        pytest.skip(f"real input is absent: {SHARED / source}")
    return sorted(path for path in (SHARED / source).iterdir() if ".json" in path.suffixes)


def loaded(path: Path) -> dict[str, Any]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(content)


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}


def concept(code: str, system: str = "http://loinc.org") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: Any, unit: str) -> dict[str, Any]:
    return {"value": value, "system": "http://unitsofmeasure.org", "code": unit}


def observation(code: str, **fields: Any) -> dict[str, Any]:
    """A final Observation of PATIENT on 2026-11-02 at nine, UTC."""
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-02T09:00:00Z",
        **fields,
    }


def blood_pressure(systolic: Any, diastolic: Any, unit: str = "mm[Hg]", code: str = "85354-9") -> dict[str, Any]:
    components = [
        {"code": concept("8480-6"), "valueQuantity": quantity(systolic, unit)},
        {"code": concept("8462-4"), "valueQuantity": quantity(diastolic, unit)},
    ]
    return observation(code, component=components)


def response(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "authored": "2026-11-02T09:00:00Z",
        "item": list(items),
        **fields,
    }


def read(*resources: dict[str, Any]) -> Reading:
    """The reading of PATIENT together with these resources."""
    return read_bundle(bundle(PATIENT, *resources))


def facts(*resources: dict[str, Any]) -> PatientReading:
    """What is taken of PATIENT from these resources, none of which may be refused."""
    reading = read(*resources)
    assert [verdict.reason for verdict in reading.verdicts if verdict.outcome == "refused"] == []
    return reading.patients[0]


def verdict_on(resource: dict[str, Any]) -> Verdict:
    """The verdict on one resource beside PATIENT."""
    return read(resource).verdicts[1]
