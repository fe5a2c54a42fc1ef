"""What all gates say about a screening's evidence: the clinical rules asked, each with what intake knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from events.intake import MedicalHistoryRecorded, QuestionnaireAnswered, Treatment, VitalsMeasured
from events.terms import ConclusionCondition, QuestionnaireResult, Reason
from services.intake.domain.refusals import known
from shared.clinical.conclusion import Cap, Conclusion, Condition, ConditionCode, Gate, GateName, Permission, conclude
from shared.clinical.contraindications import contraindication_gates
from shared.clinical.cssrs import Screen, screen
from shared.clinical.findings import Result
from shared.clinical.modifiers import modifier_gates
from shared.clinical.preparticipation import Clearance, Wish, acsm_gate
from shared.clinical.rules import DEFAULT
from shared.clinical.scoring import score
from shared.clinical.severity import Severity, severity_gates
from shared.clinical.severity import Treatment as TreatmentBeside
from shared.clinical.vitals import Vitals, vitals_gate

ITEM_9 = 8
"""Index of the PHQ-9 item on thoughts of death."""

OCCASION = timedelta(hours=1)
"""Readings of blood pressure and pulse within this time belong to one occasion [R]."""

SAFETY_SOURCE = "clinical rules 1.7 and 5.4: a clinician's assessment decides"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one screening knows when it is judged.

    `vitals` are all readings in order of time; those of the last occasion are judged. `assessed` holds, for every
    safety flag, whether the clinician who looked at it keeps the screening on hold; it is empty where there was no
    flag. `cosigned` tells that a mental-health clinician concludes.
    """

    history: MedicalHistoryRecorded
    vitals: Sequence[VitalsMeasured]
    results: Mapping[str, QuestionnaireResult]
    assessed: Sequence[bool]
    cosigned: bool


def judge(evidence: Evidence, on: date, clearance: Clearance | None = None) -> Conclusion:
    """Join all gates on a day, without or with a physician's clearance (clinical rules 2.2 to 2.6 and 4.1)."""
    gates = [
        _preparticipation(evidence.history, on, clearance),
        *contraindication_gates(known(evidence.history.contraindications, ()), on=on, clearance=clearance),
        *modifier_gates(known(evidence.history.modifiers, ()), on=on, obstetric_clearance=clearance),
        _vitals(evidence),
        *_severity(evidence),
    ]
    return conclude(gates)


def _preparticipation(history: MedicalHistoryRecorded, on: date, clearance: Clearance | None) -> Gate:
    return acsm_gate(
        active=known(history.regularly_active),
        disease=known(history.known_disease),
        symptoms=known(history.symptoms),
        wish=Wish.VIGOROUS if known(history.wants_vigorous, False) else Wish.LIGHT_MODERATE,
        on=on,
        clearance=clearance,
    )


def _vitals(evidence: Evidence) -> Gate:
    last = [each for each in evidence.vitals if evidence.vitals[-1].occurred_at - each.occurred_at <= OCCASION]
    readings = [
        Vitals(systolic=known(each.systolic), diastolic=known(each.diastolic), rate=known(each.resting_heart_rate))
        for each in last
    ]
    symptoms = {known(each.with_symptoms) for each in last}
    # Unknown counts as yes (section 2.4), but one reading with symptoms outweighs those that nobody asked about.
    felt = True if True in symptoms else None if None in symptoms else False
    eating_disorder = "EATING_DISORDER" in known(evidence.history.modifiers, ())
    return vitals_gate(readings, symptoms=felt, eating_disorder=eating_disorder)


def _severity(evidence: Evidence) -> Iterable[Gate]:
    """The severity gates; once a clinician has assessed the safety flags, that decision replaces the open questions."""
    state = _state(evidence.results)
    treatment = known(evidence.history.treatment, Treatment())
    beside = TreatmentBeside(
        discussed=treatment.discussed,
        active=treatment.active,
        referral_sent=treatment.referral_sent,
        cosigned=evidence.cosigned,
    )
    # Section 4.1: thoughts of death, or C-SSRS moderate and high, hold until a clinician decides. Here one has.
    if not evidence.assessed:
        return severity_gates(state, beside)
    gates = severity_gates(replace(state, cssrs=None), beside)
    return [*(gate for gate in gates if gate.gate is not GateName.SAFETY), _assessed(any(evidence.assessed))]


