"""Reads vital signs, body measures and the exercise vital sign from FHIR Observations, in our units."""

import re
from decimal import ROUND_HALF_UP, Decimal

from services.intake.exchange.codes import (
    BLOOD_PRESSURE,
    BLOOD_PRESSURE_PANELS,
    DIASTOLIC,
    MEASURES,
    SYSTOLIC,
    UCUM,
    UNIT_WORDS,
    MeasureRule,
)
from services.intake.exchange.document import Entry, identity_of
from services.intake.exchange.facts import ImportedMeasure
from services.intake.exchange.json_values import (
    Node,
    NotUsed,
    Unreadable,
    loinc_codes,
    number_of,
    object_of,
    objects_of,
    shown,
    text_of,
)
from services.intake.exchange.times import Calendar

MEASURED = BLOOD_PRESSURE_PANELS | frozenset(MEASURES)
# UCUM annotations say what is counted and change nothing: {beats}/min is /min.
ANNOTATION = re.compile(r"\{[^{}]*\}")
HUNDREDTH = Decimal("0.01")


def read_measure(entry: Entry, resource: Node, patient: str, calendar: Calendar) -> ImportedMeasure:
    """Return the measure of an Observation with one of our codes; NotUsed where it states why it has no value."""
    code = next(code for code in loinc_codes(resource) if code in MEASURED)
    is_pressure = code in BLOOD_PRESSURE_PANELS
    rule = BLOOD_PRESSURE if is_pressure else MEASURES[code]
    source, effective = entry.source(), calendar.effective(resource)
    readings = _pressures(resource) if is_pressure else (_reading(resource, rule),)
    values = [value for value, _ in readings]
    return ImportedMeasure(
        identity=identity_of(patient, source.resource_type, source.resource_id),
        source=source,
        kind=rule.kind,
        code=code,
        value=None if is_pressure else values[0],
        systolic=values[0] if is_pressure else None,
        diastolic=values[1] if is_pressure else None,
        unit=rule.unit,
        stated="; ".join(stated for _, stated in readings if stated) or None,
        effective=effective,
    )


def _pressures(resource: Node) -> tuple[tuple[Decimal, str | None], ...]:
    systolic, diastolic = _component(resource, SYSTOLIC), _component(resource, DIASTOLIC)
    if diastolic[0] >= systolic[0]:
        raise Unreadable("The diastolic pressure is not below the systolic. Check the values and send them again.")
    return systolic, diastolic


def _component(resource: Node, code: str) -> tuple[Decimal, str | None]:
    found = [component for component in objects_of(resource, "component") if code in loinc_codes(component)]
    if not found and object_of(resource, "dataAbsentReason") is not None:
        raise NotUsed("It states no value, and why there is none.")
    if len(found) != 1:
        raise Unreadable(
            f"A blood pressure needs exactly one component {code}. Correct it and send the resource again."
        )
    return _reading(found[0], BLOOD_PRESSURE)


def _reading(node: Node, rule: MeasureRule) -> tuple[Decimal, str | None]:
    """The value in our unit, and how it was stated where that differs."""
    quantity = object_of(node, "valueQuantity")
    value = number_of(quantity, "value") if quantity is not None else None
    if quantity is None or value is None:
        raise _no_value(node)
    if text_of(quantity, "comparator") is not None:
        raise Unreadable("The value is only a bound (more or less than). Send the measured value.")
    stated_unit = _unit_of(quantity)
    factor = rule.units.get(stated_unit)
    if factor is None:
        raise Unreadable(f"{shown(stated_unit)} is not a unit of a {rule.kind}. Send it in {rule.unit} (UCUM).")
    ours = value if factor == 1 else (value * factor).quantize(HUNDREDTH, ROUND_HALF_UP)
    if not rule.lowest <= ours <= rule.highest:
        raise Unreadable(
            f"The value is outside of {rule.lowest} to {rule.highest} {rule.unit}. Check it and send it again."
        )
    return ours, None if factor == 1 else f"{value} {stated_unit}"


def _no_value(node: Node) -> Exception:
    if object_of(node, "dataAbsentReason") is not None:
        return NotUsed("It states no value, and why there is none.")
    return Unreadable("It has no valueQuantity. Add the measured value with its unit and send it again.")


def _unit_of(quantity: Node) -> str:
    code, word = text_of(quantity, "code", 40), text_of(quantity, "unit", 40)
    if code is not None and text_of(quantity, "system") not in (UCUM, None):
        raise Unreadable(f"The unit is not from UCUM. Send the quantity with system {UCUM}.")
    stated = code or UNIT_WORDS.get(word or "", word)
    if stated is None:
        raise Unreadable("The value has no unit. Add the UCUM unit and send it again.")
    return ANNOTATION.sub("", stated)
