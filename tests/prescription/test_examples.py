"""Every frozen example of prescription loads, whole and with its sensitive fields gone."""

import json
from pathlib import Path

import pytest

from events.base import Event
from events.vocabulary import CATALOGUE
from services.prescription.domain import Program
from services.prescription.worklists import PROGRAMS
from shared.messaging import REFUSED_REACTIONS, Refusal

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
OWN = [name for name in CATALOGUE.types() if name.startswith("caretrail.prescription.")]
DRAFTED = "caretrail.prescription.program-drafted.v1"
REFUSED = "caretrail.prescription.reaction-refused.v1"
LIFE = ("drafted", "activated", "revised", "paused", "resumed", "completed")


def example(name: str, *, erased: bool = False) -> Event:
    body = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    if erased:
        body.pop("sealed", None)
    return CATALOGUE.decode(name, json.dumps(body).encode())


def the_life(*, erased: bool) -> list[Event]:
    return [example(f"caretrail.prescription.program-{word}.v1", erased=erased) for word in LIFE]


class TestEachExample:
    @pytest.mark.parametrize("name", OWN)
    def test_is_applied_with_its_sensitive_fields_gone(self, name: str):
        event = example(name, erased=True)
        of_a_program = name.split(".")[2].startswith("program-")
        first = example(DRAFTED if of_a_program else REFUSED, erased=True)
        history = [event] if type(event) is type(first) else [first, event]

        loaded = (Program if of_a_program else Refusal).load(history, None)
        rows = (PROGRAMS if of_a_program else REFUSED_REACTIONS).change(loaded).rows

        assert len(rows) == (0 if name.endswith("refusal-settled.v1") else 1)


class TestTheExamplesTogether:
    def test_tell_one_program_from_draft_to_completion(self):
        program = Program.load(the_life(erased=False), None)

        assert program is not None
        assert (program.status, program.revision, program.version) == ("completed", 2, 6)
        assert [change.path for change in program.revision_number(2).changes] == ["components.0.minutes"]

    def test_tell_it_without_a_word_about_the_patient_once_that_was_erased(self):
        program = Program.load(the_life(erased=True), None)

        assert program is not None
        assert (program.status, program.components, program.goals) == ("completed", (), ())
