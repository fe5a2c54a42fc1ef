"""History from other systems: kept as stated and marked, never acting; a current risk in it waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from events.base import Event
from events.intake import (
    AllergyImported,
    ConditionImported,
    CurrentRiskFound,
    CurrentRiskReviewed,
    ImportedRecordOpened,
    MeasureImported,
    MedicationImported,
    QuestionnaireImported,
)
from events.terms import Coded, QuestionnaireResult
from services.intake.domain.answers import result_as_stated
from services.intake.domain.judgement import ITEM_9
from services.intake.domain.refusals import known, refusing_what_the_rules_refuse
from shared.clinical.rules import DEFAULT
from shared.eventlog.aggregate import Aggregate, Context, Refused, when

CURRENT = timedelta(days=365)
"""A risk that was stated longer ago is history [R]."""

SI_POSITIVE = "SI_POSITIVE"
PHQ9_SEVERE = "PHQ9_SEVERE"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What another system states: its identity there (the same for the same resource for ever), and since when."""

    identity: str
    at: datetime | None


@dataclass(frozen=True)
class Risk:
    """A risk that an imported questionnaire speaks of."""

    flag: str
    stated_at: datetime | None
    found_at: datetime | None = None


def imported_record_id(patient_id: UUID) -> UUID:
    """Derive the id of a patient's imported record."""
    return uuid5(patient_id, "imported-record")


