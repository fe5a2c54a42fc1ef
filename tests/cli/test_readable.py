"""How the terminal shows history's answers."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from services.cli.readable import plain, record_lines, timeline_table

ANNA = {"id": "anna", "role": "care-coordinator", "on_behalf_of": None}
RULE = {
    "id": "policy:referral.request_the_physicians_clearance",
    "role": "service",
    "on_behalf_of": "0f8fad5b-d9cb-469f-a165-70867728950e",
}


def a_fact(number: int, type: str = "caretrail.intake.clearance-needed.v1", **changed: Any) -> dict[str, Any]:
    """A row of a timeline."""
    row = {"event_id": f"e-{number}", "type": type, "reason": None, "caused_by": "a request", "actor": ANNA}
    moment = "2026-11-23T12:00:00Z"
    return {**row, "recorded_at": moment, "occurred_at": moment, **changed}


def shown(*facts: dict[str, Any]) -> str:
    """Give the table as it is printed on 100 columns."""
    page = StringIO()
    Console(width=100, file=page).print(timeline_table(facts))
    return page.getvalue()


class TestTheTimeline:
    def test_takes_its_titles_from_history_where_it_gives_them(self):
        assert "A physician must agree" in shown(a_fact(1, title="A physician must agree"))

    def test_makes_titles_of_types_otherwise(self):
        assert "Clearance needed" in shown(a_fact(1))
        assert "Referral accepted" in shown(a_fact(1, "caretrail.referral.accepted.v1"))

    def test_names_the_rule_and_the_fact_that_led_to_another(self):
        table = shown(a_fact(1), a_fact(2, "caretrail.referral.requested.v1", actor=RULE, caused_by="e-1"))

        assert "CareTrail, for" in table
        assert "0f8fad5b" in table
        assert "0f8fad5b-" not in table
        assert "by rule: request" in table
        assert "because of 1" in table

    def test_tells_when_something_happened_before_it_was_recorded(self):
        assert "happened" not in shown(a_fact(1, occurred_at="2026-11-23T11:59:30Z"))
        assert "happened 2026-11-20" in shown(a_fact(1, occurred_at="2026-11-20T08:00:00Z"))

    def test_shows_repeated_facts_of_our_own_one_by_one(self):
        assert "times)" not in shown(a_fact(1), a_fact(2))


class TestTheRecord:
    def test_says_not_known_of_what_was_erased(self):
        record = {
            "as_of": "2026-11-23T12:00:00Z",
            "vector": "intake:1",
            "complete": False,
            "behind": ["intake"],
            "patient": {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        }

        assert [*record_lines(record)] == [
            "not known, born not known, not known",
            "As of 2026-11-23T12:00:00Z, not final yet: intake may still add to it",
            "The same again: --vector intake:1",
        ]


class TestPlainText:
    def test_holds_nothing_that_a_terminal_obeys(self):
        assert plain("\x1b[2Jcalm\x07\nand well") == "[2Jcalm\nand well"
