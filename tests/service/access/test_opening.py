"""Whether the service may be opened at all, and whom without a token."""

from __future__ import annotations

import pytest

from db.access.tokens import revoke_token
from db.connection import Database
from pipeline.config.areas.access import AccessSettings
from pipeline.config.areas.service import ServiceSettings
from pipeline.errors import ConfigurationError
from service.access.opening import gate_of, only_loopback
from tests.service.access.conftest import token_in

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


def test_without_tls_a_warning_says_so(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    token_in(database, "good")
    gate_of(database, ServiceSettings(host="0.0.0.0"))
    assert "without TLS" in caplog.text


def test_proxies_are_addresses() -> None:
    assert AccessSettings(trusted_proxies=("10.0.0.0/8", "::1"))
    with pytest.raises(ValueError, match="no address or network"):
        AccessSettings(trusted_proxies=("*",))
