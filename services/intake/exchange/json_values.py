"""Reads single values out of parsed JSON, believing nothing about their types."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.intake.exchange.codes import LOINC
from services.intake.exchange.facts import Coding

Node = Mapping[str, Any]

# Characters that would let a text be shown in another order than it is stored.
DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
TOKEN = re.compile(r"[A-Za-z0-9\[\]{}/.%*'_-]{1,40}", re.ASCII)
LARGEST = 10**9
MOST_DIGITS = 40


class Unreadable(Exception):
    """A resource cannot be taken; the message says why and what to do, without patient data."""


class NotUsed(Exception):
    """A readable resource is left out; the message says why."""


def text_of(node: Node, key: str, limit: int = 1000) -> str | None:
    """Return the NFC text at `key` with blanks trimmed, None where it is absent or blank; Unreadable otherwise."""
    value = node.get(key)
    if value is None:
        return None
    return clean(value, key, limit) or None


def clean(value: Any, name: str, limit: int = 1000) -> str:
    """Return text in NFC, trimmed; Unreadable for other types, control characters, lone surrogates, excess length."""
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not text. Correct the resource and send it again.")
    if len(value) > limit:
        raise Unreadable(f"{name} is longer than {limit} characters. Shorten it and send the resource again.")
    if any(unicodedata.category(character) in ("Cc", "Cs") or character in DIRECTION_CONTROLS for character in value):
        raise Unreadable(f"{name} holds control characters. Remove them and send the resource again.")
    return unicodedata.normalize("NFC", value).strip()


def required_text(node: Node, key: str, limit: int = 1000) -> str:
    """Return the text at `key`; Unreadable where it is missing."""
    value = text_of(node, key, limit)
    if value is None:
        raise Unreadable(f"{key} is missing. Add it and send the resource again.")
    return value


def choice_of(node: Node, key: str, allowed: frozenset[str]) -> str | None:
    """Return the code at `key`, None where absent; Unreadable if FHIR R4 has no such code there."""
    value = text_of(node, key)
    if value is not None and value not in allowed:
        raise Unreadable(f"{key} is not a code of FHIR R4. Correct it and send the resource again.")
    return value


def object_of(node: Node, key: str) -> Node | None:
    """Return the JSON object at `key`, None where absent."""
    value = node.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise Unreadable(f"{key} is not a JSON object. Correct the resource and send it again.")
    return value


def objects_of(node: Node, key: str) -> Sequence[Node]:
    """Return the list of JSON objects at `key`, empty where absent."""
    value = node.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(member, Mapping) for member in value):
        raise Unreadable(f"{key} is not a list of JSON objects. Correct the resource and send it again.")
    return value


def texts_of(node: Node, key: str, limit: int = 200) -> tuple[str, ...]:
    """Return the non-blank texts of the list at `key`; FHIR allows null among them."""
    value = node.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Unreadable(f"{key} is not a list. Correct the resource and send it again.")
    texts = (clean(member, key, limit) for member in value if member is not None)
    return tuple(text for text in texts if text)


def flag_of(node: Node, key: str) -> bool | None:
    """Return the boolean at `key`, None where absent."""
    value = node.get(key)
    if value is not None and not isinstance(value, bool):
        raise Unreadable(f"{key} is neither true nor false. Correct the resource and send it again.")
    return value


def number_of(node: Node, key: str) -> Decimal | None:
    """Return the number at `key` exactly as written, None where absent; Unreadable if not finite, huge or overlong."""
    value = node.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Unreadable(f"{key} is not a number. Correct the resource and send it again.")
    if (isinstance(value, Decimal) and not value.is_finite()) or not -LARGEST < value < LARGEST:
        raise Unreadable(f"{key} is not a number that can be measured. Correct the resource and send it again.")
    # By way of repr, so that the float 192.29 stays 192.29.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if len(number.as_tuple().digits) > MOST_DIGITS or abs(int(number.as_tuple().exponent)) > MOST_DIGITS:
        raise Unreadable(f"{key} has more than {MOST_DIGITS} digits. Round it and send the resource again.")
    return number


def codings_of(concept: Node | None) -> tuple[Coding, ...]:
    """Return the codings of a CodeableConcept that have a code."""
    found = (coding_of(coding) for coding in objects_of(concept or {}, "coding"))
    return tuple(coding for coding in found if coding is not None)


def coding_of(node: Node) -> Coding | None:
    """Return one Coding, None where it has no code."""
    system, code, display = text_of(node, "system"), text_of(node, "code"), text_of(node, "display")
    return Coding(system, code, display) if code else None


def loinc_codes(node: Node, key: str = "code") -> tuple[str, ...]:
    """Return the LOINC codes of the CodeableConcept at `key`."""
    return tuple(coding.code for coding in codings_of(object_of(node, key)) if coding.system == LOINC)


def status_code(node: Node, key: str, allowed: frozenset[str]) -> str | None:
    """Return the one code of the status CodeableConcept at `key`, None where absent; Unreadable if not allowed."""
    codes = {coding.code for coding in codings_of(object_of(node, key))}
    if not codes:
        return None
    if len(codes) > 1 or not codes <= allowed:
        raise Unreadable(f"{key} is not a code of FHIR R4. Correct it and send the resource again.")
    return codes.pop()


def shown(code: str) -> str:
    """Return a code fit for a message: itself, or a neutral word where it is no plain token."""
    return code if TOKEN.fullmatch(code) else "(unreadable)"
