"""PHQ-9, PHQ-2 and GAD-7 in every form in which they are sent."""

import pytest

from services.intake.exchange import read_bundle
from tests.intake.exchange.fhir import PATIENT, bundle, concept, facts, observation, read, response, verdict_on

PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]


def answered(link, **value):
    return {"linkId": link, "answer": [value]}


def whole(codes, answers):
    return [answered(code, valueInteger=answer) for code, answer in zip(codes, answers, strict=True)]


def only(*resources):
    [questionnaire] = facts(*resources).questionnaires
    return questionnaire


class TestLoneTotal:
    @pytest.mark.parametrize(
        ("code", "instrument", "total"), [("44261-6", "PHQ9", 27), ("70274-6", "GAD7", 21), ("55758-7", "PHQ2", 6)]
    )
    def test_is_kept_without_items(self, code, instrument, total):
        questionnaire = only(observation(code, valueQuantity={"value": total, "code": "{score}"}))

        assert (questionnaire.instrument, questionnaire.stated_total) == (instrument, total)
        assert (questionnaire.items, questionnaire.recomputed_total, questionnaire.contradicts) == ((), None, False)

    @pytest.mark.parametrize(
        ("code", "value"), [("44261-6", 28), ("70274-6", 22), ("55758-7", 7), ("44261-6", 4.5), ("44261-6", -1)]
    )
    def test_that_cannot_be_is_refused(self, code, value):
        assert verdict_on(observation(code, valueQuantity={"value": value})).outcome == "refused"


class TestResponse:
    def test_gives_the_items_in_their_order_by_loinc_answers(self):
        answers = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9", "LA6568-5", "LA6569-3", "LA6570-1"]
        items = [
            answered(f"/69737-5/{code}", valueCoding={"system": "http://loinc.org", "code": answer})
            for code, answer in zip(GAD7, answers, strict=True)
        ]

        questionnaire = only(response(*reversed(items)))

        assert questionnaire.instrument == "GAD7"
        assert [(item.number, item.loinc, item.answer) for item in questionnaire.items] == [
            (1, "69725-0", 0), (2, "68509-9", 1), (3, "69733-4", 2), (4, "69734-2", 3),
            (5, "69735-9", 0), (6, "69689-8", 1), (7, "69736-7", 2),
        ]  # fmt: skip
        assert questionnaire.recomputed_total == 9

    @pytest.mark.parametrize(
        "value",
        [
            {"valueInteger": 2},
            {"valueDecimal": 2.0},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6570-1"}},
            {
                "valueCoding": {
                    "code": "two",
                    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 2}],
                }
            },
        ],
    )
    def test_takes_an_answer_in_any_of_its_forms(self, value):
        questionnaire = only(response(answered("/44260-8", **value)))

        assert [(item.number, item.answer) for item in questionnaire.items] == [(9, 2)]

    def test_is_read_by_item_code_and_through_nested_groups(self):
        inner = {"linkId": "q9", "code": concept("44260-8")["coding"], "answer": [{"valueInteger": 1}]}
        outer = {"linkId": "g", "item": [{"linkId": "h", "answer": [{"valueBoolean": True, "item": [inner]}]}]}

        assert only(response(outer)).items[0].number == 9

    def test_keeps_a_contradicting_total_beside_the_sum(self):
        questionnaire = only(response(*whole(PHQ9, [1, 1, 1, 1, 1, 1, 1, 1, 0]), answered("/44261-6", valueDecimal=5)))

        assert (questionnaire.stated_total, questionnaire.recomputed_total, questionnaire.contradicts) == (5, 8, True)

    def test_does_not_call_an_agreeing_total_a_contradiction(self):
        questionnaire = only(response(*whole(PHQ9, [1, 1, 1, 1, 1, 1, 1, 1, 0]), answered("/44261-6", valueDecimal=8)))

        assert (questionnaire.stated_total, questionnaire.recomputed_total, questionnaire.contradicts) == (8, 8, False)

    @pytest.mark.parametrize(("stated", "contradicts"), [(7, True), (8, False), (11, False), (12, True)])
    def test_with_one_item_missing_allows_what_that_item_could_add(self, stated, contradicts):
        questionnaire = only(response(*whole(PHQ9[:8], [1] * 8), answered("44261-6", valueInteger=stated)))

        assert (questionnaire.recomputed_total, questionnaire.contradicts) == (None, contradicts)

    @pytest.mark.parametrize(
        ("code", "difficulty"), [("LA6572-7", 0), ("LA6573-5", 1), ("LA6575-0", 2), ("LA6574-3", 3)]
    )
    def test_reads_difficulty_in_its_own_order(self, code, difficulty):
        hard = answered("/69722-7", valueCoding={"system": "http://loinc.org", "code": code})

        assert only(response(answered("/44250-9", valueInteger=0), hard)).difficulty == difficulty

    def test_of_two_instruments_becomes_two(self):
        found = facts(response(*whole(PHQ9, [0] * 9), *whole(GAD7, [3] * 7))).questionnaires

        assert [(each.instrument, each.recomputed_total) for each in found] == [("PHQ9", 0), ("GAD7", 21)]
        assert found[0].identity != found[1].identity

    def test_of_two_items_is_phq2_where_it_says_so(self):
        items = whole(PHQ9[:2], [3, 2])

        assert only(response({"linkId": "/55757-9", "item": items})).instrument == "PHQ2"
        assert only(response(*items)).instrument == "PHQ9"

    @pytest.mark.parametrize(
        "item",
        [
            answered("/44260-8", valueInteger=4),
            answered("/44260-8", valueInteger=-1),
            answered("/44260-8", valueDecimal=1.5),
            answered("/44260-8", valueString="often"),
            answered("/44260-8", valueCoding={"system": "http://loinc.org", "code": "LA6575-0"}),
            {"linkId": "/44260-8", "answer": [{"valueInteger": 0}, {"valueInteger": 3}]},
        ],
    )
    def test_with_an_unclear_answer_is_refused_and_never_clamped(self, item):
        verdict = verdict_on(response(item))

        assert (verdict.outcome, "44260-8" in verdict.reason) == ("refused", True)

    def test_with_an_empty_answer_leaves_the_item_out(self):
        empty = {"linkId": "/44260-8", "answer": []}

        assert [item.number for item in only(response(*whole(PHQ9[:1], [1]), empty)).items] == [1]

    @pytest.mark.parametrize("status", ["in-progress", "entered-in-error"])
    def test_that_is_unfinished_or_wrong_is_left(self, status):
        verdict = verdict_on(response(answered("/44260-8", valueInteger=3), status=status))

        assert (verdict.outcome, verdict.reason) == ("left", f"Its status is {status}.")

    def test_of_another_questionnaire_is_left(self):
        verdict = verdict_on(response(answered("/88122-7", valueInteger=1)))

        assert (verdict.outcome, verdict.reason) == ("left", "It holds no answer to PHQ-9, PHQ-2 or GAD-7.")

    def test_without_a_time_is_refused(self):
        assert verdict_on(response(answered("/44260-8", valueInteger=0), authored=None)).outcome == "refused"


