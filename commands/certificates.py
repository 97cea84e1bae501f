"""TLS by certificate files: checked before they are used, and taken up again when they are renewed."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.config.areas.service import ServiceSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files: a certificate with its chain, and its private key."""

    chain: Path
    key: Path

    @property
    def stamp(self) -> tuple[int, ...]:
        """Another one when a file has changed. Raises OSError."""
        found = (self.chain.stat(), self.key.stat())
        return tuple(value for status in found for value in (status.st_mtime_ns, status.st_size, status.st_ino))


def certificate_of(settings: ServiceSettings) -> Certificate | None:
    """The configured one, checked; None for http. Raises ConfigurationError."""
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    found = Certificate(settings.tls_certificate_file, settings.tls_key_file)
    check(found)
    return found


def check(certificate: Certificate) -> None:
    """Raises ConfigurationError that names the file at fault."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    chain = f"service.tls_certificate_file {certificate.chain}"
    key = f"service.tls_key_file {certificate.key}"
    try:
        first = x509.load_pem_x509_certificates(_content(certificate.chain, chain))[0]
    except ValueError:
        raise ConfigurationError(f"{chain}: holds no certificate in PEM form") from None
    try:
        private = load_pem_private_key(_content(certificate.key, key), password=None)
    except TypeError:
        raise ConfigurationError(
            f"{key}: is behind a pass phrase; give a key without one, readable to Earshot alone"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{key}: holds no private key in PEM form") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if first.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise ConfigurationError(f"{key}: is not the key of {chain}, whose first certificate must be the server's own")
    if first.not_valid_after_utc < datetime.now(UTC):
        raise ConfigurationError(f"{chain}: expired on {first.not_valid_after_utc:%Y-%m-%d}; renew it")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"{chain} and {key}: cannot be used: {error}") from None


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{what}: {error.strerror}") from None


class Renewal:
    """Takes up certificate files that have changed, for connections from then on."""

    def __init__(self, certificate: Certificate, context: ssl.SSLContext) -> None:
        self._certificate = certificate
        self._context = context
        self._stamp = certificate.stamp

    def look(self) -> None:
        """Call it in the thread that accepts connections. A pair that cannot be used is told once and left."""
        try:
            stamp = self._certificate.stamp
            if stamp == self._stamp:
                return
            self._stamp = stamp
            check(self._certificate)
            self._context.load_cert_chain(self._certificate.chain, self._certificate.key)
        except (ConfigurationError, OSError) as error:
            log.error("the renewed certificate is not used: %s", error)
            return
        log.info("the renewed certificate %s is in use", self._certificate.chain)
