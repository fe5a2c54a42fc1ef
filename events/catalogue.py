"""Every event type by its public name: decoding, encoding, upcasting, schemas, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import inspect

from events.base import Category, Event, utc
from events.storable import unstorable

TYPE_NAME = re.compile(r"caretrail\.[a-z]+(\.[a-z]+(-[a-z]+)*)+\.v[1-9][0-9]*")
SEALED = "sealed"
OPEN = "open"
WRONG_BODY = (msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError)
"""What decoders and upcasters raise at a body that is not what its type says."""

Body = dict[str, Any]
Upcaster = Callable[[Body], Body]


class CatalogueError(Exception):
    """A vocabulary that must not ship: the message names the class and what is wrong with it."""


class Unreadable(Exception):
    """A stored or received body that does not say what its type promises."""


class UnknownType(Unreadable):
    """A type this version does not know: keep it, park it, never skip it."""


class Catalogue:
    """The types one reader knows.

    Built from event classes and upcasters (older name -> next name, function from body to body). Building refuses,
    with a CatalogueError, a class without a tag of its own, a tag used twice or off the grammar, a field called
    `type`, a datetime that may lack its zone, and a sensitive field that could not be sealed or be gone.
    """

    def __init__(self, classes: Iterable[type[Event]], upcasters: dict[str, tuple[str, Upcaster]] | None = None):
        self._entries: dict[str, _Entry] = {}
        for cls in classes:
            self._add(_Entry(cls))
        self._upcasters = upcasters or {}
        for old, (new, _) in self._upcasters.items():
            _must_be_upgrade(old, new)
            if old in self._entries:
                raise CatalogueError(f"{old} has an upcaster, but a class still records it")
            if new not in self._entries and new not in self._upcasters:
                raise CatalogueError(f"the upcaster of {old} leads to {new}, which nobody knows")

    def _add(self, entry: _Entry) -> None:
        if entry.name in self._entries:
            raise CatalogueError(f"{entry.cls.__name__}: {entry.name} is the name of another event too")
        self._entries[entry.name] = entry

    def types(self) -> list[str]:
        """List the current type names, sorted."""
        return sorted(self._entries)

    def readable(self) -> list[str]:
        """List every type name that can be read: the current ones and the older ones with an upcaster."""
        return sorted({*self._entries, *self._upcasters})

    def class_of(self, name: str) -> type[Event]:
        """Give the class that a type name is read as, after upcasting; UnknownType if there is none."""
        while name in self._upcasters:
            name = self._upcasters[name][0]
        return self._entry(name).cls

    def name_of(self, cls: type[Event]) -> str:
        """Give the type name of an event class; UnknownType if it is not in this catalogue."""
        name = str(cls.__struct_config__.tag)
        self._entry(name)
        return name

    def encode(self, event: Event) -> bytes:
        """Write an event as its stored body, and read that back: what cannot be read is never written.

        Unreadable if it could not be read, would read as something else (text for a UUID, a list for a tuple), or
        holds what databases and other readers could not (NUL, numbers beyond 64 bits).
        """
        entry = self._entry(str(event.__struct_config__.tag))
        try:
            body = entry.encode(event)
            read = entry.decode(body)
        except WRONG_BODY as error:
            raise Unreadable(f"{entry.name} would not be readable again: {error}") from error
        if found := unstorable(body):
            raise Unreadable(f"{entry.name} would not be storable everywhere: it holds {found}")
        if read != event and (changed := _changed_fields(event, read)):
            raise Unreadable(f"{entry.name} would not read back as it is: {', '.join(changed)}")
        return body

    def decode(self, name: str, body: bytes) -> Event:
        """Read a stored body of any known version; Unreadable if it is not what its type says, UnknownType if new."""
        try:
            if name in self._upcasters:
                return self._upcast(name, body)
            return self._entry(name).decode(body)
        except WRONG_BODY as error:
            raise Unreadable(f"a body of {name} cannot be read: {error}") from error

    def _upcast(self, name: str, body: bytes) -> Event:
        opened = _unseal(msgspec.json.decode(body))
        if opened["type"] != name:
            raise ValueError("its body is of another type")
        while name in self._upcasters:
            name, upcaster = self._upcasters[name]
            opened = {**upcaster(opened), "type": name}
        return self._entry(name).convert(opened)

    def schema(self, name: str) -> dict[str, Any]:
        """Give the JSON Schema (2020-12) of a type's stored body, sensitive fields under `sealed`."""
        return self._entry(name).schema()

    def sensitive_fields(self, name: str) -> dict[str, Category]:
        """Tell which fields of a type are sensitive, and of which category."""
        return dict(self._entry(name).sensitive)

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownType(f"{name} is not in this version's catalogue") from None

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(entry.cls for entry in self._entries.values())


