"""What JSON can say, but not every database's text and number columns can hold, nor every reader read."""

from __future__ import annotations

from typing import Any

import msgspec

LARGEST = 2**63 - 1

_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER = b"0" * len(str(LARGEST))


def unstorable(body: bytes) -> str | None:
    """Name what must not be stored in a JSON body (a NUL character, a number beyond 64 bits); None if all is well."""
    # Every append passes here: the body is only taken apart where its bytes look like it.
    suspicious = b"\\u0000" in body or _LONG_NUMBER in body.translate(_DIGITS)
    return _found(msgspec.json.decode(body)) if suspicious else None


def _found(value: Any) -> str | None:
    if isinstance(value, str):
        return "a NUL character" if "\0" in value else None
    if isinstance(value, int):
        return "a number beyond 64 bits" if not -LARGEST <= value <= LARGEST else None
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(_found, parts)), None)
