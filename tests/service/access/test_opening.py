"""Whether the service may be opened at all, and whom without a token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db.access.tokens import revoke_token
from db.connection import Database
from pipeline.config.areas.access import AccessSettings, JwtSettings
from pipeline.config.areas.service import ServiceSettings
from pipeline.errors import ConfigurationError
from service.access.opening import gate_of, jwt_reader, only_loopback
from tests.loopback import Reply, listening
from tests.service.access.conftest import token_in
from tests.service.access.test_jwts import ec_key, public, settings, signed

OPEN = {"host": "0.0.0.0"}
JWT = {"issuer": "https://login.example", "audience": "earshot", "algorithms": "HS256"}


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.1", False), ("no.such.host.invalid", False)],
)  # fmt: skip
def test_what_is_reached_from_this_machine_alone(host: str, alone: bool) -> None:
    assert only_loopback(host) is alone


def test_this_machine_alone_needs_no_token(database: Database) -> None:
    assert gate_of(database, ServiceSettings()).local


@pytest.mark.parametrize(
    "settings", [ServiceSettings(host="0.0.0.0"), ServiceSettings(access=AccessSettings(required=True))]
)
def test_where_nobody_could_be_told_from_anybody_it_does_not_open(
    database: Database, settings: ServiceSettings
) -> None:
    with pytest.raises(ConfigurationError, match=r"run\.py tokens create"):
        gate_of(database, settings)
    token_in(database, "old", for_s=-1)
    token_in(database, "revoked")
    revoke_token(database, "revoked")
    with pytest.raises(ConfigurationError):
        gate_of(database, settings)
    token_in(database, "good")
    assert not gate_of(database, settings).local


def test_an_issuer_is_enough(database: Database) -> None:
    settings = ServiceSettings.model_validate({**OPEN, "access": {"jwt": JWT}})
    assert not gate_of(database, settings, {"EARSHOT_JWT_SECRET": "x" * 32}).local
    with pytest.raises(ConfigurationError, match="EARSHOT_JWT_SECRET"):
        gate_of(database, settings, {})


@pytest.mark.parametrize(
    ("algorithm", "length", "enough"),
    [("HS256", 31, False), ("HS256", 32, True), ("HS384", 47, False), ("HS384", 48, True), ("HS512", 63, False),
     ("HS512", 64, True)],
)  # fmt: skip
def test_a_secret_is_as_long_as_its_hash(algorithm: str, length: int, enough: bool) -> None:
    settings = JwtSettings.model_validate({**JWT, "algorithms": algorithm})
    environment = {settings.secret_env: "x" * length}
    if enough:
        assert jwt_reader(settings, environment) is not None
        return
    with pytest.raises(ConfigurationError, match=f"has {length} bytes; {algorithm} needs .* at least {length + 1}"):
        jwt_reader(settings, environment)


def test_keys_are_read_from_a_file_or_an_address_and_without_an_issuer_from_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public(ec_key("a"), "a")]}))
    with listening(lambda _: Reply(200, path.read_bytes())) as server:
        for keys in (str(path), server.url):
            found = jwt_reader(settings(keys=keys), {})
            assert found is not None
            assert found.read(signed()).principal.name == "jwt:ann"
    with pytest.raises(ConfigurationError, match="there is no file"):
        jwt_reader(settings(keys=str(tmp_path / "none.json")), {})
    assert jwt_reader(JwtSettings(), {}) is None


def test_without_tls_a_warning_says_so(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    token_in(database, "good")
    gate_of(database, ServiceSettings(host="0.0.0.0"))
    assert "without TLS" in caplog.text
    caplog.clear()
    gate_of(database, ServiceSettings())
    assert not caplog.records


def test_proxies_are_addresses() -> None:
    assert AccessSettings(trusted_proxies=("10.0.0.0/8", "::1"))
    with pytest.raises(ValueError, match="no address or network"):
        AccessSettings(trusted_proxies=("*",))
