"""The catalogue refuses a vocabulary that must not ship."""

from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
import pytest

from events.base import UNSET, Category, Event, Instant, Sensitive
from events.catalogue import Catalogue, CatalogueError, UnknownType, concrete

LOAF = "caretrail.bakery.loaf-baked.v1"


def an_event(tag=LOAF, bases=(Event,), default=msgspec.NODEFAULT, **fields):
    """Define an event class with these fields, each with this default."""
    described = [(name, kind, msgspec.field(default=default)) for name, kind in fields.items()]
    return msgspec.defstruct("LoafBaked", described, bases=bases, tag=tag, frozen=True, kw_only=True)


class Oven(msgspec.Struct, frozen=True):
    """A part of an event that forgot its zone."""

    lit_at: datetime


class Batch(msgspec.Struct, frozen=True):
    """A part that may hold parts of its own kind."""

    started_at: Instant
    before: "Batch | None" = None


class Shift(NamedTuple):
    """Another kind of part."""

    begins: datetime


class TestCatalogue:
    def test_lists_its_types(self):
        catalogue = Catalogue([an_event("caretrail.bakery.b.v1"), an_event("caretrail.bakery.a.v2")])

        assert catalogue.types() == ["caretrail.bakery.a.v2", "caretrail.bakery.b.v1"]

    def test_knows_the_class_of_a_name_and_the_name_of_a_class(self):
        baked = an_event()
        catalogue = Catalogue([baked])

        assert catalogue.class_of(LOAF) is baked
        assert catalogue.name_of(baked) == LOAF
        assert list(catalogue) == [baked]

    def test_does_not_know_other_types(self):
        catalogue = Catalogue([an_event()])

        with pytest.raises(UnknownType, match="loaf-eaten"):
            catalogue.class_of("caretrail.bakery.loaf-eaten.v1")
        with pytest.raises(UnknownType):
            catalogue.name_of(an_event("caretrail.bakery.loaf-eaten.v1"))

    def test_finds_the_classes_that_have_a_name(self):
        class Baked(Event, frozen=True, kw_only=True):
            """An abstract fact."""

        class RyeBaked(Baked, frozen=True, kw_only=True, tag="caretrail.bakery.rye-baked.v1"):
            """A fact."""

        assert list(concrete(Baked)) == [RyeBaked]


class TestTag:
    def test_is_required(self):
        with pytest.raises(CatalogueError, match=r"LoafBaked has no tag of its own"):
            Catalogue([an_event(tag=None)])

    def test_is_not_inherited(self):
        with pytest.raises(CatalogueError, match=r"LoafBaked has no tag of its own"):
            Catalogue([an_event(tag=None, bases=(an_event(),))])

    def test_is_used_once(self):
        with pytest.raises(CatalogueError, match=r"loaf-baked\.v1 is the name of another event too"):
            Catalogue([an_event(), an_event()])

    @pytest.mark.parametrize(
        "tag",
        [
            "LoafBaked",
            "loaf-baked",
            "bakery.loaf-baked.v1",
            "caretrail.loaf-baked",
            "caretrail.v1",
            "caretrail.bakery.v1",
            "caretrail.bakery.loaf-baked",
            "caretrail.bakery.loaf-baked.1",
            "caretrail.bakery.loaf-baked.v0",
            "caretrail.bakery.loaf-baked.v01",
            "caretrail.bakery.loaf_baked.v1",
            "caretrail.bakery.Loaf-Baked.v1",
            "caretrail.bakery.loaf--baked.v1",
            "caretrail.bakery.-loaf.v1",
            "caretrail..loaf.v1",
            "caretrail.bakery.loaf-baked.v1\n",
            " caretrail.bakery.loaf-baked.v1",
        ],
    )
    def test_keeps_to_the_grammar(self, tag):
        with pytest.raises(CatalogueError, match="LoafBaked"):
            Catalogue([an_event(tag)])


