"""Whom one may look at: my patients, with search; and, for auditors, a patient by id."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.portal.pages.moments import day_words
from services.portal.pages.neighbours import cursor_in
from services.portal.pages.visitor import is_auditor, portal, questions, visitor
from shared.access import CARE_TEAM, Role

ROWS = 25
LONGEST_SEARCH = 100


def home() -> ResponseReturnValue:
    """Lead everybody to where they begin: the team to their patients, a patient to their own trail."""
    roles = visitor().roles
    if roles & CARE_TEAM:
        return redirect(url_for("pages.my_patients"))
    if Role.PATIENT in roles and visitor().patient_id:
        return redirect(url_for("pages.trail", patient_id=visitor().patient_id))
    if is_auditor():
        return redirect(url_for("pages.look_up"))
    return render_template("nothing_for_you.html")


def my_patients() -> ResponseReturnValue:
    """List the patients in whose care the visitor takes part."""
    search = " ".join(request.args.get("search", "").split())[:LONGEST_SEARCH]
    after = request.args.get("after")
    page = questions().get("intake", "/v1/patients", search=search, after=after, limit=ROWS)
    return render_template(
        "patients.html",
        search=search,
        patients=[_row(patient) for patient in page["items"]],
        further=cursor_in(page["next"]),
        is_first=after is None,
    )


def _row(patient: dict[str, Any]) -> dict[str, Any]:
    born = patient.get("birth_date")
    day = date.fromisoformat(born) if born else None
    return {
        "id": patient["id"],
        "name": name_of(patient),
        "born": day_words(day) if day else "",
        "age": _age(day, portal().clock().date()) if day and not patient.get("deceased") else None,
        "deceased": patient.get("deceased"),
        "imported": patient.get("imported"),
    }


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def name_of(patient: dict[str, Any]) -> str:
    """Write a patient's name, family name first; what can no longer be opened has none."""
    names = [patient.get("family_name"), patient.get("given_name")]
    return ", ".join(filter(None, names)) or "Name not readable"


def look_up() -> ResponseReturnValue:
    """Ask for a patient's id, and lead to their trail."""
    asked = request.args.get("patient", "").strip()
    if not asked:
        return render_template("look_up.html", asked="", sentence="")
    try:
        patient_id = UUID(asked)
    except ValueError:
        sentence = "That is not a patient’s id. It looks like 3f0c8a52-9d1e-4b7a-8c65-2f1e0d9b7a34."
        return render_template("look_up.html", asked=asked[:LONGEST_SEARCH], sentence=sentence), 400
    return redirect(url_for("pages.trail", patient_id=patient_id))
