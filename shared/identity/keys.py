"""Keys of this installation: made at first use, kept in a folder that only its owner reads."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"


class KeyFolder:
    """One Ed25519 signing key per name (a service, or the local issuer), and one secret per name.

    Files are written once with mode 0600; two processes that start at once agree on the first one written.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def signing_key(self, name: str) -> OKPKey:
        """Give the private key of this name."""
        return OKPKey.import_key(msgspec.json.decode(self._read_or_make(f"{name}.jwk", _new_key)))

    def public_set(self, name: str) -> dict[str, Any]:
        """Give the JWK set that others verify this name's tokens with."""
        return {"keys": [self.signing_key(name).as_dict(private=False)]}

    def secret(self, name: str) -> bytes:
        """Give 32 secret bytes for this name: signs cursors and sessions."""
        return bytes.fromhex(self._read_or_make(f"{name}.secret", _new_secret).decode("ascii"))

    def _read_or_make(self, filename: str, make: Callable[[], bytes]) -> bytes:
        path = self._folder / filename
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_once(path, make())
        return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    """Put a whole file in place unless somebody else was first."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        os.unlink(temporary)


def _new_key() -> bytes:
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    return msgspec.json.encode(key.as_dict(private=True))


def _new_secret() -> bytes:
    return secrets.token_hex(32).encode("ascii")
