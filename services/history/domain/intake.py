"""What intake's facts change in the record: the patient, the care team, screenings, imported history."""

from __future__ import annotations

from events import intake
from events.base import Event
from services.history.domain.record import Entry, Fold, PatientRecord, after, id_of, noted, own_fields, time_of
from shared.clinical.cssrs import screen
from shared.clinical.safety import Flag

ITEM_9 = 8
"""Index of the PHQ-9 item on thoughts of death."""

RISK_FOUND = str(intake.CurrentRiskFound.__struct_config__.tag)


@after(intake.PatientRegistered)
def _registered(record: PatientRecord, event: Event) -> None:
    known = {"id": str(event.patient_id), "imported": event.imported}
    record.patient = {**known, **own_fields(event), "registered_at": time_of(event)}


@after(intake.PatientDeceased)
def _died(record: PatientRecord, event: Event) -> None:
    record.patient.update(deceased=True, deceased_at=time_of(event))


@after(intake.PatientTeamMemberJoined)
def _joined(record: PatientRecord, event: intake.PatientTeamMemberJoined) -> None:
    record.care_team[event.member_id] = {**own_fields(event), "since": time_of(event)}


@after(intake.PatientTeamMemberLeft)
def _left(record: PatientRecord, event: intake.PatientTeamMemberLeft) -> None:
    record.care_team.pop(event.member_id, None)


@after(intake.ScreeningOpened)
def _opened(record: PatientRecord, event: Event) -> None:
    begun = {"id": id_of(event), "status": "open", "opened_at": time_of(event), **own_fields(event)}
    record.screenings[id_of(event)] = {**begun, "questionnaires": [], "safety_flags": [], "clearances": []}


def _part(name: str) -> Fold:
    def fold(record: PatientRecord, event: Event) -> None:
        record.screenings[id_of(event)][name] = noted(event)

    return fold


for _event_class, _name in {
    intake.MedicalHistoryRecorded: "medical_history",
    intake.VitalsMeasured: "vitals",
    intake.ActivityRecorded: "activity",
    intake.PreferencesRecorded: "preferences",
    intake.ClearanceNeeded: "clearance_needed",
    intake.MentalHealthReferralNeeded: "mental_health_referral_needed",
}.items():
    after(_event_class)(_part(_name))


@after(intake.QuestionnaireAnswered)
def _answered(record: PatientRecord, event: intake.QuestionnaireAnswered) -> None:
    screening = record.screenings[id_of(event)]
    screening["questionnaires"].append(noted(event))
    record.measures.append({**noted(event), "source": "screening"})
    if _tells_of_safety(event):
        for asked in _waiting(screening, Flag.SI_UNKNOWN):
            screening["safety_flags"].remove(asked)


def _tells_of_safety(event: intake.QuestionnaireAnswered) -> bool:
    """Whether answers close the question that an unanswered item 9 left open, as intake sees it."""
    answers = event.result.answers if event.result else ()
    if event.instrument == "PHQ9":
        return len(answers) > ITEM_9 and answers[ITEM_9] is not None
    return event.instrument == "CSSRS" and bool(answers) and screen(answers).complete


@after(intake.SafetyFlagRaised)
def _flagged(record: PatientRecord, event: Event) -> None:
    screening, flag = record.screenings[id_of(event)], noted(event)
    if not _waiting(screening, flag.get("flag")):
        screening["safety_flags"].append(flag)


@after(intake.SafetyFlagAssessed)
def _assessed(record: PatientRecord, event: Event) -> None:
    """Each flag is shown once: as it was raised or, from then on, as a clinician assessed it."""
    screening, assessed = record.screenings[id_of(event)], noted(event)
    waiting = _waiting(screening, assessed.get("flag"))
    for flag in waiting:
        flag.update({"raised_at": flag["at"], "raised_by": flag["by"], **assessed})
    if not waiting:
        screening["safety_flags"].append({"raised_at": None, "raised_by": None, **assessed})


def _waiting(screening: Entry, name: str | None) -> list[Entry]:
    """Give the flags of a name that nobody has assessed; those whose name was erased are not told apart."""
    return [flag for flag in screening["safety_flags"] if flag.get("flag") == name and "raised_at" not in flag]


@after(intake.ScreeningConcluded)
def _concluded(record: PatientRecord, event: Event) -> None:
    record.screenings[id_of(event)].update(status="concluded", conclusion=noted(event))


@after(intake.ClearanceRecorded)
def _cleared(record: PatientRecord, event: Event) -> None:
    record.screenings[id_of(event)]["clearances"].append(noted(event))


@after(
    intake.ConditionImported,
    intake.MedicationImported,
    intake.AllergyImported,
    intake.MeasureImported,
    intake.QuestionnaireImported,
    intake.CurrentRiskFound,
)
def _imported(record: PatientRecord, event: Event) -> None:
    record.imported.append({"fact": str(event.__struct_config__.tag), **noted(event)})


@after(intake.CurrentRiskReviewed)
def _reviewed(record: PatientRecord, event: Event) -> None:
    for entry in record.imported:
        if entry["fact"] == RISK_FOUND:
            entry.setdefault("reviewed", noted(event))
    _imported(record, event)