class ImportedRecord(Aggregate):
    """Everything that other systems state about one patient; each resource is kept once."""

    identities: set[str]
    conditions: list[ConditionImported]
    medications: list[MedicationImported]
    allergies: list[AllergyImported]
    measures: list[MeasureImported]
    questionnaires: list[QuestionnaireImported]
    risks: list[Risk]
    open_risks: list[Risk]

    @classmethod
    def open(cls, patient_id: UUID, context: Context) -> ImportedRecord:
        """Begin to keep a patient's history."""
        record = cls(imported_record_id(patient_id), context, patient_id)
        record.record(ImportedRecordOpened)
        return record

    # Facts

    def knows(self, identity: str) -> bool:
        """Tell whether this resource was kept before."""
        return identity in self.identities

    def take_condition(self, stated: Stated, condition: Coded, clinical_status: str | None, onset: str | None) -> None:
        """Keep a condition."""
        words = {"condition": condition, "clinical_status": clinical_status, "onset": onset}
        self._take(ConditionImported, stated, words)

    def take_medication(self, stated: Stated, medication: Coded, status: str | None) -> None:
        """Keep a medication request."""
        self._take(MedicationImported, stated, {"medication": medication, "status": status})

    def take_allergy(self, stated: Stated, allergy: Coded, clinical_status: str | None) -> None:
        """Keep an allergy or intolerance."""
        self._take(AllergyImported, stated, {"allergy": allergy, "clinical_status": clinical_status})

    def take_measure(self, stated: Stated, kind: str, unit: str, value: Decimal, second: Decimal | None) -> None:
        """Keep a measurement, in our unit; `second` is the lower value of a blood pressure."""
        self._take(MeasureImported, stated, {"kind": kind, "unit": unit, "value": value, "second": second})

    def take_questionnaire(
        self,
        stated: Stated,
        instrument: str,
        answers: Mapping[int, int],
        difficulty: int | None,
        stated_total: int | None,
        contradicts: bool,
    ) -> None:
        """Keep a questionnaire: its total as stated, ours made from its items, a contradiction flagged."""
        with refusing_what_the_rules_refuse():
            result = result_as_stated(instrument, answers, difficulty, stated_total)
        words = {"instrument": instrument, "result": result, "contradicts": contradicts}
        self._take(QuestionnaireImported, stated, words)

    def _take(self, event_class: type[Event], stated: Stated, words: Mapping[str, Any]) -> None:
        if self.knows(stated.identity):
            return
        # Marked, so that no service's policy acts on it; at its own time, so that it stands where it belongs.
        live = self.context
        self.context = replace(live, imported=True, occurred_at=stated.at)
        self.record(event_class, identity=stated.identity, **words)
        self.context = live

    # Risks

    def look_for_current_risk(self) -> None:
        """Find what the latest PHQ-9 speaks of, if it is of the last 12 months; each risk is found once."""
        for risk in self._current_risks():
            if not any(found.flag == risk.flag and found.stated_at == risk.stated_at for found in self.risks):
                self.record(CurrentRiskFound, flag=risk.flag, stated_at=risk.stated_at)

    def _current_risks(self) -> Iterator[Risk]:
        latest = sorted(self._readable("PHQ9"), key=lambda each: each[0], reverse=True)
        # An answer that is missing says nothing: the latest that is there counts.
        item_9 = next(((at, item) for at, each in latest if (item := each.answers[ITEM_9]) is not None), None)
        total = next(((at, worst) for at, each in latest if (worst := _worst_total(each)) is not None), None)
        if item_9 and item_9[1] >= 1 and self._is_current(item_9[0]):
            yield Risk(SI_POSITIVE, item_9[0])
        if total and total[1] >= DEFAULT.severity.cosigned_phq9 and self._is_current(total[0]):
            yield Risk(PHQ9_SEVERE, total[0])

    def _readable(self, instrument: str) -> Iterator[tuple[datetime, QuestionnaireResult]]:
        for event in self.questionnaires:
            result = known(event.result)
            if event.instrument == instrument and result is not None:
                yield event.occurred_at, result

    def _is_current(self, at: datetime) -> bool:
        return self.context.now - at <= CURRENT

    def review_risk(self, outcome: str) -> None:
        """Say, as a person who looked, what follows from the open risks."""
        if not self.open_risks:
            raise Refused("No current risk is waiting for a review.", code="nothing-to-review")
        self.record(CurrentRiskReviewed, outcome=outcome)

    # What happened

    @when(ImportedRecordOpened)
    def _opened(self, event: ImportedRecordOpened) -> None:
        self.identities = set()
        self.conditions, self.medications, self.allergies = [], [], []
        self.measures, self.questionnaires = [], []
        self.risks, self.open_risks = [], []

    @when(ConditionImported)
    def _condition_taken(self, event: ConditionImported) -> None:
        self._note(event.identity, self.conditions, event)

    @when(MedicationImported)
    def _medication_taken(self, event: MedicationImported) -> None:
        self._note(event.identity, self.medications, event)

    @when(AllergyImported)
    def _allergy_taken(self, event: AllergyImported) -> None:
        self._note(event.identity, self.allergies, event)

    @when(MeasureImported)
    def _measure_taken(self, event: MeasureImported) -> None:
        self._note(event.identity, self.measures, event)

    @when(QuestionnaireImported)
    def _questionnaire_taken(self, event: QuestionnaireImported) -> None:
        self._note(event.identity, self.questionnaires, event)

    def _note(self, identity: Any, kept: list[Any], event: Event) -> None:
        kept.append(event)
        self.identities.update(_only_known(identity))

    @when(CurrentRiskFound)
    def _risk_found(self, event: CurrentRiskFound) -> None:
        risk = Risk(known(event.flag, "erased"), known(event.stated_at), event.occurred_at)
        self.risks.append(risk)
        self.open_risks.append(risk)

    @when(CurrentRiskReviewed)
    def _risk_reviewed(self, event: CurrentRiskReviewed) -> None:
        self.open_risks = []


def _only_known(identity: Any) -> Iterable[str]:
    value = known(identity)
    return () if value is None else (value,)


def _worst_total(result: QuestionnaireResult) -> int | None:
    """The higher of the stated and the recomputed total: a contradiction is read as the worse of both."""
    return max((total for total in (result.total, result.stated_total) if total is not None), default=None)
