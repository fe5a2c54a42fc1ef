"""The frozen example of every type: what was once written is still read, written alike, and true to its schema."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from events.base import UNSET, Event
from events.vocabulary import CATALOGUE

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
TYPES = CATALOGUE.types()
SENSITIVE = [name for name in TYPES if CATALOGUE.sensitive_fields(name)]


def stored(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    return body


def read(name: str, body: dict[str, Any]) -> Event:
    return CATALOGUE.decode(name, json.dumps(body).encode())


def erased(name: str) -> dict[str, Any]:
    return {field: value for field, value in stored(name).items() if field != "sealed"}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(msgspec.json.encode(CATALOGUE.schema(name)))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


class TestTheExamples:
    def test_are_one_file_for_every_type_that_can_be_read(self):
        files = [path.name for path in EXAMPLES.iterdir()]

        assert sorted(files) == sorted(f"{name}.json" for name in CATALOGUE.readable())

    @pytest.mark.parametrize("name", CATALOGUE.readable())
    def test_say_their_own_type(self, name: str):
        assert stored(name)["type"] == name

    @pytest.mark.parametrize("name", CATALOGUE.readable())
    def test_are_read(self, name: str):
        assert isinstance(read(name, stored(name)), CATALOGUE.class_of(name))

    @pytest.mark.parametrize("name", TYPES)
    def test_are_written_again_with_the_same_bytes(self, name: str):
        compact = json.dumps(stored(name), separators=(",", ":"), ensure_ascii=False)

        assert CATALOGUE.encode(read(name, stored(name))) == compact.encode()

    @pytest.mark.parametrize("name", TYPES)
    def test_are_what_their_schema_says(self, name: str):
        validator(name).validate(stored(name))

    @pytest.mark.parametrize("name", SENSITIVE)
    def test_show_every_sensitive_field(self, name: str):
        opened = [field for entry in stored(name)["sealed"].values() for field in entry["open"]]

        assert sorted(opened) == sorted(CATALOGUE.sensitive_fields(name))


class TestAnExampleWithItsSensitiveFieldsGone:
    @pytest.mark.parametrize("name", TYPES)
    def test_is_read_without_them(self, name: str):
        event = read(name, erased(name))

        gone = CATALOGUE.sensitive_fields(name)
        assert all(getattr(event, field) is UNSET for field in gone)
        assert event.originator_version == stored(name)["originator_version"]

    @pytest.mark.parametrize("name", TYPES)
    def test_is_what_its_schema_says(self, name: str):
        validator(name).validate(erased(name))

    @pytest.mark.parametrize("name", TYPES)
    def test_is_written_again_as_little(self, name: str):
        assert json.loads(CATALOGUE.encode(read(name, erased(name)))) == erased(name)
