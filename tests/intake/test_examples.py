"""Intake's frozen examples: read as they were written, and bearable once a patient's words are gone."""

import json
from pathlib import Path

import pytest

from events.base import Event
from events.vocabulary import CATALOGUE
from services.intake.api.imported import ImportedRecordView
from services.intake.api.patients import PatientView, TeamView
from services.intake.api.views import ScreeningView
from services.intake.api.waiting import ReviewedView
from services.intake.domain import ImportedRecord, Patient, Screening
from services.intake.worklists import WORKLISTS
from shared.messaging import REFUSED_REACTIONS, Refusal
from shared.messaging.refusals_api import RefusedReactionView

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"

HISTORIES = {
    Patient: ("patient-registered", "patient-team-member-joined", "patient-team-member-left", "patient-deceased"),
    Screening: (
        "screening-opened",
        "medical-history-recorded",
        "safety-flag-raised",
        "questionnaire-answered",
        "safety-flag-assessed",
        "vitals-measured",
        "activity-recorded",
        "preferences-recorded",
        "screening-concluded",
        "clearance-needed",
        "mental-health-referral-needed",
        "clearance-recorded",
    ),
    ImportedRecord: (
        "imported-record-opened",
        "condition-imported",
        "medication-imported",
        "allergy-imported",
        "measure-imported",
        "questionnaire-imported",
        "current-risk-found",
        "current-risk-reviewed",
    ),
    Refusal: ("reaction-refused", "refusal-settled"),
}
BY_OPERATORS = ("parked-event-skipped", "upstream-reconciled")
TYPES = sorted(name for history in (*HISTORIES.values(), BY_OPERATORS) for name in history)
VIEWS = {
    Patient: (PatientView, TeamView),
    Screening: (ScreeningView,),
    ImportedRecord: (ImportedRecordView, ReviewedView),
    Refusal: (RefusedReactionView,),
}
PREFIXES = [(cls, length) for cls, names in HISTORIES.items() for length in range(1, len(names) + 1)]


def body(name: str) -> dict:
    return json.loads((EXAMPLES / f"caretrail.intake.{name}.v1.json").read_bytes())


def example(name: str, *, erased: bool = False) -> Event:
    stored = body(name)
    if erased:
        stored.pop("sealed", None)
    return CATALOGUE.decode(stored["type"], json.dumps(stored).encode())


def loaded(cls: type, length: int | None = None, *, erased: bool = False):
    return cls.load([example(name, erased=erased) for name in HISTORIES[cls][:length]], None)


class TestTheExamples:
    def test_are_there_for_every_type(self):
        known = {name for name in CATALOGUE.types() if name.startswith("caretrail.intake.")}

        assert known == {f"caretrail.intake.{name}.v1" for name in TYPES}

    def test_tell_of_a_screening_with_a_flag_and_a_clearance(self):
        screening = loaded(Screening)

        assert screening.results["PHQ9"].total == 16
        assert screening.flags["SI_POSITIVE"].hold is False
        assert screening.conclusion.permission == "clearance-needed"
        assert (screening.clearance.outcome, screening.clearance.intensity_cap) == ("cleared-with-limits", "light")

    def test_tell_of_a_total_that_contradicts_its_items(self):
        (questionnaire,) = loaded(ImportedRecord).questionnaires

        assert (questionnaire.result.stated_total, questionnaire.result.total) == (21, 19)
        assert questionnaire.contradicts


class TestWhatIsLeftWhenWordsAreGone:
    @pytest.mark.parametrize(("cls", "length"), PREFIXES)
    def test_still_loads_and_shows(self, cls, length):
        aggregate = loaded(cls, length, erased=True)

        for view in VIEWS[cls]:
            assert view().dump(aggregate)["version"] == aggregate.version
        for worklist in (*WORKLISTS, REFUSED_REACTIONS):
            if worklist.of is cls:
                worklist.change(aggregate)

    def test_holds_no_word_about_the_person(self):
        shown = json.dumps([view().dump(loaded(cls, erased=True)) for cls in VIEWS for view in VIEWS[cls]], default=str)

        for word in ("Keller", "Mira", "4711", "knee", "diabetes", "stairs", "lifting", "Sertraline", "sister"):
            assert word not in shown

    def test_holds_such_words_before(self):
        shown = json.dumps([view().dump(loaded(cls)) for cls in VIEWS for view in VIEWS[cls]], default=str)

        for word in ("Keller", "Mira", "4711", "knee", "diabetes", "stairs", "lifting", "Sertraline", "sister"):
            assert word in shown
