"""The gate that the configuration asks for, and whether the service may open at all."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from db.access.tokens import all_tokens
from pipeline.errors import ConfigurationError
from service.access.gate import Gate
from service.access.jwt_keys import IssuersKeys, KeyAddress, KeyFile
from service.access.jwts import JwtReader

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.areas.access import JwtSettings
    from pipeline.config.areas.service import ServiceSettings

log = logging.getLogger(__name__)

_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""RFC 7518, 3.2: as long as the hash."""


def gate_of(database: Database, settings: ServiceSettings, environment: Mapping[str, str] = os.environ) -> Gate:
    """The gate of `run.py serve`.

    Raises ConfigurationError where other machines could ask and nobody could be told from anybody else, and where the
    issuer's secret or keys are not there.
    """
    access = settings.access
    alone = only_loopback(settings.host)
    jwts = jwt_reader(access.jwt, environment)
    if not (alone and not access.required) and jwts is None and not any(token.good for token in all_tokens(database)):
        where = (
            f"service.host {settings.host} can be reached from other machines"
            if not alone
            else ("service.access.required is true")
        )
        raise ConfigurationError(
            f"{where}, and nobody has a token; make one (`run.py tokens create NAME --scope admin`), or set "
            "service.access.jwt.issuer; or serve this machine alone (service.host: 127.0.0.1)"
        )
    if not alone and settings.tls_certificate_file is None:
        log.warning(
            "service.host %s is served without TLS: tokens and words can be read in transit. Set "
            "service.tls_certificate_file and service.tls_key_file, or let a proxy do it",
            settings.host,
        )
    return Gate(database, access, local=alone and not access.required, jwts=jwts)


def only_loopback(host: str) -> bool:
    """Whether a name or address to listen on is reached from this machine alone, whatever it resolves to."""
    try:
        found = {str(found_address[4][0]) for found_address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def jwt_reader(settings: JwtSettings, environment: Mapping[str, str]) -> JwtReader | None:
    """None where no issuer is configured. Raises ConfigurationError."""
    if settings.issuer is None:
        return None
    if settings.keys is None:
        return JwtReader(settings, _secret(settings, environment))
    if "://" in settings.keys:
        source: KeyAddress | KeyFile = KeyAddress(settings.keys)
    else:
        path = Path(settings.keys)
        if not path.is_file():
            raise ConfigurationError(f"service.access.jwt.keys: there is no file {path}")
        source = KeyFile(path)
    return JwtReader(settings, IssuersKeys(source, kept_s=settings.keys_kept_s, wait_s=settings.keys_wait_s))


def _secret(settings: JwtSettings, environment: Mapping[str, str]) -> bytes:
    secret = environment.get(settings.secret_env, "").encode("utf-8", "surrogateescape")
    needed = max(_SECRET_BYTES[name] for name in settings.algorithms)
    if len(secret) < needed:
        raise ConfigurationError(
            f"the environment variable {settings.secret_env} (service.access.jwt.secret_env) has {len(secret)} bytes; "
            f"{', '.join(settings.algorithms)} needs a secret of at least {needed}"
        )
    return secret