def _state(results: Mapping[str, QuestionnaireResult]) -> Severity:
    totals = {name: result.total for name, result in results.items()}
    phq9 = results.get("PHQ9")
    asrs = results.get("ASRS6")
    return Severity(
        phq9=totals.get("PHQ9"),
        gad7=totals.get("GAD7"),
        item_9=phq9.answers[ITEM_9] if phq9 else None,
        difficulty=phq9.difficulty if phq9 else None,
        isi=totals.get("ISI"),
        pcl5=totals.get("PCL5"),
        adhd_positive=asrs is not None and score("ASRS6", asrs.answers).positive is Result.POSITIVE,
        cssrs=columbia(results),
    )


def columbia(results: Mapping[str, QuestionnaireResult]) -> Screen | None:
    """Read the C-SSRS screener, if it was answered."""
    answered = results.get("CSSRS")
    return screen(answered.answers) if answered else None


def tells_of_safety(answered: QuestionnaireAnswered) -> bool:
    """Whether answers close the question that an unanswered item 9 left open: item 9 itself, or a whole C-SSRS."""
    result = known(answered.result)
    if result is None:
        return False
    if answered.instrument == "PHQ9":
        return result.answers[ITEM_9] is not None
    return answered.instrument == "CSSRS" and screen(result.answers).complete


def _assessed(hold: bool) -> Gate:
    plan = Condition(code=ConditionCode.SAFETY_PLAN, within_hours=DEFAULT.severity.safety_plan_hours)
    decide = Condition(code=ConditionCode.CLINICIAN_DECISION)
    return Gate(
        gate=GateName.SAFETY,
        reason="SI_HELD" if hold else "SI_ASSESSED",
        permission=Permission.HOLD if hold else Permission.READY,
        conditions=(decide, plan) if hold else (plan,),
        source=SAFETY_SOURCE,
        rule_set=DEFAULT.version,
    )


def reasons_of(conclusion: Conclusion) -> tuple[Reason, ...]:
    """Name every gate that was judged, in our vocabulary's words."""
    return tuple(Reason(gate=str(gate.gate), code=gate.reason, source=gate.source) for gate in conclusion.gates)


def conditions_of(conclusion: Conclusion) -> tuple[ConclusionCondition, ...]:
    """List what is demanded besides, within days; no time means before the program starts."""
    return tuple(
        ConclusionCondition(code=str(demand.code), source=demand.source, within_days=demand.within_days)
        for demand in conclusion.conditions
    )


def clearance_demanded(conclusion: Conclusion) -> bool | None:
    """Tell whether a clearance is needed before any exercise (True), before vigorous exercise (False), or not at all.

    While a hold stands nobody is sent to a physician: the hold must be resolved and the patient screened again.
    """
    if conclusion.permission is Permission.CLEARANCE_NEEDED:
        return True
    vigorous = conclusion.demands(ConditionCode.CLEARANCE_FOR_VIGOROUS)
    return False if vigorous and conclusion.permission is Permission.READY else None


def referral_due(conclusion: Conclusion) -> int | None:
    """Within how many days mental-health care must be asked to take part, if the severity gate asks for it."""
    asked = [ConditionCode.MENTAL_HEALTH_REFERRAL, ConditionCode.ACTIVE_TREATMENT]
    days = [found.within_days or 0 for code in asked if (found := conclusion.demands(code))]
    return min(days, default=None)


def limited(conclusion: Conclusion, limit: Cap | None) -> Cap:
    """The cap that a conclusion and a physician's limit leave together."""
    return conclusion.cap if limit is None else min(conclusion.cap, limit)
