"""A token as text: `earshot_<id>_<secret><checksum>`, in letters and digits that a double click selects whole.

`id` (8 characters) is no secret and finds the row. `secret` (52 characters) is 256 random bits, so that a plain SHA-256
keeps it as well as a slow hash would. `checksum` (7 characters, CRC-32 of what stands before it) tells a token that was
mistyped or cut off from one that is not known, without asking the database.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass, field

BEGINNING = "earshot_"
_SHAPE = re.compile(r"earshot_(?P<id>[a-z2-7]{8})_(?P<secret>[a-z2-7]{52})(?P<checksum>[a-z2-7]{7})")


class Mistyped(ValueError):
    """It begins as a token, and is none: a character is wrong or missing."""


@dataclass(frozen=True, slots=True)
class TokenText:
    """A token's text, and the part by which it may be named."""

    token_id: str
    text: str = field(repr=False)

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.text.encode("ascii")).digest()


def new_token() -> TokenText:
    """A token that nobody has."""
    token_id = _letters(secrets.token_bytes(5))
    body = f"{BEGINNING}{token_id}_{_letters(secrets.token_bytes(32))}"
    return TokenText(token_id, body + _checksum(body))


def parsed(text: str) -> TokenText:
    """Raises Mistyped for what no token is."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or _checksum(text[: shape.start("checksum")]) != shape["checksum"]:
        raise Mistyped
    return TokenText(shape["id"], text)


def _checksum(body: str) -> str:
    return _letters(zlib.crc32(body.encode("ascii")).to_bytes(4, "big"))


def _letters(content: bytes) -> str:
    return base64.b32encode(content).decode("ascii").rstrip("=").lower()
