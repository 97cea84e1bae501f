"""TLS by certificate files: a pair that cannot be used is told before it is, and a renewed one is taken up."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from commands.certificates import Certificate, Renewal, certificate_of
from pipeline.config.areas.service import ServiceSettings
from pipeline.errors import ConfigurationError


@dataclass(frozen=True)
class Pair:
    chain: bytes
    key: bytes


def pair(days: int = 30, encryption: KeySerializationEncryption | None = None) -> Pair:
    """A certificate of 127.0.0.1 signed by its own key; `days` from now it ends."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return Pair(made.public_bytes(Encoding.PEM), private)


def written(folder: Path, chain: bytes, key: bytes) -> ServiceSettings:
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    return ServiceSettings(tls_certificate_file=folder / "chain.pem", tls_key_file=folder / "key.pem")


def test_a_good_pair_is_taken(tmp_path: Path) -> None:
    good = pair()
    assert certificate_of(written(tmp_path, good.chain, good.key)) == Certificate(
        tmp_path / "chain.pem", tmp_path / "key.pem"
    )
    assert certificate_of(ServiceSettings()) is None


GOOD = pair()
WRONG: dict[str, tuple[bytes, bytes, str]] = {
    "no certificate": (b"hello", GOOD.key, r"tls_certificate_file .*chain\.pem: holds no certificate"),
    "the key as certificate": (GOOD.key, GOOD.key, r"chain\.pem: holds no certificate"),
    "no key": (GOOD.chain, b"hello", r"tls_key_file .*key\.pem: holds no private key"),
    "another's key": (GOOD.chain, pair().key, r"key\.pem: is not the key of"),
    "behind a pass phrase": (
        GOOD.chain,
        pair(encryption=BestAvailableEncryption(b"x")).key,
        r"key\.pem: .*pass phrase",
    ),
    "expired": (pair(days=-1).chain, b"", "holds no private key"),
}


@pytest.mark.parametrize(("chain", "key", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_pair_that_cannot_be_used_names_the_file(tmp_path: Path, chain: bytes, key: bytes, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        certificate_of(written(tmp_path, chain, key))


def test_a_certificate_that_has_expired_is_told(tmp_path: Path) -> None:
    old = pair(days=-1)
    with pytest.raises(ConfigurationError, match=r"chain\.pem: expired on"):
        certificate_of(written(tmp_path, old.chain, old.key))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = written(tmp_path, GOOD.chain, GOOD.key)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(ConfigurationError, match=r"key\.pem: No such file"):
        certificate_of(settings)


@pytest.mark.parametrize("missing", ["tls_certificate_file", "tls_key_file"])
def test_one_of_the_two_alone_is_refused(missing: str) -> None:
    both = {"tls_certificate_file": "chain.pem", "tls_key_file": "key.pem"}
    with pytest.raises(ValueError, match="belong together"):
        ServiceSettings.model_validate({name: value for name, value in both.items() if name != missing})


class Context(ssl.SSLContext):
    """Remembers how often it was given a pair."""

    loads = 0

    def load_cert_chain(self, *files: object, **more: object) -> None:
        super().load_cert_chain(*files, **more)  # type: ignore[arg-type]
        self.loads += 1


def test_a_renewed_pair_is_taken_up_once_and_half_of_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = certificate_of(written(tmp_path, GOOD.chain, GOOD.key))
    assert certificate is not None
    context = Context(ssl.PROTOCOL_TLS_SERVER)
    renewal = Renewal(certificate, context)
    renewal.look()
    assert context.loads == 0
    renewed = pair()
    replace(tmp_path / "chain.pem", renewed.chain)
    renewal.look()
    renewal.look()
    assert context.loads == 0
    assert caplog.text.count("is not the key of") == 1
    replace(tmp_path / "key.pem", renewed.key)
    renewal.look()
    renewal.look()
    assert context.loads == 1
    (tmp_path / "key.pem").unlink()
    renewal.look()
    assert context.loads == 1


def replace(path: Path, content: bytes) -> None:
    """As tools that renew certificates do."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    os.replace(beside, path)
