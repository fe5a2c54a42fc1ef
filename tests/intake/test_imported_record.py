"""Given history from another system, when it is taken in, then it is marked, kept once, and never acts by itself."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from events.terms import Coded
from services.intake.domain import Stated
from shared.eventlog import Refused
from tests.intake.given import NOW, a_context, a_record, recorded, replayed

LAST_MAY = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
LAST_JUNE = datetime(2026, 6, 4, 10, 30, tzinfo=UTC)
YEARS_AGO = datetime(2019, 5, 4, 10, 30, tzinfo=UTC)
ASTHMA = Coded(display="Asthma", code="195967001", system="http://snomed.info/sct")


def stated(identity="a", at=LAST_MAY):
    return Stated(identity=identity, at=at)


def a_record_with(answers=None, stated_total=None, at=LAST_MAY, identity="a", instrument="PHQ9", record=None):
    record = record or a_record()
    given = {} if answers is None else dict(enumerate(answers, 1))
    given = {number: answer for number, answer in given.items() if answer is not None}
    record.take_questionnaire(stated(identity, at), instrument, given, None, stated_total, contradicts=False)
    record.look_for_current_risk()
    return record


class TestImportedFacts:
    def test_are_marked_and_stand_at_the_time_when_they_were_true(self):
        record = a_record()

        record.take_condition(stated(at=YEARS_AGO), ASTHMA, "active", "2019-05-04")

        fact = record.pending[-1]
        assert (fact.imported, fact.occurred_at) == (True, YEARS_AGO)

    def test_without_a_time_stand_at_the_import(self):
        record = a_record()

        record.take_allergy(stated(at=None), Coded(display="Peanut"), None)

        assert record.pending[-1].occurred_at == NOW

    def test_are_kept_once(self):
        record = a_record()

        for _ in range(2):
            record.take_medication(stated(), Coded(display="Sertraline 50 MG"), "active")
            record.take_measure(stated("b"), "blood-pressure", "mm[Hg]", Decimal("128.0"), Decimal("78"))

        assert recorded(record) == ["ImportedRecordOpened", "MedicationImported", "MeasureImported"]

    def test_are_the_same_after_a_replay(self):
        record = a_record_with((1, 1, 0, 0, 0, 0, 0, 0, 1))

        again = replayed(record)

        assert (again.identities, again.open_risks) == ({"a"}, record.open_risks)


class TestAnImportedQuestionnaire:
    def test_keeps_the_stated_total_and_recomputes_ours(self):
        record = a_record()

        record.take_questionnaire(stated(), "GAD7", {1: 2, 2: 2, 3: 1, 4: 1, 5: 0, 6: 0, 7: 0}, None, 9, True)

        event = record.questionnaires[0]
        assert (event.result.stated_total, event.result.total, event.contradicts) == (9, 6, True)

    def test_has_a_stated_total_only_where_it_has_no_items(self):
        record = a_record_with(stated_total=12)

        result = record.questionnaires[0].result
        assert (result.total, result.stated_total, result.band, result.missing) == (None, 12, "moderate", 9)

    def test_is_refused_with_an_answer_that_nobody_offers(self):
        with pytest.raises(Refused, match="PHQ9 item 1"):
            a_record_with((7,))


class TestACurrentRisk:
    def test_is_found_where_the_latest_phq_9_names_thoughts_of_death(self):
        record = a_record_with((1, 1, 0, 0, 0, 0, 0, 0, 1))

        found = record.pending[-1]
        assert (type(found).__name__, found.flag, found.stated_at) == ("CurrentRiskFound", "SI_POSITIVE", LAST_MAY)
        assert not found.imported

    @pytest.mark.parametrize(("total", "found"), [(19, []), (20, ["PHQ9_SEVERE"])])
    def test_is_found_from_a_total_of_20(self, total, found):
        assert [risk.flag for risk in a_record_with(stated_total=total).open_risks] == found

    def test_is_not_found_after_twelve_months(self):
        at = datetime(2025, 11, 22, tzinfo=UTC)

        assert a_record_with((0, 0, 0, 0, 0, 0, 0, 0, 3), at=at).open_risks == []

    def test_is_judged_by_the_latest_answer_whatever_the_order(self):
        record = a_record_with((0, 0, 0, 0, 0, 0, 0, 0, 0), at=LAST_JUNE, identity="june")

        a_record_with((0, 0, 0, 0, 0, 0, 0, 0, 2), at=LAST_MAY, identity="may", record=record)

        assert record.open_risks == []

    def test_is_not_hidden_by_a_later_form_without_an_answer(self):
        record = a_record_with((0, 0, 0, 0, 0, 0, 0, 0, 2), at=LAST_MAY, identity="may")

        a_record_with((1, 1, 0, 0, 0, 0, 0, 0, None), at=LAST_JUNE, identity="june", record=record)

        assert [risk.flag for risk in record.open_risks] == ["SI_POSITIVE"]

    def test_is_judged_by_the_worse_of_two_totals_that_contradict_each_other(self):
        record = a_record_with((0, 0, 0, 0, 0, 0, 0, 0, 0), stated_total=21)

        assert [risk.flag for risk in record.open_risks] == ["PHQ9_SEVERE"]

    def test_of_another_questionnaire_is_none(self):
        assert a_record_with((3, 3, 3, 3, 3, 3, 3), instrument="GAD7").open_risks == []

    def test_is_found_once_even_after_its_review(self):
        record = a_record_with(stated_total=24)
        record.context = a_context("phil", "physician")

        record.review_risk("Seen yesterday; in treatment, safe.")
        record.look_for_current_risk()

        assert recorded(record)[2:] == ["CurrentRiskFound", "CurrentRiskReviewed"]
        assert record.open_risks == []

    def test_is_reviewed_only_while_it_stands(self):
        with pytest.raises(Refused, match="No current risk"):
            a_record().review_risk("nothing")
