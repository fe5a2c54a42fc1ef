"""Given intake on a real log, when people use it, then what they did is there for the next who looks."""

from uuid import UUID

import pytest
from sqlalchemy import select

from events.intake import Identifier
from events.terms import CareRole
from services.intake.domain import Occasion, Patient, Screening
from services.intake.worklists import care_team, found_by, metadata, patients, screenings, screenings_of
from shared.eventlog import NotFound, Refused, VersionConflict
from tests.http.log import a_log
from tests.intake.at_once import at_once, one_refusal, two_desks
from tests.intake.given import (
    CALM,
    CORA,
    HEALTHY,
    NOW,
    PHIL,
    WELL,
    a_context,
    an_identity,
)

NOBODY = UUID(int=0)
MRN = Identifier(system="urn:example:mrn", value="4711")


def a_screening_ready_to_conclude(intake, patient):
    screening = intake.open_screening(a_context(), patient.id, Occasion.INTAKE)
    intake.record_medical_history(a_context(), screening.id, **HEALTHY)
    intake.record_questionnaire(a_context(), screening.id, "PHQ9", WELL)
    intake.record_questionnaire(a_context(), screening.id, "GAD7", CALM)
    vitals = {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False}
    return intake.record_vitals(a_context(), screening.id, **vitals)


def names(intake, search):
    return sorted(row["family_name"] for row in intake.query(found_by(search)))


class TestRegistering:
    def test_puts_the_patient_and_the_coordinator_on_the_worklists(self, intake):
        patient = intake.register(a_context(), an_identity())

        (member,) = intake.query(select(care_team))
        assert (member["patient_id"], member["member_id"], member["role"]) == (patient.id, CORA, "care-coordinator")
        assert (member["since"], member["until"]) == (NOW, None)

    def test_is_refused_for_a_number_that_somebody_has(self, intake):
        intake.register(a_context(), an_identity(identifiers=(MRN,)))

        with pytest.raises(Refused, match="patient already"):
            intake.register(a_context(), an_identity(identifiers=(MRN,)))

    def test_is_refused_to_the_slower_of_two_who_register_a_number_at_once(self, tmp_path):
        with two_desks(a_log(tmp_path / "shared.sqlite", metadata)) as desks:
            outcomes = at_once(
                lambda: desks[0].register(a_context(), an_identity(identifiers=(MRN,))),
                lambda: desks[1].register(a_context(), an_identity(identifiers=(MRN,))),
            )

            refusal = one_refusal(outcomes)
            assert (str(refusal), refusal.code) == ("Somebody with this number is a patient already.", "known-already")
            assert len(desks[0].query(select(patients))) == 1

    def test_takes_whoever_leaves_the_team_off_the_worklist(self, intake):
        patient = intake.register(a_context(), an_identity())
        intake.add_team_member(a_context(), patient.id, PHIL, CareRole.PHYSICIAN)

        intake.remove_team_member(a_context(), patient.id, PHIL, "locum ended")

        assert [row["member_id"] for row in intake.query(select(care_team))] == [CORA]


class TestSearching:
    @pytest.fixture(autouse=True)
    def _people(self, intake):
        intake.register(a_context(), an_identity(family_name="Müller", given_name="Anna Lena", identifiers=(MRN,)))
        intake.register(a_context(), an_identity(family_name="Mueller", given_name="Max"))
        intake.register(a_context(), an_identity(family_name="100%", given_name="Möglich"))

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            (None, ["100%", "Mueller", "Müller"]),
            ("mü", ["Müller"]),
            ("MU\u0308LLER", ["Müller"]),
            ("anna", ["Müller"]),
            ("Müller, Anna", ["Müller"]),
            ("anna lena müller", ["Müller"]),
            ("max mue", ["Mueller"]),
            ("lena", []),
            ("100%", ["100%"]),
            ("%", []),
            ("_ueller", []),
            ("4711", ["Müller"]),
            ("471", []),
            ("  ", []),
        ],
    )
    def test_finds_by_the_beginning_of_a_name_or_a_whole_number(self, intake, search, found):
        assert names(intake, search) == found


class TestScreenings:
    def test_are_opened_one_at_a_time(self, intake):
        patient = intake.register(a_context(), an_identity())
        intake.open_screening(a_context(), patient.id, Occasion.INTAKE)

        with pytest.raises(Refused, match="open already"):
            intake.open_screening(a_context(), patient.id, Occasion.INTAKE)

    def test_opened_by_two_at_once_meet_in_one_place(self, intake):
        patient = intake.register(a_context(), an_identity())
        other = Screening.open(intake.get(Patient, patient.id, a_context()), 1, Occasion.INTAKE)
        intake.open_screening(a_context(), patient.id, Occasion.INTAKE)

        with pytest.raises(VersionConflict):
            intake.save(other)

    def test_can_be_opened_again_after_a_conclusion(self, intake):
        patient = intake.register(a_context(), an_identity())
        first = a_screening_ready_to_conclude(intake, patient)
        intake.conclude(a_context(), first.id, first.version)

        intake.open_screening(a_context(), patient.id, Occasion.RE_SCREENING)

        listed = intake.query(screenings_of(patient.id).order_by(screenings.c.status))
        assert [(row["status"], row["permission"], row["intensity_cap"]) for row in listed] == [
            ("concluded", "ready", "moderate"),
            ("open", None, None),
        ]

    def test_are_concluded_as_they_were_read(self, intake):
        patient = intake.register(a_context(), an_identity())
        screening = a_screening_ready_to_conclude(intake, patient)
        intake.record_questionnaire(a_context(), screening.id, "GAD7", (3,) * 7)

        with pytest.raises(VersionConflict):
            intake.conclude(a_context(), screening.id, screening.version)

    def test_of_nobody_are_not_found(self, intake):
        with pytest.raises(NotFound):
            intake.open_screening(a_context(), NOBODY, Occasion.INTAKE)

    def test_show_how_many_flags_wait(self, intake):
        patient = intake.register(a_context(), an_identity())
        screening = intake.open_screening(a_context(), patient.id, Occasion.INTAKE)

        intake.record_questionnaire(a_context(), screening.id, "PHQ9", (None,) * 8 + (2,))

        assert [row["open_flags"] for row in intake.query(screenings_of(patient.id))] == [1]