def panel(*members, **fields):
    return observation("44249-1", hasMember=[{"reference": f"Observation/o-{code}"} for code in members], **fields)


def item_observation(code, answer, **fields):
    return observation(code, valueCodeableConcept=concept(answer), **fields)


class TestPanel:
    def test_collects_its_members_and_their_verdicts(self):
        members = [item_observation(code, "LA6569-3") for code in PHQ9]
        total = observation("44261-6", valueInteger=12)

        reading = read(*members, panel(*PHQ9, "44261-6"), total)

        [questionnaire] = reading.patients[0].questionnaires
        assert (questionnaire.recomputed_total, questionnaire.stated_total, questionnaire.contradicts) == (9, 12, True)
        assert {verdict.outcome.value for verdict in reading.verdicts} == {"taken"}
        assert {verdict.identities for verdict in reading.verdicts[1:]} == {(questionnaire.identity,)}
        assert reading.verdicts[1].reason == "Read as part of Observation/o-44249-1."

    def test_reads_components_as_well(self):
        components = [{"code": concept(code), "valueInteger": 1} for code in GAD7]

        questionnaire = only(
            observation("69737-5", component=[*components, {"code": concept("70274-6"), "valueInteger": 7}])
        )

        assert (questionnaire.instrument, questionnaire.recomputed_total, questionnaire.stated_total) == ("GAD7", 7, 7)

    def test_total_may_itself_name_the_items(self):
        members = [item_observation(code, "LA6571-9") for code in PHQ9]
        total = observation(
            "44261-6", valueInteger=27, hasMember=[{"reference": f"Observation/o-{code}"} for code in PHQ9]
        )

        questionnaire = only(total, *members)

        assert (questionnaire.recomputed_total, questionnaire.stated_total) == (27, 27)

    def test_lets_a_wrongly_entered_member_out(self):
        wrong = item_observation("44260-8", "LA6571-9", status="entered-in-error")

        reading = read(panel("44250-9", "44260-8"), item_observation("44250-9", "LA6569-3"), wrong)

        assert [item.number for item in reading.patients[0].questionnaires[0].items] == [1]
        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "taken", "taken", "left"]

    def test_with_an_unreadable_member_is_refused_with_all_members(self):
        reading = read(
            panel("44250-9", "44255-8"), item_observation("44250-9", "LA1-1"), item_observation("44255-8", "LA6568-5")
        )

        assert [verdict.outcome.value for verdict in reading.verdicts[1:]] == ["refused"] * 3
        assert reading.patients[0].questionnaires == ()

    def test_with_an_absent_member_is_refused(self):
        reading = read(panel("44250-9", "44260-8"), item_observation("44250-9", "LA6569-3"))

        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken", "refused", "refused"]
        assert "not in this document" in reading.verdicts[1].reason

    def test_of_another_patient_s_answers_is_refused(self):
        other = {**PATIENT, "id": "p2", "identifier": [{"system": "http://clinic.example", "value": "4712"}]}
        member = item_observation("44250-9", "LA6569-3", subject={"reference": "Patient/p2"})

        reading = read_bundle(bundle(PATIENT, other, panel("44250-9"), member))

        assert "another patient" in reading.verdicts[2].reason
        assert [person.questionnaires for person in reading.patients] == [(), ()]

    def test_may_go_round_in_circles(self):
        members = [{"reference": "Observation/o-44249-1"}, {"reference": "Observation/o-44261-6"}]
        total = observation("44261-6", valueInteger=3, hasMember=members)

        reading = read(panel("44261-6", "44249-1"), total)

        assert [questionnaire.stated_total for questionnaire in reading.patients[0].questionnaires] == [3]
        assert [verdict.outcome.value for verdict in reading.verdicts] == ["taken"] * 3

    def test_item_without_a_panel_is_not_lost(self):
        questionnaire = only(item_observation("44260-8", "LA6570-1"))

        assert [(item.number, item.answer) for item in questionnaire.items] == [(9, 2)]
