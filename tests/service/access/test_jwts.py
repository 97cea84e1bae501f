"""Tokens of the company's own issuer: what is accepted, and every way around that is not."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from db.access.scopes import Scope
from db.queries.chosen import EVERYTHING, RowScope
from pipeline.config.areas.access import JwtSettings
from service.access.jwt_keys import IssuersKeys
from service.access.jwts import BadJwt, JwtReader
from tests.service.access.conftest import House

ISSUER, AUDIENCE = "https://login.example", "earshot"
SECRET = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    del name
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    del name
    return ec.generate_private_key(ec.SECP256R1())


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str | None, **more: object) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        made = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    else:
        made = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return {**made, **({} if kid is None else {"kid": kid}), **more}


@dataclass
class Source:
    """Keys that are told, and how often they were asked for."""

    keys: list[dict[str, Any]]
    asked: int = 0
    away: bool = False

    def read(self) -> str:
        self.asked += 1
        if self.away:
            raise OSError("away")
        return json.dumps({"keys": self.keys})

    def changed(self) -> bool:
        return False


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(**changes: Any) -> JwtSettings:
    usual = {"issuer": ISSUER, "audience": [AUDIENCE], "algorithms": ["ES256", "RS256"], "keys": "keys.json"}
    return JwtSettings.model_validate({**usual, **changes})


def claims(**changes: Any) -> dict[str, Any]:
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 300, "scope": "read other"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def reader(source: Source | None = None, clock: Clock | None = None, **changes: Any) -> JwtReader:
    keys = source or Source([public(ec_key("a"), "a"), public(rsa_key("r"), "r")])
    return JwtReader(settings(**changes), IssuersKeys(keys, kept_s=3600, wait_s=60, now=clock or Clock()))


def signed(payload: dict[str, Any] | None = None, *, kid: str | None = "a", algorithm: str = "ES256",
           key: Any = None, headers: dict[str, Any] | None = None) -> str:  # fmt: skip
    more = {**({} if kid is None else {"kid": kid}), **(headers or {})}
    return jwt.encode(payload or claims(), key or ec_key("a"), algorithm=algorithm, headers=more)


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, payload)]
    return f"{parts[0]}.{parts[1]}.{signature}"


def test_claims_become_a_principal() -> None:
    accepted = reader().read(signed())
    assert accepted.principal.name == "jwt:ann"
    assert accepted.principal.scopes == {Scope.READ}
    assert accepted.principal.rows == EVERYTHING
    assert accepted.expires_at_s > time.time()
    assert reader().read(signed(kid="r", algorithm="RS256", key=rsa_key("r"))).principal.name == "jwt:ann"


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({"queues": "billing", "segments": ["b2c", "b2b"]}, RowScope(queues=("billing",), segments=("b2c", "b2b"))),
        ({"queues": "*", "segments": ["*"]}, EVERYTHING),
        ({}, RowScope(queues=(), segments=())),
        ({"queues": 7, "segments": [3, None]}, RowScope(queues=(), segments=())),
    ],
)
def test_rows_are_those_a_claim_names_and_none_where_it_is_missing(given: dict[str, Any], rows: RowScope) -> None:
    found = reader(segments_claim="segments", queues_claim="queues").read(signed(claims(**given)))
    assert found.principal.rows == rows


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [("analysts", {Scope.READ_WITHOUT_TEXT}), (["analysts", "bosses"], {Scope.READ_WITHOUT_TEXT, Scope.ADMIN}),
     ("admin", set()), (None, set()), (7, set())],
)  # fmt: skip
def test_scopes_are_mapped_and_other_words_give_nothing(scope: Any, scopes: set[Scope]) -> None:
    mapped = reader(scopes={"analysts": "read_without_text", "bosses": "admin"})
    assert mapped.read(signed(claims(scope=scope))).principal.scopes == scopes


NOT_ACCEPTED: dict[str, dict[str, Any]] = {
    "expired": {"exp": time.time() - 120},
    "no end": {"exp": None},
    "not yet valid": {"nbf": time.time() + 3600},
    "another audience": {"aud": "payroll"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "no name": {"sub": None},
    "an empty name": {"sub": " "},
    "a name of two lines": {"sub": "a\nb"},
}


@pytest.mark.parametrize("changes", NOT_ACCEPTED.values(), ids=NOT_ACCEPTED.keys())
def test_claims_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadJwt):
        reader().read(signed(claims(**changes)))


def test_clocks_may_differ_by_the_leeway() -> None:
    assert reader().read(signed(claims(exp=time.time() - 20)))
    with pytest.raises(BadJwt, match="expired"):
        reader(leeway_s=5).read(signed(claims(exp=time.time() - 20)))


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hmac_with(secret: bytes, header: dict[str, Any]) -> str:
    """PyJWT refuses to sign with a public key; an attacker does not."""
    import hashlib
    import hmac

    body = unsigned(header, claims()).removesuffix(".")
    signature = base64.urlsafe_b64encode(hmac.new(secret, body.encode(), hashlib.sha256).digest()).decode()
    return f"{body}.{signature.rstrip('=')}"


def test_signatures_are_not_what_the_token_says_they_are() -> None:
    attacks = {
        "none": unsigned({"alg": "none", "kid": "a"}, claims()),
        "None": unsigned({"alg": "None", "kid": "a"}, claims()),
        "no algorithm": unsigned({"kid": "a"}, claims()),
        "an empty signature": unsigned({"alg": "ES256", "kid": "a"}, claims()),
        "the public key as a secret": hmac_with(pem(rsa_key("r")), {"alg": "HS256", "kid": "r"}),
        "the same, called RS256": hmac_with(pem(rsa_key("r")), {"alg": "RS256", "kid": "r"}),
        "another's key": signed(key=ec_key("evil")),
        "a key in the header": signed(key=ec_key("evil"), headers={"jwk": public(ec_key("evil"), "a")}),
        "an address in the header": signed(key=ec_key("evil"), headers={"jku": "https://evil.example/keys"}),
        "the key of another kind": signed(kid="r"),
        "an algorithm nobody named": signed(kid="r", algorithm="RS512", key=rsa_key("r")),
        "a kid that is no text": unsigned({"alg": "ES256", "kid": ["a"]}, claims()),
        "no kid where several keys fit": "",
        "deep": "ey" + "A" * 5000 + ".e30.",
        "long": "a" * 9000,
        "nothing": "",
        "dots": "..",
    }  # fmt: skip
    for what, token in attacks.items():
        with pytest.raises(BadJwt):
            assert reader().read(token) is None, what


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES384"}, {"crv": "P-384"}, {"kty": "oct", "k": "AAAA"},
     {"x": "!"}, {"kty": 5}],
)  # fmt: skip
def test_keys_for_something_else_are_not_used(changes: dict[str, Any]) -> None:
    with pytest.raises(BadJwt):
        reader(Source([public(ec_key("a"), "a", **changes)])).read(signed())


def test_a_token_without_kid_is_for_the_only_key_that_fits() -> None:
    assert reader(Source([public(ec_key("a"), None), public(rsa_key("r"), "r")])).read(signed(kid=None))
    with pytest.raises(BadJwt):
        reader(Source([public(ec_key("a"), "a"), public(ec_key("b"), "b")])).read(signed(kid=None))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_accepts_its_own_algorithm_alone(algorithm: str) -> None:
    by_secret = JwtReader(settings(algorithms=[algorithm], keys=None), SECRET)
    assert by_secret.read(jwt.encode(claims(), SECRET, algorithm=algorithm)).principal.name == "jwt:ann"
    others = {"HS256", "HS384", "HS512"} - {algorithm}
    wrong = [jwt.encode(claims(), SECRET, algorithm=other) for other in others]
    for token in (
        *wrong,
        jwt.encode(claims(), SECRET[::-1], algorithm=algorithm),
        signed(),
        unsigned({"alg": "none"}, claims()),
    ):
        with pytest.raises(BadJwt):
            by_secret.read(token)


# ---------------------------------------------------------------------------------------- over the service


class TestOverTheService:
    @pytest.fixture
    def jwts(self) -> JwtReader:
        return reader(queues_claim="queues")

    def test_a_jwt_reads_its_rows_and_is_kept_in_the_audit(self, house: House) -> None:
        client = house.client(signed(claims(queues=["billing"])))
        assert client.get(f"/calls/{house.mine}").status_code == 200
        assert client.get(f"/calls/{house.others}").status_code == 404
        with house.database.connection() as connection:
            kept = connection.execute("SELECT reader, credential, what, address FROM call_reads").fetchall()
        assert kept == [("jwt:ann", "jwt", "page", "192.0.2.7")]

    def test_a_jwt_logs_in_for_as_long_as_it_is_good(self, house: House) -> None:
        browser = house.client()
        token = signed(claims(queues="billing", exp=time.time() + 90))
        answer = browser.post("/login", data={"token": token}, follow_redirects=False)
        assert answer.status_code == 303
        assert (
            "max-age=89" in answer.headers["set-cookie"].lower() or "max-age=9" in answer.headers["set-cookie"].lower()
        )
        assert "jwt:ann" in browser.get("/calls").text
        assert house.others not in browser.get("/calls").text

    def test_why_it_is_refused_is_told_without_it(self, house: House, caplog: pytest.LogCaptureFixture) -> None:
        token = signed(claims(aud="payroll"))
        answer = house.client(token).get(f"/v1/calls/{house.mine}")
        assert answer.status_code == 401
        assert "another audience" in answer.json()["detail"]
        assert token not in caplog.text
        assert "a JWT" in caplog.text
