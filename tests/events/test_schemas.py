"""The JSON Schema of a type describes the bodies that are really stored."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from events.base import UNSET, Category, Event, Instant, Sensitive
from events.catalogue import Catalogue
from tests.events.test_bodies import CATALOGUE, FRAME, NINE, ORDER, PAID, a_payment, an_order


def validator(catalogue: Catalogue, name: str) -> Draft202012Validator:
    schema = json.loads(msgspec.json.encode(catalogue.schema(name)))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


class TestSchema:
    @pytest.mark.parametrize("name", [ORDER, PAID])
    def test_is_named_after_its_type_and_draft(self, name):
        schema = CATALOGUE.schema(name)

        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"urn:{name}"

    @pytest.mark.parametrize(
        "event",
        [
            an_order(),
            an_order(customer=UNSET, born=UNSET, wish=UNSET, called_at=UNSET),
            an_order(born=None),
            a_payment(),
        ],
        ids=["whole", "sealed gone", "none", "clear"],
    )
    def test_takes_what_is_stored(self, event):
        name = CATALOGUE.name_of(type(event))

        validator(CATALOGUE, name).validate(json.loads(CATALOGUE.encode(event)))

    @pytest.mark.parametrize(
        "change",
        [
            {"type": PAID},
            {"due": "soon"},
            {"flour": "spelt"},
            {"originator_id": 7},
            {"actor": {"id": "baker-1"}},
            {"loaves": [{"name": "dark"}]},
            {"sealed": {"notes": {"open": {"wish": 7}}}},
            {"sealed": {"identity": {"open": {"born": 7}}}},
        ],
        ids=str,
    )
    def test_refuses_what_is_not(self, change):
        body = json.loads(CATALOGUE.encode(an_order()))

        with pytest.raises(ValidationError):
            validator(CATALOGUE, ORDER).validate({**body, **change})

    def test_asks_for_the_required_fields(self):
        body = json.loads(CATALOGUE.encode(an_order()))
        del body["due"]

        with pytest.raises(ValidationError, match="'due' is a required property"):
            validator(CATALOGUE, ORDER).validate(body)

    def test_shows_sensitive_fields_under_their_category_and_nowhere_else(self):
        properties = CATALOGUE.schema(ORDER)["properties"]

        assert set(properties["sealed"]["properties"]) == {"identity", "notes"}
        notes = properties["sealed"]["properties"]["notes"]["properties"]["open"]["properties"]
        assert notes["wish"] == {"type": "string", "x-sensitive": "notes"}
        assert {"wish", "called_at", "customer", "born", "recorded_at"} & set(properties) == set()

    def test_does_not_mix_up_a_part_with_the_name_of_its_event(self):
        class Bread(msgspec.Struct, frozen=True):
            """A part."""

            weight: Decimal

        def same_name(part):
            class Bread(Event, frozen=True, kw_only=True, tag="caretrail.bakery.bread.v1"):
                """An event that has a part of its own name."""

                bread: part
                baked_at: Instant
                wish: Sensitive[str, Category.NOTES] = UNSET

            return Bread

        event_class = same_name(Bread)
        catalogue = Catalogue([event_class])
        event = event_class(**FRAME, bread=Bread(Decimal("0.75")), baked_at=NINE, wish="dark")

        validator(catalogue, "caretrail.bakery.bread.v1").validate(json.loads(catalogue.encode(event)))

    def test_has_fixed_formats(self):
        body = json.loads(CATALOGUE.encode(a_payment(paid_at=datetime(2026, 11, 23, tzinfo=UTC), amount=Decimal(7))))

        assert (body["paid_at"], body["amount"]) == ("2026-11-23T00:00:00Z", "7")
        assert json.loads(CATALOGUE.encode(an_order(due=date(2026, 1, 2))))["due"] == "2026-01-02"
