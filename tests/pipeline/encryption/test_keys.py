"""Where keys come from: files, the environment, a key service; and what is said where one is missing."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption.keys import KeyMissing, KeyRing, key_ring, new_key
from pipeline.errors import ConfigurationError, ServiceUnavailable
from tests.loopback import Reply, Request, endless, json_reply, listening


def settings(key: str | None, *old: str) -> EncryptionSettings:
    return EncryptionSettings(key=key, old_keys=old)


def goes_round(ring: KeyRing, reader: KeyRing) -> bool:
    key = os.urandom(32)
    return reader.unwrap(ring.wrap(key, b"file"), b"file") == key


def test_a_key_from_a_file_and_the_same_from_the_environment(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", key_file.read_text())
    assert goes_round(key_ring(settings(f"file:{key_file}")), key_ring(settings("env:THE_KEY")))


def test_old_keys_read_and_do_not_write(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", new_key())
    old, both = key_ring(settings(f"file:{key_file}")), key_ring(settings("env:NEW", f"file:{key_file}"))
    assert goes_round(old, both)
    assert both.key_id == key_ring(settings("env:NEW")).key_id
    assert goes_round(old, key_ring(settings(None, f"file:{key_file}")))
    with pytest.raises(KeyMissing, match="no key to encrypt with"):
        key_ring(settings(None, f"file:{key_file}")).wrap(b"k" * 32, b"")


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("short", 0o600, "holds no key"),
        (base64.b64encode(b"x" * 16).decode(), 0o600, "holds no key"),
        (base64.b64encode(b"x" * 33).decode(), 0o600, "holds no key"),
        (base64.b64encode(b"x" * 32).decode() + "é", 0o600, "it is no text"),
        ("!" + base64.b64encode(b"x" * 32).decode(), 0o600, "holds no key"),
        (base64.b64encode(b"x" * 32).decode(), 0o644, "others may read"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_key_file_that_is_none_is_said_and_not_quoted(
    tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(ConfigurationError, match=says) as told:
        key_ring(settings(f"file:{path}"))
    assert content is None or content not in str(told.value)


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="THE_KEY is not set"):
        key_ring(settings("env:THE_KEY"))


class FakeKms:
    """Speaks KMS's JSON protocol; its one key never leaves it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False
        self.endless = False
        self._master = AESGCM(b"m" * 32)

    def __call__(self, request: Request) -> Reply:
        body = request.json()
        operation = request.headers["x-amz-target"].removeprefix("TrentService.")
        self.asked.append(operation)
        if self.endless:
            return Reply(200, endless(b'{"Plaintext": "', b"x" * 100_000))
        if self.refuses:
            return json_reply({"__type": "AccessDeniedException", "message": "no"}, 400)
        about = body["KeyId"].encode()
        if operation == "GenerateDataKey":
            plain, nonce = os.urandom(32), os.urandom(12)
            blob = nonce + self._master.encrypt(nonce, plain, about)
            return json_reply({"KeyId": body["KeyId"], "Plaintext": _b64(plain), "CiphertextBlob": _b64(blob)})
        blob = base64.b64decode(body["CiphertextBlob"])
        plain = self._master.decrypt(blob[:12], blob[12:], about)
        return json_reply({"KeyId": body["KeyId"], "Plaintext": _b64(plain)})


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKms]:
    service = FakeKms()
    with listening(service) as server:
        for name, value in {
            "AWS_ENDPOINT_URL_KMS": server.url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield service


def test_a_key_service_is_asked_once_for_all_files_of_a_process(kms: FakeKms) -> None:
    writer, reader = key_ring(settings("kms:alias/earshot")), key_ring(settings("kms:alias/earshot"))
    wrapped = [writer.wrap(bytes([number]) * 32, b"file") for number in range(5)]
    assert [reader.unwrap(one, b"file")[0] for one in wrapped] == [0, 1, 2, 3, 4]
    assert kms.asked == ["GenerateDataKey", "Decrypt"]


def test_a_key_service_that_refuses_is_said(kms: FakeKms) -> None:
    kms.refuses = True
    with pytest.raises(KeyMissing, match=r"kms:alias/earshot: KMS refuses \(AccessDeniedException\)"):
        key_ring(settings("kms:alias/earshot")).wrap(b"k" * 32, b"")


def test_a_key_service_that_talks_without_end_is_cut_off(kms: FakeKms) -> None:
    kms.endless = True
    with pytest.raises(KeyMissing, match="the answer is longer than 1,000,000 bytes"):
        key_ring(settings("kms:alias/earshot")).wrap(b"k" * 32, b"")


def test_a_key_service_that_is_away_is_said(kms: FakeKms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ServiceUnavailable, match="KMS cannot be asked"):
        key_ring(settings("kms:alias/earshot")).wrap(b"k" * 32, b"")
    assert kms.asked == []
