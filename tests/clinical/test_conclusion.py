"""The conclusion of a screening: the most restrictive of each wins, and every gate is named."""

from datetime import date

import pytest

from shared.clinical.conclusion import Cap, ConditionCode, Permission, conclude
from shared.clinical.preparticipation import Wish, acsm_gate
from shared.clinical.refusals import ConclusionRefused
from shared.clinical.rules import Rules
from shared.clinical.severity import Severity, severity_gates
from shared.clinical.vitals import Vitals, vitals_gate

TODAY = date(2026, 11, 23)
LM, V = Wish.LIGHT_MODERATE, Wish.VIGOROUS
READY, CLEARANCE, HOLD = Permission.READY, Permission.CLEARANCE_NEEDED, Permission.HOLD


def gates_of(*, disease=False, systolic=120, phq9=3):
    """ACSM, vitals and severity gates of one screening."""
    return (
        acsm_gate(active=True, disease=disease, symptoms=False, wish=V, on=TODAY),
        vitals_gate([Vitals(systolic=systolic, diastolic=80, rate=70)], symptoms=False),
        *severity_gates(Severity(phq9=phq9, gad7=3, item_9=0)),
    )


class TestConclusion:
    def test_is_ready_and_vigorous_when_nothing_stands_against_it(self):
        conclusion = conclude(gates_of())

        assert (conclusion.permission, conclusion.cap) == (READY, Cap.VIGOROUS)
        assert [condition.code for condition in conclusion.conditions] == [ConditionCode.PROGRESS_GRADUALLY]
        assert conclusion.rule_set == "2026-11-23"

    def test_takes_the_most_restrictive_of_each(self):
        conclusion = conclude(gates_of(disease=True, systolic=165, phq9=17))

        assert (conclusion.permission, conclusion.cap) == (READY, Cap.LIGHT)
        assert conclusion.demands(ConditionCode.CLEARANCE_FOR_VIGOROUS)
        assert conclusion.demands(ConditionCode.ACTIVE_TREATMENT).within_days == 7
        assert conclusion.demands(ConditionCode.ACTIVE_TREATMENT).reason == "SEVERITY_ADJUNCT_TREATED"

    def test_holds_when_one_gate_holds_and_still_asks_for_clearance(self):
        inactive = acsm_gate(active=False, disease=True, symptoms=False, wish=LM, on=TODAY)

        conclusion = conclude([*gates_of(phq9=20)[1:], inactive])

        assert (conclusion.permission, conclusion.cap) == (HOLD, Cap.NONE)
        assert conclusion.demands(ConditionCode.PHYSICIAN_CLEARANCE)
        assert "SEVERITY_COSIGN" in conclusion.reasons

    def test_names_source_and_reason_of_every_gate(self):
        conclusion = conclude(gates_of())

        assert all(gate.reason and gate.source for gate in conclusion.gates)
        assert len(conclusion.gates) == 3

    def test_is_refused_while_a_gate_is_missing(self):
        with pytest.raises(ConclusionRefused, match="severity, vitals"):
            conclude(gates_of()[:1])

    def test_is_refused_across_rule_sets(self):
        with pytest.raises(ConclusionRefused, match="clinic-1"):
            conclude(gates_of(), rules=Rules(version="clinic-1"))

    def test_orders_permissions_and_caps_by_meaning_not_by_spelling(self):
        assert READY < CLEARANCE < HOLD
        assert Cap.NONE < Cap.LIGHT < Cap.MODERATE < Cap.VIGOROUS
        assert max(Cap.NONE, Cap.LIGHT) is Cap.LIGHT
        assert min(Cap.VIGOROUS, Cap.MODERATE) is Cap.MODERATE
