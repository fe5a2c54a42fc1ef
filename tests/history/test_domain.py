"""The fold: what each kind of fact changes in a patient's record, whole and with sensitive fields gone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from events import intake, monitoring, prescription, referral
from events.base import Actor, Event, UpstreamReconciled
from events.history import HistoryReactionRefused
from events.terms import (
    AlertLevel,
    CareRole,
    ClearanceOutcome,
    Intensity,
    Priority,
    QuestionnaireResult,
    ReferralKind,
)
from events.vocabulary import CATALOGUE
from services.history.domain import PatientRecord, folded, title_of

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENT = UUID("5f1d8a3e-6c0b-4f5e-9a77-0d2b3c4e5f60")
THING = UUID("7c6b5a49-3827-4615-8f4e-3d2c1b0a9f8e")
ANNA = Actor(id="anna", role="care-coordinator")
PAUL = Actor(id="paul", role="physician")
POLICY = Actor(id="policy:referral.request_an_urgent_physician", role="service", on_behalf_of="anna")

OPENINGS = (
    "intake.patient-registered",
    "intake.screening-opened",
    "referral.requested",
    "prescription.program-drafted",
    "monitoring.plan-opened",
    "monitoring.alert-raised",
)
"""The facts with which each section's entries begin."""


class Facts:
    """A history of one thing, a minute after another."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    def add(self, event_class: type[Event], actor: Actor = ANNA, **fields: Any) -> Facts:
        """Add a fact of the thing."""
        version = len(self.told) + 1
        self.told.append(
            event_class(
                originator_id=THING,
                originator_version=version,
                occurred_at=NINE + timedelta(minutes=version - 1),
                patient_id=PATIENT,
                actor=actor,
                correlation_id=THING,
                causation_id="request-1",
                **fields,
            )
        )
        return self

    def shown(self, section: str) -> Any:
        """The only entry of a section."""
        (entry,) = PatientRecord.of(self.told).view()[section]
        return entry


def example(name: str, *, erased: bool = False) -> Event:
    body = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    if erased:
        body.pop("sealed", None)
    return CATALOGUE.decode(name, json.dumps(body).encode())


def before(event: Event, name: str, *, erased: bool) -> list[Event]:
    """What opened the entry that an example changes, whichever section that is in."""
    refused = f"{name.split('.')[1]}.reaction-refused"
    openings = [f"caretrail.{opening}.v1" for opening in (*OPENINGS, refused)]
    found = [example(opening, erased=erased) for opening in openings if opening != name]
    if isinstance(event, intake.PatientTeamMemberLeft):
        joined = example("caretrail.intake.patient-team-member-joined.v1")
        found.append(replace(joined, member_id=event.member_id))
    return [replace(each, originator_id=event.originator_id) for each in found]


def a_result(item_9: int | None) -> QuestionnaireResult:
    answers = (1, 1, 1, 1, 1, 1, 1, 1, item_9)
    return QuestionnaireResult(instrument="PHQ9", answers=answers, rules_version="1", total=8)


def changes_a_record(event_class: type[Event]) -> bool:
    """All do but the opening of an empty record, and what belongs to no patient."""
    return not issubclass(event_class, (intake.ImportedRecordOpened, UpstreamReconciled))


class TestEveryType:
    def test_that_changes_a_record_is_folded(self):
        assert {event_class for event_class in CATALOGUE if changes_a_record(event_class)} == folded()

    @pytest.mark.parametrize("name", [name for name in CATALOGUE.types() if changes_a_record(CATALOGUE.class_of(name))])
    @pytest.mark.parametrize("erased", [False, True], ids=["whole", "erased"])
    def test_changes_what_is_shown(self, name: str, erased: bool):
        event = example(name, erased=erased)
        history = before(event, name, erased=erased)

        shown = PatientRecord.of([*history, event]).view()

        assert shown != PatientRecord.of(history).view()
        assert json.dumps(shown)

    @pytest.mark.parametrize("name", [name for name in CATALOGUE.types() if CATALOGUE.sensitive_fields(name)])
    def test_shows_nothing_that_was_erased(self, name: str):
        event = example(name, erased=True)

        shown = json.dumps(PatientRecord.of([*before(event, name, erased=True), event]).view())

        sealed = json.loads((EXAMPLES / f"{name}.json").read_bytes())["sealed"]
        words = [
            value
            for entry in sealed.values()
            for value in entry["open"].values()
            if isinstance(value, str) and value != "active"
        ]
        assert [word for word in words if f'"{word}"' in shown] == []


class TestAnAlert:
    def raised(self) -> Facts:
        by = NINE + timedelta(minutes=15)
        return Facts().add(
            monitoring.AlertRaised,
            level=AlertLevel.E1,
            trigger="SAME_DAY_SIGN",
            signs=("RF_PALP",),
            plan_id=THING,
            cause="check-in",
            acknowledge_by=by,
            rules_version="1",
        )

    def test_is_open_again_with_evidence_that_nobody_has_seen(self):
        facts = self.raised().add(monitoring.AlertAcknowledged, acknowledged_by="anna")
        anew = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

        alert = facts.add(
            monitoring.AlertEvidenceJoined, evidence="second", signs=("RF_DIZZY", "RF_PALP"), acknowledge_by=anew
        ).shown("alerts")

        assert (alert["status"], alert["acknowledge_by"]) == ("open", "2026-11-23T09:30:00Z")
        assert alert["signs"] == ["RF_PALP", "RF_DIZZY"]
        assert "acknowledged" not in alert

    def test_stays_as_it_stands_with_evidence_that_joins_before_anybody_took_it(self):
        alert = self.raised().add(monitoring.AlertEvidenceJoined, evidence="second", signs=()).shown("alerts")

        assert (alert["status"], alert["acknowledge_by"]) == ("open", "2026-11-23T09:15:00Z")
        assert [joined["evidence"] for joined in alert["evidence"]] == ["second"]

    def test_goes_up_a_level_with_every_time_that_passes_until_somebody_takes_it(self):
        first, second = NINE + timedelta(minutes=15), NINE + timedelta(minutes=30)
        facts = self.raised()
        overdue = {"level": AlertLevel.E0, "rules_version": "1"}

        once = facts.add(monitoring.AlertOverdue, missed=first, acknowledge_by=second, **overdue).shown("alerts")
        twice = facts.add(monitoring.AlertOverdue, missed=second, **overdue).shown("alerts")
        taken = facts.add(monitoring.AlertAcknowledged, acknowledged_by="erin").shown("alerts")

        assert (once["status"], once["level"], once["acknowledge_by"]) == ("overdue", "E0", "2026-11-23T09:30:00Z")
        assert (twice["status"], twice["acknowledge_by"]) == ("overdue", "2026-11-23T09:30:00Z")
        assert (taken["status"], len(taken["overdue"])) == ("acknowledged", 2)

    def test_shows_that_its_review_is_overdue_where_it_stands(self):
        alert = self.raised().add(monitoring.AlertReviewOverdue, missed=NINE).shown("alerts")

        assert (alert["status"], alert["review_overdue"]["missed"]) == ("open", "2026-11-23T09:00:00Z")

    def test_can_be_taken_and_closed_after_that(self):
        facts = self.raised().add(monitoring.AlertAcknowledged, acknowledged_by="anna")
        facts.add(monitoring.AlertEvidenceJoined, evidence="second", acknowledge_by=NINE + timedelta(hours=1))
        facts.add(monitoring.AlertAcknowledged, acknowledged_by="erin")

        alert = facts.add(monitoring.AlertResolved, resolved_by="erin", reason="Seen.").shown("alerts")

        assert (alert["status"], alert["acknowledged"]["acknowledged_by"]) == ("resolved", "erin")
        assert alert["resolved"]["reason"] == "Seen."


class TestASafetyFlag:
    def flagged(self, flag: str = "SI_POSITIVE") -> Facts:
        opened = Facts().add(intake.ScreeningOpened, reason="intake")
        return opened.add(intake.SafetyFlagRaised, flag=flag, instrument="PHQ9")

    def test_waits_until_it_is_assessed(self):
        (flag,) = self.flagged().shown("screenings")["safety_flags"]

        assert (flag["flag"], flag["by"], flag["at"]) == ("SI_POSITIVE", "anna", "2026-11-23T09:01:00Z")
        assert "hold" not in flag

    def test_is_shown_once_as_it_was_assessed(self):
        words = {"flag": "SI_POSITIVE", "hold": False, "assessment": "Safe today."}
        facts = self.flagged().add(intake.SafetyFlagAssessed, PAUL, **words)

        (flag,) = facts.shown("screenings")["safety_flags"]

        assert (flag["hold"], flag["assessment"], flag["by"]) == (False, "Safe today.", "paul")
        assert (flag["raised_by"], flag["raised_at"]) == ("anna", "2026-11-23T09:01:00Z")

    def test_is_shown_again_when_a_clinician_thinks_better_of_it(self):
        facts = self.flagged().add(intake.SafetyFlagAssessed, flag="SI_POSITIVE", hold=False, assessment="Safe today.")

        facts.add(intake.SafetyFlagAssessed, PAUL, flag="SI_POSITIVE", hold=True, assessment="Not safe.")

        assert [flag["hold"] for flag in facts.shown("screenings")["safety_flags"]] == [False, True]

    def test_waits_anew_when_it_is_raised_after_its_assessment(self):
        facts = self.flagged().add(intake.SafetyFlagAssessed, flag="SI_POSITIVE", hold=False, assessment="Safe today.")

        facts.add(intake.SafetyFlagRaised, flag="SI_POSITIVE", instrument="PHQ9")

        assert ["hold" in flag for flag in facts.shown("screenings")["safety_flags"]] == [True, False]

    @pytest.mark.parametrize(("item_9", "left"), [(0, []), (None, ["SI_UNKNOWN"])])
    def test_of_a_question_that_nobody_answered_ends_with_its_answer(self, item_9: int | None, left: list[str]):
        facts = self.flagged("SI_UNKNOWN").add(intake.QuestionnaireAnswered, instrument="PHQ9", result=a_result(item_9))

        assert [flag["flag"] for flag in facts.shown("screenings")["safety_flags"]] == left


class TestAReferral:
    def asked(self, **words: Any) -> Facts:
        said = {"kind": ReferralKind.URGENT_PHYSICIAN, "priority": Priority.URGENT, **words}
        return Facts().add(referral.ReferralRequested, POLICY, **said)

    @pytest.mark.parametrize("hears_back", [None, "kim"])
    def test_names_who_hears_back(self, hears_back: str | None):
        assert self.asked(requested_by=hears_back).shown("referrals")["requested_by"] == hears_back

    def test_shows_who_holds_it_the_day_they_set_and_the_report(self):
        facts = self.asked(first_visit_due=date(2026, 11, 25)).add(referral.ReferralReceived, PAUL, received_by="paul")
        accepted = {"kind": ReferralKind.URGENT_PHYSICIAN, "accepted_by": "paul", "role": CareRole.PHYSICIAN}
        facts.add(referral.ReferralAccepted, PAUL, **accepted, first_visit_due=date(2026, 11, 24))
        decided = {"kind": ReferralKind.URGENT_PHYSICIAN, "about": None, "reported_by": "paul"}
        facts.add(referral.ReferralReported, PAUL, **decided, outcome=ClearanceOutcome.NOT_CLEARED, note="Stop.")

        entry = facts.shown("referrals")

        assert (entry["status"], entry["provider"], entry["first_visit_due"]) == ("reported", "paul", "2026-11-24")
        assert (entry["report"]["outcome"], entry["report"]["note"]) == ("not-cleared", "Stop.")
        assert [step["status"] for step in entry["steps"]] == ["received", "accepted", "reported"]


class TestAProgram:
    def test_keeps_its_first_day_when_it_goes_on(self):
        facts = Facts().add(prescription.ProgramDrafted, statement="Beside treatment.", components=(), goals=())
        active = {"revision": 1, "basis": ("a-1",), "sessions_per_week": 3, "minutes_per_week": 90}
        facts.add(prescription.ProgramActivated, **active, starts_on=date(2026, 11, 24))
        facts.add(prescription.ProgramPaused, reason="Influenza.", needs_clearance=False)

        program = facts.add(prescription.ProgramResumed, basis=("a-1",), reason="Well again.").shown("programs")

        assert (program["status"], program["starts_on"]) == ("active", "2026-11-24")
        assert (program["paused"]["reason"], program["active"]["reason"]) == ("Influenza.", "Well again.")

    def test_shows_a_revision_whose_words_are_gone(self):
        facts = Facts().add(prescription.ProgramDrafted, statement="Beside treatment.")

        program = facts.add(prescription.ProgramRevised, revision=2, basis=("a-1",)).shown("programs")

        assert [revision["changes"] for revision in program["revisions"]] == [[], []]
        assert (program["revision"], program["revisions"][1]["basis"]) == (2, ("a-1",))


class TestACheckIn:
    def test_tells_whether_it_told_whom_to_call(self):
        plan = example("caretrail.monitoring.plan-opened.v1")
        told = replace(example("caretrail.monitoring.check-in-recorded.v1"), feels_unsafe=True, crisis_card=True)

        shown = PatientRecord.of([plan, told]).view()["monitoring"][0]["check_ins"][0]

        assert (shown["feels_unsafe"], shown["crisis_card"]) == (True, True)


class TestAPlan:
    def test_shows_how_it_ended(self):
        plan, closed = (example(f"caretrail.monitoring.plan-{word}.v1") for word in ("opened", "closed"))

        shown = PatientRecord.of([plan, replace(closed, discontinued=True)]).view()["monitoring"][0]

        assert (shown["status"], shown["closed"]["discontinued"]) == ("closed", True)


class TestARisk:
    def test_of_imported_history_shows_its_review(self):
        facts = Facts().add(intake.CurrentRiskFound, flag="SI_POSITIVE", stated_at=None)

        facts.add(intake.CurrentRiskReviewed, PAUL, outcome="In treatment.")

        found, _ = PatientRecord.of(facts.told).view()["imported"]
        assert (found["flag"], found["reviewed"]["outcome"], found["reviewed"]["by"]) == (
            "SI_POSITIVE",
            "In treatment.",
            "paul",
        )


class TestARefusedReaction:
    def refused(self) -> Facts:
        said = {"policy": "note_the_reading", "cause": "a-1", "cause_type": "b", "reason": "Too old."}
        return Facts().add(HistoryReactionRefused, POLICY, **said)

    def test_waits_for_a_coordinator(self):
        entry = self.refused().shown("refused_reactions")

        assert (entry["service"], entry["status"], entry["policy"], entry["reason"]) == (
            "history",
            "open",
            "note_the_reading",
            "Too old.",
        )

    def test_shows_how_it_was_settled(self):
        settled = CATALOGUE.class_of("caretrail.history.refusal-settled.v1")

        entry = self.refused().add(settled, resolution="Read by hand.").shown("refused_reactions")

        assert (entry["status"], entry["settled"]["resolution"], entry["settled"]["by"]) == (
            "settled",
            "Read by hand.",
            "anna",
        )


class TestAClearance:
    def test_stands_in_the_screening_as_of_when_it_was_decided(self):
        facts = Facts().add(intake.ScreeningOpened, reason="intake")
        decided = {"referral_id": THING, "outcome": ClearanceOutcome.CLEARED, "valid_until": None, "decided_by": "paul"}

        screening = facts.add(intake.ClearanceRecorded, **decided, intensity_cap=Intensity.LIGHT).shown("screenings")

        assert [(each["outcome"], each["at"]) for each in screening["clearances"]] == [
            ("cleared", "2026-11-23T09:01:00Z")
        ]


class TestATitle:
    @pytest.mark.parametrize(
        ("name", "title"),
        [
            ("caretrail.intake.patient-registered.v1", "Patient registered"),
            ("caretrail.referral.accepted.v1", "Referral accepted"),
            ("caretrail.monitoring.reaction-refused.v1", "Reaction refused"),
            ("caretrail.monitoring.check-in-recorded.v2", "Check-in recorded"),
            ("caretrail.intake.mental-health-referral-needed.v1", "Mental-health referral needed"),
        ],
    )
    def test_is_the_type_s_name_in_words(self, name: str, title: str):
        assert title_of(name) == title

    def test_is_there_for_every_type(self):
        assert all(title_of(name)[0].isupper() and "." not in title_of(name) for name in CATALOGUE.types())