class TestField:
    @pytest.mark.parametrize("name", ["type", "sealed"])
    def test_has_no_name_of_the_body_itself(self, name):
        with pytest.raises((CatalogueError, ValueError), match=name):
            Catalogue([an_event(**{name: str})])

    @pytest.mark.parametrize(
        "kind",
        [
            datetime,
            Annotated[datetime, msgspec.Meta(tz=False)],
            Annotated[datetime, msgspec.Meta(description="no word about its zone")],
            datetime | None,
            datetime | msgspec.UnsetType,
            list[datetime],
            tuple[datetime, ...],
            tuple[str, datetime],
            dict[str, datetime],
            list[dict[str, datetime | None]],
            Oven,
            Oven | None,
            list[Oven],
            Shift,
            Sensitive[datetime, Category.NOTES],
        ],
        ids=str,
    )
    def test_of_a_time_has_its_zone(self, kind):
        with pytest.raises(CatalogueError, match=r"LoafBaked\.out_at: a datetime needs its zone"):
            Catalogue([an_event(out_at=kind)])

    @pytest.mark.parametrize("kind", [Instant, Instant | None, list[Instant], dict[str, Batch]], ids=str)
    def test_of_a_time_with_its_zone_is_taken(self, kind):
        assert Catalogue([an_event(out_at=kind)]).types() == [LOAF]

    @pytest.mark.parametrize(
        "kind",
        [
            list[Sensitive[str, Category.NOTES]],
            Sensitive[str, Category.NOTES] | None,
            msgspec.defstruct("Card", [("wish", Sensitive[str, Category.NOTES], UNSET)]),
        ],
        ids=["in a list", "or none", "in a part"],
    )
    def test_is_sensitive_as_a_whole(self, kind):
        with pytest.raises(CatalogueError, match=r"LoafBaked\.wish: only a whole field can be sensitive"):
            Catalogue([an_event(wish=kind)])

    @pytest.mark.parametrize("default", [None, "none"])
    def test_that_is_sensitive_may_be_gone(self, default):
        with pytest.raises(CatalogueError, match=r"LoafBaked\.wish: .* default is UNSET"):
            Catalogue([an_event(wish=Sensitive[str, Category.NOTES], default=default)])

    def test_that_is_sensitive_is_known_with_its_category(self):
        fields = {"wish": Sensitive[str, Category.NOTES], "name": Sensitive[str | None, Category.IDENTITY]}
        catalogue = Catalogue([an_event(**fields, default=UNSET)])

        assert catalogue.sensitive_fields(LOAF) == {"wish": Category.NOTES, "name": Category.IDENTITY}


class TestUpcaster:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("caretrail.bakery.loaf-baked.v1", "caretrail.bakery.loaf-baked.v3"),
            ("caretrail.bakery.loaf-baked.v3", "caretrail.bakery.loaf-baked.v2"),
            ("caretrail.bakery.loaf-baked.v1", "caretrail.bakery.loaf-eaten.v2"),
            ("caretrail.bakery.loaf-baked", "caretrail.bakery.loaf-baked.v2"),
            ("loaf-baked.v1", "loaf-baked.v2"),
        ],
        ids=["skips one", "goes back", "changes the type", "from no version", "off the grammar"],
    )
    def test_goes_to_the_next_version_of_its_type(self, old, new):
        with pytest.raises(CatalogueError, match="upcaster"):
            Catalogue([an_event("caretrail.bakery.loaf-baked.v2")], {old: (new, dict)})

    def test_leads_to_a_known_type(self):
        with pytest.raises(CatalogueError, match=r"leads to caretrail\.bakery\.loaf-baked\.v3, which nobody knows"):
            Catalogue([an_event()], {"caretrail.bakery.loaf-baked.v2": ("caretrail.bakery.loaf-baked.v3", dict)})

    def test_is_not_for_a_type_that_is_still_recorded(self):
        old, new = an_event(), an_event("caretrail.bakery.loaf-baked.v2")

        with pytest.raises(CatalogueError, match=r"loaf-baked\.v1 has an upcaster, but"):
            Catalogue([old, new], {LOAF: ("caretrail.bakery.loaf-baked.v2", dict)})

    def test_makes_an_older_type_readable(self):
        newest = an_event("caretrail.bakery.loaf-baked.v3")
        steps = {f"caretrail.bakery.loaf-baked.v{n}": (f"caretrail.bakery.loaf-baked.v{n + 1}", dict) for n in (1, 2)}
        catalogue = Catalogue([newest], steps)

        assert catalogue.class_of(LOAF) is newest
        assert catalogue.readable() == [f"caretrail.bakery.loaf-baked.v{n}" for n in (1, 2, 3)]
        assert catalogue.types() == ["caretrail.bakery.loaf-baked.v3"]
