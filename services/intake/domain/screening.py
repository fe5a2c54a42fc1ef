"""A screening: what is asked and measured before exercise begins, and what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from events.base import UNSET
from events.intake import (
    ActivityRecorded,
    ClearanceNeeded,
    ClearanceRecorded,
    MedicalHistoryRecorded,
    MentalHealthReferralNeeded,
    PreferencesRecorded,
    QuestionnaireAnswered,
    SafetyFlagAssessed,
    SafetyFlagRaised,
    ScreeningConcluded,
    ScreeningOpened,
    VitalsMeasured,
)
from events.terms import CareRole, ClearanceOutcome, Intensity, Permission, QuestionnaireResult
from services.intake.domain import judgement
from services.intake.domain.answers import result_of
from services.intake.domain.judgement import Evidence, judge
from services.intake.domain.parts import NEEDED, SAFETY_ASSESSMENT, Occasion, Part, Status
from services.intake.domain.patient import Patient
from services.intake.domain.refusals import known, refusing_what_the_rules_refuse
from shared.clinical.conclusion import Cap
from shared.clinical.contraindications import contraindication
from shared.clinical.modifiers import modifier
from shared.clinical.preparticipation import Clearance
from shared.clinical.safety import Flag, crisis_flags
from shared.clinical.scoring import score
from shared.clinical.vitals import Vitals, implausible
from shared.eventlog.aggregate import Aggregate, Refused, when

CLINICIANS = (CareRole.PHYSICIAN, CareRole.PSYCHIATRIST, CareRole.PSYCHOTHERAPIST)
MENTAL_HEALTH_CLINICIANS = (CareRole.PSYCHIATRIST, CareRole.PSYCHOTHERAPIST)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A physician's report: the outcome, the limit (None: none stated), how long it stands, and whose it is."""

    referral_id: UUID
    outcome: ClearanceOutcome
    limit: Intensity | None
    valid_until: date | None
    decided_by: str
    note: Any = UNSET

    @property
    def cap(self) -> Cap | None:
        """The limit, in the clinical rules' words."""
        return None if self.limit is None else Cap(self.limit.value)


def screening_id(patient_id: UUID, number: int) -> UUID:
    """Derive the id of a patient's nth screening, so that two who open it at once meet in one log entry."""
    return uuid5(patient_id, f"screening/{number}")


