"""Personal data: config.yaml's `redaction`."""

from __future__ import annotations

import re
from typing import Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from pipeline.config.base import Area

PersonalData = Literal[
    "card",
    "phone",
    "email",
    "iban",
    "national_id",
    "account_number",
    "code",
    "date_of_birth",
    "name",
    "postal_address",
    "reference",
]
KINDS = tuple(kind for kind in get_args(PersonalData) if kind != "reference")
"""The default: a manager looks for the order, and its number tells nobody outside who placed it."""


class CustomPattern(Area):
    """Your own pattern of personal data."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,29}$")
    """Name of its placeholder: CONTRACT gives [CONTRACT_1]. Upper-case letters, digits, underscores."""
    pattern: str = Field(min_length=1, max_length=1000)
    """Regular expression (Python's), matched without regard to case; its group `value`, if it has one, is replaced."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            compiled = re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        if compiled.match(""):
            raise ValueError("matches the empty text, so it would match everywhere")
        return value


class RedactionSettings(Area):
    """Personal data that is removed from texts before they leave this machine."""

    enabled: bool = True
    """False sends transcripts to outside services as they are."""
    redact_stored: bool = False
    """True also redacts stored and exported text, and deletes the text that earlier runs stored for these calls (delete
    export files yourself); false puts the originals back into answers."""
    kinds: tuple[PersonalData, ...] = KINDS
    """Kinds of personal data: card (number, expiry, security code, PIN), phone, email, iban, national_id (and passport,
    licence, number plate), account_number (customer, policy, sort code), code (one-time codes, passwords),
    date_of_birth, name, postal_address, reference (of one person's booking, order, claim, ticket, parcel; not among the
    default, so that rows still tell which order it was)."""
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR")
    """ISO 3166 regions whose national numbers are recognised; numbers with a country code are recognised from every
    region."""
    national_ids: tuple[str, ...] = ("us.ssn", "gb.nino", "fr.nir", "de.idnr", "es.dni", "es.nie", "it.codicefiscale")
    """Kinds of national id, as modules of python-stdnum (and gb.nino)."""
    spoken_languages: tuple[Literal["en", "fr", "de", "es"], ...] = ("en", "fr", "de", "es")
    """Languages in which numbers spelt out ("four one double five") and spoken addresses ("at gmail dot com") count."""
    min_account_digits: int = Field(default=6, ge=4, le=30)
    """Fewest digits of an account, customer or policy number that a word near it shows ("the policy 123456"). One
    that is dictated as such ("my account number is 1234") counts from three."""
    keep: tuple[str, ...] = ()
    """Texts that are never redacted, such as the company's own numbers."""
    patterns: tuple[CustomPattern, ...] = ()
    """Your own kinds of personal data."""

    @field_validator("phone_regions")
    @classmethod
    def _region_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for region in value:
            if not re.fullmatch(r"[A-Z]{2}", region):
                raise ValueError(f"{region!r} is not an ISO 3166 region (two upper-case letters: US, FR)")
        return value

    @field_validator("national_ids")
    @classmethod
    def _module_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[a-z]{2}_?\.[a-z0-9_]+", name):
                raise ValueError(f"{name!r} is not a module of python-stdnum (country.kind: us.ssn, fr.nir)")
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [pattern.name for pattern in self.patterns]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            raise ValueError(f"redaction.patterns names {repeated} twice; each pattern needs its own name")
        return self
