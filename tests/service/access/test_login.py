"""The pages' login, and how it ends."""

from __future__ import annotations

import psycopg
import pytest
from starlette.testclient import TestClient

from db.access.scopes import Scope
from db.access.token_text import new_token
from db.access.tokens import revoke_token
from service.access.gate import COOKIE, SECURE_COOKIE
from tests.service.access.conftest import House, token_in

ORIGIN = {"Origin": "https://earshot.example"}


def logged_in(house: House, token: str, **how: str) -> TestClient:
    browser = house.client(**how)
    answer = browser.post("/login", data={"token": token, "after": "/calls"}, headers=ORIGIN, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
    return browser


def test_a_page_leads_to_the_login_and_the_login_back(house: House) -> None:
    browser = house.client()
    answer = browser.get("/calls?agent=A7&q=", follow_redirects=False)
    assert answer.headers["location"] == "/login?after=%2Fcalls%3Fagent%3DA7%26q%3D"
    form = browser.get(answer.headers["location"])
    assert 'value="/calls?agent=A7&amp;q="' in form.text
    token = token_in(house.database, "ann <b>")
    browser = logged_in(house, f" {token}\n")
    html = browser.get("/calls").text
    assert "ann &lt;b&gt;" in html
    assert "Log out" in html
    assert house.mine in html


def test_the_cookie_is_for_this_host_over_tls_alone_and_holds_no_token(house: House) -> None:
    token = token_in(house.database, "x")
    answer = house.client().post("/login", data={"token": token}, headers=ORIGIN, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age=43200" in cookie.lower()
    assert "Domain" not in cookie
    assert token.split("_")[2] not in cookie
    assert len(cookie.partition("=")[2].partition(";")[0]) == 43, "32 random bytes"
    with psycopg.connect(house.database.url) as connection:
        kept = str(connection.execute("SELECT s::text FROM access_sessions s").fetchall())
    assert cookie.partition("=")[2].partition(";")[0] not in kept


def test_without_tls_the_cookie_has_another_name_and_is_not_taken_over_tls(house: House) -> None:
    token = token_in(house.database, "x")
    plain = house.client(host="http://earshot.example")
    answer = plain.post("/login", data={"token": token}, follow_redirects=False)
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
    assert "Secure" not in answer.headers["set-cookie"]
    value = plain.cookies[COOKIE]
    over_tls = house.client()
    over_tls.cookies.set(COOKIE, value)
    assert over_tls.get("/calls", follow_redirects=False).status_code == 303


def test_a_cookie_that_was_kept_is_good_no_longer_after_the_logout(house: House) -> None:
    browser = logged_in(house, token_in(house.database, "x"))
    value = browser.cookies[SECURE_COOKIE]
    assert browser.post("/logout", headers=ORIGIN, follow_redirects=False).headers["location"] == "/login"
    assert SECURE_COOKIE not in browser.cookies
    replayed = house.client()
    replayed.cookies.set(SECURE_COOKIE, value)
    assert replayed.get("/calls", follow_redirects=False).headers["location"].startswith("/login")


def test_a_cookie_is_good_no_longer_after_its_token_is_revoked(house: House) -> None:
    browser = logged_in(house, token_in(house.database, "x"))
    assert browser.get("/calls").status_code == 200
    revoke_token(house.database, "x")
    assert browser.get("/calls", follow_redirects=False).headers["location"].startswith("/login")


@pytest.mark.parametrize("table", ["access_sessions", "access_tokens"])
def test_a_login_ends_when_its_time_or_its_tokens_is_over(house: House, table: str) -> None:
    browser = logged_in(house, token_in(house.database, "x", for_s=600))
    with psycopg.connect(house.database.url, autocommit=True) as connection:
        connection.execute(f"UPDATE {table} SET expires_at = now()".encode())
    assert browser.get("/calls", follow_redirects=False).headers["location"].startswith("/login")


def test_a_login_has_the_scopes_and_rows_of_its_token(house: House) -> None:
    browser = logged_in(house, token_in(house.database, "x", [Scope.READ_WITHOUT_TEXT], queues=("billing",)))
    html = browser.get(f"/calls/{house.mine}").text
    assert "not shown to you" in html
    assert "was charged" not in html
    assert browser.get(f"/calls/{house.others}").status_code == 404
    assert browser.get(f"/calls/{house.mine}/audio").status_code == 403


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/a\nb", "x"]
)
def test_the_login_leads_nowhere_else(house: House, after: str) -> None:
    token = token_in(house.database, "x")
    answer = house.client().post("/login", data={"token": token, "after": after}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_wrong_token_is_told_on_the_form_and_not_repeated(house: House) -> None:
    wrong = new_token().text
    answer = house.client().post("/login", data={"token": wrong, "after": "/calls"})
    assert answer.status_code == 401
    assert "This token is unknown." in answer.text
    assert wrong.split("_")[2] not in answer.text
    assert 'value="/calls"' in answer.text


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Origin": "https://earshot.example.evil.example"}, {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_another_site_logs_nobody_in_or_out(house: House, path: str, headers: dict[str, str]) -> None:
    token = token_in(house.database, "x")
    browser = logged_in(house, token)
    assert browser.post(path, data={"token": token}, headers=headers).status_code == 403
    assert browser.get("/calls").status_code == 200


def test_wrong_cookies_are_counted_as_wrong_tokens(house: House) -> None:
    for number in range(25):
        browser = house.client()
        browser.cookies.set(SECURE_COOKIE, f"guess-{number}")
        answer = browser.get("/calls", follow_redirects=False)
    assert answer.status_code == 429


@pytest.mark.parametrize("path", ["/calls", "/login", "/v1/calls", "/nowhere"])
def test_answers_over_tls_ask_for_tls_from_then_on(house: House, path: str) -> None:
    assert house.client().get(path, follow_redirects=False).headers["strict-transport-security"] == "max-age=31536000"
    plain = house.client(host="http://earshot.example").get(path, follow_redirects=False)
    assert "strict-transport-security" not in plain.headers
    assert plain.headers["x-frame-options"] == "DENY"


def test_our_own_forms_are_taken_whatever_a_browser_makes_of_their_origin(house: House) -> None:
    """As Chromium sends them: with its word for it, and where a policy hides the origin with `null`."""
    token = token_in(house.database, "x")
    for headers in (ORIGIN, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}):
        answer = house.client().post("/login", data={"token": token}, headers=headers, follow_redirects=False)
        assert answer.status_code == 303
    assert house.client().get("/login").headers["referrer-policy"] == "same-origin"
    assert 'name="referrer" content="same-origin"' in house.client().get("/login").text