class Screening(Aggregate):
    """One screening of one patient; open until it is concluded, later joined by a physician's clearance."""

    status = Status.OPEN
    history: MedicalHistoryRecorded | None = None
    activity: ActivityRecorded | None = None
    preferences: PreferencesRecorded | None = None
    conclusion: ScreeningConcluded | None = None
    vitals: tuple[VitalsMeasured, ...] = ()
    clearances: tuple[ClearanceRecorded, ...] = ()
    opened: ScreeningOpened
    questionnaires: dict[str, QuestionnaireAnswered]
    flags: dict[str, SafetyFlagAssessed | None]

    @classmethod
    def open(cls, patient: Patient, number: int, reason: Occasion) -> Screening:
        """Begin the patient's nth screening; refused for minors and the dead."""
        patient.must_be_screenable()
        screening = cls(screening_id(patient.id, number), patient.context, patient.id)
        screening.record(ScreeningOpened, reason=str(reason))
        return screening

    # Parts, in any order

    def record_medical_history(self, **answers: Any) -> None:
        """Keep the history; a later one replaces it. Unknown codes are refused."""
        self._must_be_open()
        with refusing_what_the_rules_refuse():
            for code in answers.get("contraindications", ()):
                contraindication(code)
            for code in answers.get("modifiers", ()):
                modifier(code)
        self.record(MedicalHistoryRecorded, **answers)

    def record_questionnaire(self, instrument: str, answers: Sequence[int | None]) -> None:
        """Keep the answers by item (None = unanswered) and their score; safety flags are recorded before any total."""
        self._must_be_open()
        with refusing_what_the_rules_refuse():
            scored = score(instrument, answers, previous=self._last_answers(instrument))
        # Flags first: whoever follows the log meets the risk before any total that could look harmless.
        for flag in scored.flags:
            if flag != Flag.SI_UNKNOWN or not self._is_asked_otherwise():
                self._raise(flag, instrument)
        self.record(QuestionnaireAnswered, instrument=instrument, result=result_of(scored))

    def record_vitals(
        self, systolic: int, diastolic: int, resting_heart_rate: int, with_symptoms: bool | None = None
    ) -> None:
        """Keep one reading at rest; readings within an hour are repeats of one occasion."""
        self._must_be_open()
        with refusing_what_the_rules_refuse():
            reading = Vitals(systolic=systolic, diastolic=diastolic, rate=resting_heart_rate)
            unlikely = implausible(reading)
        if unlikely:
            raise Refused(f"This cannot be right: {', '.join(unlikely)}. Measure again.", code="implausible-vitals")
        self.record(
            VitalsMeasured,
            systolic=systolic,
            diastolic=diastolic,
            resting_heart_rate=resting_heart_rate,
            with_symptoms=with_symptoms,
        )

    def record_activity(
        self, days_per_week: int, minutes_per_day: int, strength_days_per_week: int | None = None
    ) -> None:
        """Keep the exercise vital sign: days a week (0-7), minutes a day (0-1440), strength days a week."""
        self._must_be_open()
        in_range = (
            days_per_week in range(8) and minutes_per_day in range(1441) and strength_days_per_week in (None, *range(8))
        )
        if not in_range:
            raise Refused("A week has 7 days and a day 1440 minutes.", code="implausible-activity")
        self.record(
            ActivityRecorded,
            days_per_week=days_per_week,
            minutes_per_day=minutes_per_day,
            strength_days_per_week=strength_days_per_week,
        )

    def record_preferences(self, **wishes: Any) -> None:
        """Keep what the patient likes, hopes for, and what stands in the way; crisis words raise a safety flag."""
        self._must_be_open()
        # The patient's own words; a clinician's notes name such words in order to rule them out.
        texts = [wishes.get("goals", ""), *wishes.get("barriers", ()), *wishes.get("disliked", ())]
        for flag in crisis_flags(words=" ".join(texts)):
            self._raise(flag, "preferences")
        self.record(PreferencesRecorded, **wishes)

    # Safety

    def assess_safety(self, flag: str, hold: bool, assessment: str) -> None:
        """Say, as a clinician, what follows from a safety flag; `hold` keeps the patient from exercise."""
        self._must_be_open()
        if self.context.actor.role not in CLINICIANS:
            raise Refused("A physician, psychiatrist or psychotherapist must assess this.", code="not-a-clinician")
        if flag not in self.flags:
            raise Refused("No such safety flag was raised.", allowed=sorted(self.flags), code="no-such-flag")
        self.record(SafetyFlagAssessed, flag=flag, hold=hold, assessment=assessment)

    def _raise(self, flag: str, instrument: str) -> None:
        if flag not in self.open_flags:
            self.record(SafetyFlagRaised, flag=str(flag), instrument=instrument)

    def _is_asked_otherwise(self) -> bool:
        screened = judgement.columbia(self.results)
        return screened is not None and screened.complete

    @property
    def open_flags(self) -> list[str]:
        """The safety flags that no clinician has assessed."""
        return sorted(flag for flag, assessed in self.flags.items() if assessed is None)

    # Conclusion

    @property
    def missing(self) -> list[Part]:
        """The parts that nothing was recorded of."""
        present = {
            Part.MEDICAL_HISTORY: self.history,
            Part.PHQ9: self.questionnaires.get("PHQ9"),
            Part.GAD7: self.questionnaires.get("GAD7"),
            Part.VITALS: self.vitals,
            Part.ACTIVITY: self.activity,
            Part.PREFERENCES: self.preferences,
        }
        return [part for part, recorded in present.items() if not recorded]

    @property
    def blocks(self) -> list[str]:
        """What stands in the way of a conclusion: safety first, then the parts that the gates need."""
        if self.status is not Status.OPEN:
            return []
        safety = [SAFETY_ASSESSMENT] if self.open_flags else []
        return [*safety, *(part for part in self.missing if part in NEEDED)]

    def conclude(self, on: date) -> None:
        """Say what may be prescribed, on a day where the patient lives; refused while something blocks it."""
        self._must_be_open()
        if self.open_flags:
            raise Refused(
                "A safety flag has not been assessed. A clinician must look at it first.",
                allowed=["safety-assessments"],
                code="safety-not-assessed",
            )
        if self.blocks:
            steps = dict.fromkeys(part.step for part in self.missing if part in NEEDED)
            raise Refused(f"Still missing: {', '.join(self.blocks)}.", allowed=list(steps), code="not-complete")
        self._record_conclusion(judge(self._evidence(self.context.actor.role), on))

    def _record_conclusion(self, judged: judgement.Conclusion) -> None:
        reasons = judgement.reasons_of(judged)
        self.record(
            ScreeningConcluded,
            permission=Permission(judged.permission.value),
            intensity_cap=Intensity(judged.cap.value),
            rules_version=judged.rule_set,
            reasons=reasons,
            conditions=judgement.conditions_of(judged),
        )
        before_any = judgement.clearance_demanded(judged)
        if before_any is not None:
            self.record(ClearanceNeeded, screening_id=self.id, before_any=before_any, reasons=reasons)
        within_days = judgement.referral_due(judged)
        if within_days is not None:
            self.record(MentalHealthReferralNeeded, screening_id=self.id, within_days=within_days, reasons=reasons)

    def _evidence(self, concluded_by: str) -> Evidence:
        return Evidence(
            history=self.history,
            vitals=self.vitals,
            results=self.results,
            assessed=[known(each.hold, True) for each in self.flags.values() if each is not None],
            cosigned=concluded_by in MENTAL_HEALTH_CLINICIANS,
        )

    def record_clearance(self, decision: Decision, on: date) -> None:
        """Join a physician's decision, made on a day where the patient lives; once for each report.

        What may be prescribed from then on is the decision and every other gate together. A clearance stands for a
        year at most (clinical rules 2.2); one that is refused allows nothing.
        """
        if self.conclusion is None:
            raise Refused("The screening has not been concluded.", code="not-concluded")
        # A broker may deliver a report twice.
        if any(known_one.causation_id == self.context.causation_id for known_one in self.clearances):
            return
        if decision.outcome is ClearanceOutcome.CLEARED_WITH_LIMITS and decision.limit is None:
            raise Refused("The report clears with limits and does not say which intensity.", code="limit-unknown")
        clearance = Clearance(given_on=on, valid_until=decision.valid_until, limit=decision.cap)
        cleared = decision.outcome is not ClearanceOutcome.NOT_CLEARED
        self.record(
            ClearanceRecorded,
            referral_id=decision.referral_id,
            outcome=decision.outcome,
            intensity_cap=self._cap_with(clearance, on) if cleared else Intensity.NONE,
            valid_until=clearance.expires_on() if cleared else None,
            decided_by=decision.decided_by,
            note=decision.note,
        )

    def _cap_with(self, clearance: Clearance, on: date) -> Intensity:
        judged = judge(self._evidence(self.conclusion.actor.role), on, clearance)
        return Intensity(judgement.limited(judged, clearance.limit).value)

    # Questions

    @property
    def clearance(self) -> ClearanceRecorded | None:
        """The latest clearance."""
        return self.clearances[-1] if self.clearances else None

    @property
    def results(self) -> Mapping[str, QuestionnaireResult]:
        """The last result of each questionnaire, by instrument."""
        results = {name: known(answered.result) for name, answered in self.questionnaires.items()}
        return {name: result for name, result in results.items() if result is not None}

    def _last_answers(self, instrument: str) -> Sequence[int | None] | None:
        last = self.results.get(instrument)
        return last.answers if last else None

    def _must_be_open(self) -> None:
        if self.status is not Status.OPEN:
            raise Refused("The screening has been concluded. Open another one.", allowed=["open"], code="concluded")

    # What happened

    @when(ScreeningOpened)
    def _opened(self, event: ScreeningOpened) -> None:
        self.opened = event
        self.questionnaires = {}
        self.flags = {}

    @when(MedicalHistoryRecorded)
    def _history_recorded(self, event: MedicalHistoryRecorded) -> None:
        self.history = event

    @when(QuestionnaireAnswered)
    def _answered(self, event: QuestionnaireAnswered) -> None:
        self.questionnaires[event.instrument] = event
        # Only the question that nobody had answered closes by an answer; a raised flag waits for a clinician.
        if Flag.SI_UNKNOWN in self.open_flags and judgement.tells_of_safety(event):
            del self.flags[Flag.SI_UNKNOWN]

    @when(VitalsMeasured)
    def _measured(self, event: VitalsMeasured) -> None:
        self.vitals = (*self.vitals, event)

    @when(ActivityRecorded)
    def _activity_recorded(self, event: ActivityRecorded) -> None:
        self.activity = event

    @when(PreferencesRecorded)
    def _preferences_recorded(self, event: PreferencesRecorded) -> None:
        self.preferences = event

    @when(SafetyFlagRaised)
    def _flag_raised(self, event: SafetyFlagRaised) -> None:
        self.flags[known(event.flag, "erased")] = None

    @when(SafetyFlagAssessed)
    def _flag_assessed(self, event: SafetyFlagAssessed) -> None:
        self.flags[known(event.flag, "erased")] = event

    @when(ScreeningConcluded)
    def _concluded(self, event: ScreeningConcluded) -> None:
        self.status = Status.CONCLUDED
        self.conclusion = event

    @when(ClearanceRecorded)
    def _cleared(self, event: ClearanceRecorded) -> None:
        self.clearances = (*self.clearances, event)