class _Entry:
    """One type: its class, its decoder, and where its sensitive fields go."""

    def __init__(self, cls: type[Event]):
        self.cls = cls
        self.name = _name_of(cls)
        self.sensitive = _checked_fields(cls)
        self._decoder = msgspec.json.Decoder(cls)

    def encode(self, event: Event) -> bytes:
        if not self.sensitive:
            return msgspec.json.encode(_without_recorded_at(event))
        body = msgspec.to_builtins(event, builtin_types=())
        body.pop("recorded_at", None)
        return msgspec.json.encode(_seal(body, self.sensitive))

    def decode(self, body: bytes) -> Event:
        if not self.sensitive:
            return self._decoder.decode(body)
        return self.convert(_unseal(msgspec.json.decode(body)))

    def convert(self, body: Body) -> Event:
        return msgspec.convert(body, self.cls)

    def schema(self) -> dict[str, Any]:
        (reference,), components = msgspec.json.schema_components([self.cls], ref_template="#/$defs/{name}")
        own = components.pop(reference["$ref"].removeprefix("#/$defs/"))
        properties = own["properties"]
        properties.pop("recorded_at", None)
        sealed: dict[str, Body] = {category: {} for category in sorted(set(self.sensitive.values()))}
        for field, category in self.sensitive.items():
            sealed[category][field] = properties.pop(field)
        if sealed:
            properties[SEALED] = {"type": "object", "properties": {c: _opened(f) for c, f in sealed.items()}}
        identity = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{self.name}"}
        return {**identity, **own, "$defs": components} if components else {**identity, **own}


def _opened(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {OPEN: {"type": "object", "properties": fields}}}


def _without_recorded_at(event: Event) -> Event:
    if event.recorded_at is msgspec.UNSET:
        return event
    return msgspec.structs.replace(event, recorded_at=msgspec.UNSET)


def _seal(body: Body, sensitive: dict[str, Category]) -> Body:
    """Move sensitive fields into one entry per category; this version leaves the entries open."""
    clear = {field: value for field, value in body.items() if field not in sensitive}
    sealed: dict[str, dict[str, Body]] = {}
    for field, category in sensitive.items():
        if field in body:
            sealed.setdefault(str(category), {OPEN: {}})[OPEN][field] = body[field]
    return {**clear, SEALED: sealed} if sealed else clear


def _changed_fields(event: Event, read: Event) -> list[str]:
    """Name the fields that differ between an event and what was read back of it; its recorded time is no part."""
    if type(event) is not type(read):
        return [type(event).__name__]
    fields = [field for field in event.__struct_fields__ if field != "recorded_at"]
    return [field for field in fields if not _same(getattr(event, field), getattr(read, field))]


