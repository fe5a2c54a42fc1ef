"""Takes a FHIR document apart into entries and finds what a reference in it means."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.intake.exchange.codes import BUNDLE_TYPES
from services.intake.exchange.facts import Source
from services.intake.exchange.json_values import Node, Unreadable, clean, object_of, objects_of, required_text, text_of

RESOURCE_TYPE = re.compile(r"[A-Za-z]{1,64}", re.ASCII)
RESOURCE_ID = re.compile(r"[^\s/|#?]{1,128}")
# "Patient/1", "https://server/fhir/Patient/1", either with "/_history/3".
REFERENCE = re.compile(r"(?:(?P<base>https?://[^\s?#]+)/)?(?P<type>[A-Za-z]+)/(?P<id>[^\s/|#?]+)(?:/_history/[^\s/]+)?")
LONGEST_URL = 500


class NotABundle(Exception):
    """The document is neither a FHIR R4 Bundle that can be read nor one resource; the message says what to send."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of the document with its place in it; `resource` is None where the entry holds no JSON object."""

    number: int
    resource: Node | None
    resource_type: str | None
    resource_id: str | None
    full_url: str | None

    @property
    def base(self) -> str | None:
        """The server that the entry comes from, as far as its fullUrl says so."""
        found = REFERENCE.fullmatch(self.full_url or "")
        return found["base"] if found else None

    @property
    def label(self) -> str:
        """The relative reference to the entry."""
        return f"{self.resource_type}/{self.resource_id}"

    def source(self) -> Source:
        """Return what facts name as their source; Unreadable without type or id."""
        if self.resource_type is None or self.resource_id is None:
            raise Unreadable(
                "The resource has no usable id, so that it could not be recognised when sent again. Add one."
            )
        return Source(self.resource_type, self.resource_id, self.full_url)


def entries_of(document: Any) -> tuple[Entry, ...]:
    """Return the entries of a Bundle (transaction, collection, searchset) or the one of a single resource, in order."""
    if not isinstance(document, Mapping) or _type_of(document) is None:
        raise NotABundle("This is not a FHIR resource: resourceType is missing. Send a FHIR R4 Bundle as JSON.")
    if document["resourceType"] != "Bundle":
        return (_entry(0, {"resource": document}),)
    if not isinstance(document.get("type"), str) or document["type"] not in BUNDLE_TYPES:
        raise NotABundle("This kind of Bundle cannot be imported. Send a transaction, collection or searchset Bundle.")
    entries = document.get("entry")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise NotABundle("The Bundle's entry is not a list. Send a FHIR R4 Bundle as JSON.")
    return tuple(_entry(number, entry) for number, entry in enumerate(entries))


def _entry(number: int, stated: Any) -> Entry:
    if not isinstance(stated, Mapping) or not isinstance(stated.get("resource"), Mapping):
        return Entry(number, None, None, None, None)
    resource = stated["resource"]
    full_url = _readable(stated.get("fullUrl"), LONGEST_URL)
    return Entry(number, resource, _type_of(resource), _id_of(resource, full_url), full_url)


def _type_of(resource: Node) -> str | None:
    stated = resource.get("resourceType")
    return stated if isinstance(stated, str) and RESOURCE_TYPE.fullmatch(stated) else None


def _id_of(resource: Node, full_url: str | None) -> str | None:
    """The resource's own id; where a transaction leaves it out, what its fullUrl says."""
    stated = resource.get("id")
    if stated is None and full_url is not None:
        found = REFERENCE.fullmatch(full_url)
        stated = found["id"] if found else full_url.rpartition(":")[2]
    stated = _readable(stated, 128)
    return stated if stated is not None and RESOURCE_ID.fullmatch(stated) else None


def _readable(value: Any, limit: int) -> str | None:
    try:
        return clean(value, "", limit) or None
    except Unreadable:
        return None


def identity_of(*parts: str) -> str:
    """Return the same short string for the same parts for ever, without showing them (some are a patient's numbers)."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class References:
    """Finds the entries that references mean, without ever guessing between two."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_url: dict[str, list[Entry]] = defaultdict(list)
        self._by_id: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._of_no_server: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.full_url is not None:
                self._by_url[_canonical(entry.full_url)].append(entry)
            if entry.resource_type is not None and entry.resource_id is not None:
                self._by_id[entry.resource_type, entry.resource_id].append(entry)
                if entry.full_url in (None, entry.label):
                    self._of_no_server[entry.resource_type, entry.resource_id].append(entry)

    def find(self, reference: str, written_in: Entry) -> Entry | None:
        """Return the entry meant by a urn:uuid, relative or absolute reference; None if there is none or several."""
        return _only(self._by_url.get(_canonical(reference), ())) or self._find_by_id(reference, written_in)

    def _find_by_id(self, reference: str, written_in: Entry) -> Entry | None:
        found = REFERENCE.fullmatch(reference)
        if found is None:
            return None
        if found["base"] is None and written_in.base is not None:
            on_same_server = _only(self._by_url.get(f"{written_in.base}/{found['type']}/{found['id']}", ()))
            if on_same_server is not None:
                return on_same_server
        # An id means something on its own server only: an address matches no entry that came from another one.
        named = self._by_id if found["base"] is None else self._of_no_server
        return _only(named.get((found["type"], found["id"]), ()))


def _only(entries: Sequence[Entry]) -> Entry | None:
    return entries[0] if len(entries) == 1 else None


def _canonical(url: str) -> str:
    without_version = url.partition("/_history/")[0]
    return without_version.lower() if without_version.lower().startswith("urn:") else without_version


def reference_of(node: Node, key: str) -> str | None:
    """Return the literal reference at `key`, None where absent."""
    return text_of(object_of(node, key) or {}, "reference", LONGEST_URL)


def references_of(node: Node, key: str) -> tuple[str, ...]:
    """Return the literal references of the list at `key`."""
    return tuple(required_text(member, "reference", LONGEST_URL) for member in objects_of(node, key))
