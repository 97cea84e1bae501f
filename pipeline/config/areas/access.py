"""Who may use the service: config.yaml's `service.access`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pipeline.config.areas.reporting import EnvironmentVariable
from pipeline.config.base import Area, OneOrList

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"
]
ScopeName = Literal["submit", "read_without_text", "read", "admin"]


class JwtSettings(Area):
    """Tokens of the company's own issuer (JWT). They are accepted as soon as `issuer` is set."""

    issuer: str | None = None
    """Whose tokens are accepted: their `iss`; null for none."""
    audience: OneOrList[tuple[str, ...]] = ()
    """For whom a token must be made: one of these in its `aud`."""
    algorithms: OneOrList[tuple[Algorithm, ...]] = ("RS256",)
    """Signatures that are accepted, whatever a token says of itself: either HS… alone (a shared secret) or public keys
    (RS…, PS…, ES…)."""
    secret_env: EnvironmentVariable = "EARSHOT_JWT_SECRET"  # noqa: S105 - a variable's name
    """Environment variable with the shared secret of HS…: at least 32, 48 or 64 bytes."""
    keys: str | None = None
    """The issuer's public keys as a JWKS: an https address, or a file. It is read again when a file changes, and for
    unknown keys."""
    keys_kept_s: Annotated[float, Field(ge=1, le=86_400)] = 3600.0
    """How long keys from an address are used before they are asked for again, in seconds."""
    keys_wait_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    """Least time between two questions for keys, however many tokens name unknown ones, in seconds."""
    leeway_s: Annotated[float, Field(ge=0, le=600)] = 30.0
    """By how much clocks may differ where a token begins and ends, in seconds."""
    name_claim: str = "sub"
    """Claim with the name of the one who asks: for the audit and for limits."""
    scope_claim: str = "scope"
    """Claim with the scopes: words in a text, or a list."""
    scopes: Mapping[str, ScopeName] = Field(
        default_factory=lambda: {name: name for name in ("submit", "read_without_text", "read", "admin")}
    )
    """Word of the claim to scope: `{earshot-readers: read}`. Other words give nothing."""
    segments_claim: str | None = None
    """Claim with the customer segments whose calls may be seen (a text or a list; * for all); null where tokens do not
    say. A token without the claim sees nothing."""
    queues_claim: str | None = None
    """The same for queues."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is None:
            return self
        if not self.audience:
            raise ValueError(
                "service.access.jwt.audience is empty: name the audience that tokens for Earshot are made for, or "
                "every token of the issuer would be accepted"
            )
        if not self.algorithms:
            raise ValueError("service.access.jwt.algorithms is empty: name the signatures that are accepted")
        shared = {name.startswith("HS") for name in self.algorithms}
        if len(shared) > 1:
            raise ValueError(
                "service.access.jwt.algorithms mixes HS… with public keys, so that a public key could be used as a "
                "secret: name one kind"
            )
        if shared == {False} and not self.keys:
            raise ValueError("service.access.jwt.keys is not set: the address or file of the issuer's keys (JWKS)")
        if shared == {True} and self.keys:
            raise ValueError("service.access.jwt.keys are public keys, and HS… needs a secret: take one of them out")
        if self.keys and self.keys.startswith("http://") and not _loopback(urlsplit(self.keys).hostname or ""):
            raise ValueError("service.access.jwt.keys: http:// can be changed on its way; use https://, or a file")
        return self


class AccessSettings(Area):
    """Who may use the service. Tokens are made by `run.py tokens create`."""

    required: bool = False
    """Ask for a token on the loopback address too, as behind a proxy on this machine. On every other address a token is
    always asked for."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 600
    """Most requests of one token in a minute."""
    wrong_per_minute: Annotated[int, Field(ge=1)] = 20
    """Most wrong tokens from one address in a minute."""
    session_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 12.0
    """How long a login to the pages lasts."""
    trusted_proxies: OneOrList[tuple[str, ...]] = ()
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    audit: bool = True
    """Keep who read which call, and when."""
    audit_days: Annotated[int, Field(ge=1)] | None = 365
    """For how many days; null for ever."""
    jwt: JwtSettings = Field(default_factory=JwtSettings)
    """Tokens of the company's own issuer."""

    @model_validator(mode="after")
    def _proxies_are_addresses(self) -> Self:
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"service.access.trusted_proxies: {proxy} is no address or network, such as 10.0.0.0/8"
                ) from None
        return self


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
