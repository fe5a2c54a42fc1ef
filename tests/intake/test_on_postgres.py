"""Given intake on PostgreSQL, when it is used from a registration to an import, then it says the same as on SQLite."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from events.intake import Identifier
from events.vocabulary import CATALOGUE
from services.intake.application import Intake
from services.intake.domain import Occasion
from services.intake.worklists import care_team, current_risks, found_by, metadata, patients, screenings_of
from shared.eventlog import Refused, migrate, open_log
from tests.intake.at_once import at_once, one_refusal, two_desks
from tests.intake.given import CALM, CORA, HEALTHY, NOW, WELL, a_context, an_identity
from tests.intake.test_imports import a_person, a_phq9_total, a_weight, sent
from tests.servers import database_name, fresh_database, url_as_role


@pytest.fixture
def postgres_url(postgres_admin_url: str) -> Iterator[str]:
    """The address of an empty log in a database of its own, as intake's own role."""
    with fresh_database(postgres_admin_url) as superuser:
        url = url_as_role(superuser, f"{database_name(superuser)}_intake", "sesame")
        migrate(url, superuser, metadata)
        yield url


@pytest.fixture
def intake_on_postgres(postgres_url: str) -> Iterator[Intake]:
    """Intake on an empty log."""
    intake = Intake(open_log(postgres_url, clock=lambda: NOW), CATALOGUE)
    yield intake
    intake.close()


class TestOnPostgres:
    def test_a_patient_is_registered_found_and_screened(self, intake_on_postgres: Intake):
        intake, number = intake_on_postgres, Identifier(system="urn:example:mrn", value="4711")
        patient = intake.register(a_context(), an_identity(family_name="Müller", identifiers=(number,)))
        screening = intake.open_screening(a_context(), patient.id, Occasion.INTAKE)
        intake.record_medical_history(a_context(), screening.id, **HEALTHY)
        intake.record_questionnaire(a_context(), screening.id, "PHQ9", WELL)
        intake.record_questionnaire(a_context(), screening.id, "GAD7", CALM)
        vitals = {"systolic": 128, "diastolic": 78, "resting_heart_rate": 72, "with_symptoms": False}
        ready = intake.record_vitals(a_context(), screening.id, **vitals)

        intake.conclude(a_context(), screening.id, ready.version)

        for search in ("MÜ", "mira mü", "4711"):
            assert [row["aggregate_id"] for row in intake.query(found_by(search))] == [patient.id]
        assert intake.query(found_by("_")) == []
        (listed,) = intake.query(screenings_of(patient.id))
        assert (listed["permission"], listed["concluded_at"]) == ("ready", NOW)
        (member,) = intake.query(select(care_team))
        assert (member["member_id"], member["since"], member["until"]) == (CORA, NOW, None)
        with pytest.raises(Refused, match="patient already"):
            intake.register(a_context(), an_identity(identifiers=(number,)))

    def test_the_slower_of_two_who_register_a_number_at_once_is_refused(self, postgres_url: str):
        number = Identifier(system="urn:example:mrn", value="4711")
        with two_desks(postgres_url) as desks:
            outcomes = at_once(
                lambda: desks[0].register(a_context(), an_identity(identifiers=(number,))),
                lambda: desks[1].register(a_context(), an_identity(identifiers=(number,))),
            )

            assert one_refusal(outcomes).code == "known-already"
            assert len(desks[0].query(select(patients))) == 1

    def test_history_is_imported_once_and_its_risk_waits(self, intake_on_postgres: Intake):
        intake = intake_on_postgres

        first = sent(intake, a_person(), a_weight(), a_phq9_total(22, id="o3"))
        position = intake.recorder.max_notification_id()
        sent(intake, a_person(), a_weight(), a_phq9_total(22, id="o3"))

        assert first.patients[0].taken == 2
        assert intake.recorder.max_notification_id() == position
        assert [row["flag"] for row in intake.query(select(current_risks))] == ["PHQ9_SEVERE"]