def _same(given: object, read: object) -> bool:
    if given == read:
        return True
    if isinstance(given, datetime) and isinstance(read, datetime):
        # Python holds a local time in the hour that a clock change repeats unequal to every other zone's.
        return utc(given) == utc(read)
    if type(given) is not type(read):
        return False
    if isinstance(given, msgspec.Struct):
        return all(_same(getattr(given, name), getattr(read, name)) for name in given.__struct_fields__)
    if isinstance(given, dict) and isinstance(read, dict):
        return given.keys() == read.keys() and all(_same(given[key], read[key]) for key in given)
    if isinstance(given, list | tuple) and isinstance(read, list | tuple):
        return len(given) == len(read) and all(map(_same, given, read))
    return False


def _unseal(body: Body) -> Body:
    """Put back the sensitive fields that can be opened; the others stay UNSET. No entry replaces a clear field."""
    clear = {field: value for field, value in body.items() if field != SEALED}
    opened: Body = {}
    for entry in body.get(SEALED, {}).values():
        opened.update(entry.get(OPEN, {}))
    return {**opened, **clear}


def _name_of(cls: type[Event]) -> str:
    name = cls.__struct_config__.tag
    inherited = any(base.__struct_config__.tag == name for base in cls.__mro__[1:] if issubclass(base, Event))
    if not isinstance(name, str) or name == cls.__name__ or inherited:
        raise CatalogueError(f"{cls.__name__} has no tag of its own")
    if not TYPE_NAME.fullmatch(name):
        raise CatalogueError(f"{cls.__name__}: {name!r} is not caretrail.<service>.<words>.v<n>")
    return name


def _checked_fields(cls: type[Event]) -> dict[str, Category]:
    """Refuse fields that must not ship, and give the category of each sensitive one."""
    sensitive = {}
    for field in msgspec.structs.fields(cls):
        place = f"{cls.__name__}.{field.name}"
        if field.name in ("type", SEALED):
            raise CatalogueError(f"{place}: a field may not be called {field.name!r}")
        whole, *parts = _parts(inspect.type_info(field.type), set())
        if any(isinstance(part, inspect.DateTimeType) and part.tz is not True for part in (whole, *parts)):
            raise CatalogueError(f"{place}: a datetime needs its zone (use Instant)")
        if any(map(_category, parts)):
            raise CatalogueError(f"{place}: only a whole field can be sensitive, not a part of it")
        if category := _category(whole):
            sensitive[field.name] = category
            if field.default is not msgspec.UNSET:
                raise CatalogueError(f"{place}: a sensitive field may be gone one day, so its default is UNSET")
    return sensitive


def _category(kind: inspect.Type) -> Category | None:
    extra = kind.extra if isinstance(kind, inspect.Metadata) else None
    return (extra or {}).get("sensitive")


def _parts(kind: inspect.Type, seen: set[int]) -> Iterator[inspect.Type]:
    """Walk a type through structs, unions and containers, the whole first and each part once."""
    if id(kind) in seen:
        return
    seen.add(id(kind))
    yield kind
    for attribute in kind.__struct_fields__:
        value = getattr(kind, attribute)
        for part in value if isinstance(value, tuple) else (value,):
            inner = part.type if isinstance(part, inspect.Field) else part
            if isinstance(inner, inspect.Type):
                yield from _parts(inner, seen)


def _must_be_upgrade(old: str, new: str) -> None:
    for name in (old, new):
        if not TYPE_NAME.fullmatch(name):
            raise CatalogueError(f"an upcaster of {old} to {new}: {name!r} is not caretrail.<service>.<words>.v<n>")
    (old_stem, old_version), (new_stem, new_version) = (name.rsplit(".v", 1) for name in (old, new))
    if old_stem != new_stem or int(new_version) != int(old_version) + 1:
        raise CatalogueError(f"an upcaster goes from one version to the next of a type, not from {old} to {new}")


def concrete(cls: type[Event]) -> Iterator[type[Event]]:
    """Yield every event class below `cls` that carries a type name of its own."""
    for child in cls.__subclasses__():
        if child.__struct_config__.tag != child.__name__:
            yield child
        yield from concrete(child)
