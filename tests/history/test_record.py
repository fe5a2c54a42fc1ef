"""The record as of a moment: what it shows, how it is repeated, and when it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from events import referral
from services.history.application import BadVector
from shared.eventlog import NotFound
from tests.history.trail import NINE, Trail, screened_and_referred, trail


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Trail]:
    with trail(tmp_path) as opened:
        yield opened


class TestTheRecord:
    def test_shows_the_patient_as_they_were_at_a_moment(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        then = told.history.record_as_of(told.patient, NINE + timedelta(minutes=3, seconds=30)).record

        assert then["patient"]["family_name"] == "Marsh"
        assert [member["member_id"] for member in then["care_team"]] == ["anna"]
        assert [screening["status"] for screening in then["screenings"]] == ["open"]
        assert then["referrals"] == []

    def test_shows_every_step_up_to_now(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        now = told.history.record_as_of(told.patient, None).record

        assert now["screenings"][0]["conclusion"]["permission"] == "clearance-needed"
        assert [step["status"] for step in now["referrals"][0]["steps"]] == ["accepted"]
        assert now["referrals"][0]["status"] == "accepted"

    def test_includes_a_fact_recorded_at_that_very_moment_and_none_after_it(self, told: Trail):
        facts = screened_and_referred(told)
        told.tell()

        at = told.history.record_as_of(told.patient, facts["accepted"].recorded_at).record
        before = told.history.record_as_of(told.patient, facts["accepted"].recorded_at - timedelta(microseconds=1))

        assert at["referrals"][0]["status"] == "accepted"
        assert before.record["referrals"][0]["status"] == "requested"

    def test_is_the_same_again_by_its_vector_whatever_came_later(self, told: Trail):
        facts = screened_and_referred(told)
        told.tell()
        first = told.history.record_as_of(told.patient, None)
        told.record("referral", referral.ReferralCompleted, facts["accepted"].originator_id, completed_by="paul")
        told.tell()

        again = told.history.record_at(told.patient, first.vector)

        assert (again.record, again.vector) == (first.record, first.vector)
        assert told.history.record_as_of(told.patient, None).record["referrals"][0]["status"] == "completed"

    def test_of_an_unknown_patient_is_not_there(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        with pytest.raises(NotFound):
            told.history.record_as_of(uuid4(), None)

    def test_before_the_first_fact_is_not_there(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        with pytest.raises(NotFound):
            told.history.record_as_of(told.patient, NINE)

    @pytest.mark.parametrize("vector", ["", "intake", "intake:x", "intake:1", "intake:1,intake:2", "x:1,y:2,z:3,w:4"])
    def test_by_a_vector_that_history_never_gave_is_refused(self, told: Trail, vector: str):
        screened_and_referred(told)
        told.tell()

        with pytest.raises(BadVector):
            told.history.record_at(told.patient, vector)


class TestComplete:
    def test_when_every_service_was_taken_up_to_its_head(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        found = told.history.record_as_of(told.patient, None)

        assert (found.complete, found.behind) == (True, ())

    def test_not_while_a_service_has_more_than_history_knows(self, told: Trail):
        screened_and_referred(told)
        told.tell("intake", "prescription", "monitoring")

        found = told.history.record_as_of(told.patient, None)

        assert (found.complete, found.behind) == (False, ("referral",))
        assert found.record["referrals"] == []

    def test_not_while_a_service_does_not_answer(self, told: Trail):
        screened_and_referred(told)
        told.tell()
        told.feeds["monitoring"].away = True

        found = told.history.record_as_of(told.patient, None)

        assert (found.complete, found.behind) == (False, ("monitoring",))

    def test_not_for_a_moment_that_has_not_come(self, told: Trail):
        screened_and_referred(told)
        told.tell()

        found = told.history.record_as_of(told.patient, told.clock.now + timedelta(days=1))

        assert found.complete is False

    def test_stays_true_for_a_past_moment_whatever_comes_later(self, told: Trail):
        facts = screened_and_referred(told)
        told.tell()
        moment = told.clock.now
        first = told.history.record_as_of(told.patient, moment)
        told.record("referral", referral.ReferralCompleted, facts["accepted"].originator_id, completed_by="paul")
        told.tell()

        again = told.history.record_as_of(told.patient, moment)

        assert (first.complete, again.complete) == (True, True)
        assert again.record == first.record
