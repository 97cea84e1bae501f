"""Secrets of every length, spelled in every way and cut off anywhere, and what names them: masked as they were."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pipeline import masking
from tests.pinned import assert_pinned

SECRET = "Zp4+odd/key & <of> \"no' shape"
"""29 characters, some of which every encoding spells in its own way."""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(masking.KNOWN_VALUES, raising=False)
    known = set(masking._known)
    masking.forget()
    yield
    masking.forget()
    masking.know(*known)


def learned(teach: Callable[[], None]) -> list[str]:
    """What is masked because of it."""
    masking.forget()
    teach()
    return sorted(masking._known)


def lines_of_spellings() -> Iterable[str]:
    for length in (3, 4, 5, 11, 12, 13, 15, 16, 17, 29):
        secret = SECRET[:length]
        masking.forget()
        masking.know(secret)
        spelled = [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1],
                   html.escape(secret)]  # fmt: skip
        spelled += [base64.b64encode(b"user:"[:before] + secret.encode()).decode() for before in range(4)]
        spelled += [base64.urlsafe_b64encode(secret.encode()).decode()]
        yield f"{length}: {[masking.masked(f'({text})') for text in spelled]} within {masking.masked(f'x{secret}y')}"
        cut = [masking.masked(f"it was {secret[:end]}") for end in range(10, length)]
        yield f"  cut off {cut} twice {masking.masked(f'{secret[:14]} {secret[:13]}.')}"
    masking.forget()
    masking.know("a secret of fifteen", "a secret of fifty", "a secret")
    yield f"several {masking.masked('a secret of fif, a secret of fifteen words, a secret of fi')}"
    yield f"no secrets {learned(lambda: masking.know('none', 'TRUE', 'localhost', 'abc', 'abcd'))}"


ADDRESSES = (
    "postgresql://ann:pw%2Fx1@db.local/calls", "postgresql://ann@db.local", "http://token-1@host",
    "http://:word@host/p@q",
    "host=db password=open sesame", "password='it''s \\'quoted\\''", "PASSWORD = open%20it", "passwords=none1",
    "https://x.local/?api_key=one1&page=two2&sig=three3&X-Amz-Signature=four4", "https://[bad/?key=five5",
    "api_key=six66",
)  # fmt: skip
ENVIRONMENT = {
    "THE_TOKEN": "token-value", "TOKEN": "short", "PASSWORD": "/etc/password", "SECRET_KEY": "~/secret",
    "key": "six666", "MONKEY": "banana-bread", "ANY": "redis://:pass-1@cache", "APIKEY": "not-named",
    "OPENAI_API_KEY": "none",
}  # fmt: skip
WEBHOOK = "https://hooks.local/services/T0000000/incomingwebhook/abcdefg/abcdefgh?x=query-value&y=short"
SETTINGS: dict[str, Any] = {
    "url": "http://ann:pass-1@host", "password": "pass-2", "empty": {"token": "tok", "secret": "pass-3"},
    "list": [{"api_key": "pass-4"}, "http://bob:pass-5@host", 7], "key_env": "THE_TOKEN", "other_env": "NOWHERE",
    "webhook": {"url": WEBHOOK}, "nested": {"webhook": {"url": None}}, "number": 5,
}  # fmt: skip
SHAPES = (
    "http://ann:secret@host/path", "see http://longtoken1@host", "http://short@host", "ftp://a:b@c d:e@f",
    "Bearer abcdefgh", "bearer abcdefg", "Basic YWJjZGVmZ2g=", "sk-abcdefghijkl", "sk-abcdefghijk", "ask-abcdefghijkl",
    "ghp_abcdefghijklmnop", "github_pat_abcdefghijkl", "xoxb-abcdefghijkl", "glpat-abcdefghijkl", "hf_abcdefghijkl",
    "AIza" + "a" * 30, "AIza" + "a" * 29, "AKIAABCDEFGHIJKL", "ASIAABCDEFGHIJK", "earshot_abcdefgh_abcdefgh",
    "earshot_abcdefgh_abcdefg", "eyJabcdefgh.abcdefgh.abcdefgh", "eyJabcdefgh.abcdefgh.abcdefg",
    "password=hidden, shown",
    "the db_password: 'hidden' shown", "X-Amz-Signature=abc&x=1", "Authorization: Bearer abcdefgh shown", "token = ***",
    '{"api_key": "hidden"}', "passwords are kept", "TOKEN\u0130 token=x", "\u0130 secret=x", "apikey:x api-key=y",
)  # fmt: skip


def lines_of_names() -> Iterable[str]:
    for address in ADDRESSES:
        yield f"{address}: {learned(lambda: masking.know_addresses(address))}"  # noqa: B023
    yield f"environment {learned(lambda: masking.know_environment(ENVIRONMENT))}"
    yield f"settings {learned(lambda: masking.know_settings(SETTINGS, ENVIRONMENT))}"
    masking.forget()
    yield f"content {masking.masked_content({**SETTINGS, 'tuple': ('Bearer abcdefgh', None, b'x'), 'token': ''})}"
    for url in (
        "https://a.local",
        "https://a.local/",
        "https://a.local?x=1",
        "https://a.local#x",
        "https://a.local/b/c?d",
    ):
        yield f"webhook {url} {masking.masked_content({'webhook': {'url': url, 'token': 'x'}})}"
    for text in SHAPES:
        yield f"{text}: {masking.masked(text)}"
    for text in ("one\n two\t", "x" * 11, "x" * 10, "password=hidden and more"):
        yield f"excerpt {masking.excerpt(text, 10)!r} {len(masking.excerpt(text * 90))}"
    yield f"long excerpt {masking.excerpt(' ' * 19_999 + 'ab', 10)!r}"


@pytest.mark.parametrize("lines", [lines_of_spellings, lines_of_names])
def test_masks(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"masking_{lines.__name__}.txt", "\n".join(lines()))
