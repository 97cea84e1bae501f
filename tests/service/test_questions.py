"""Questions across calls over HTTP: the page and /v1/ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from analysis.questions.asked import LONGEST
from analysis.questions.asking import Asker
from commands.ask.index import index_calls
from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter, RowScope
from pages.filters import LONGEST_VALUE
from pipeline.config.root import Settings
from pipeline.errors import ServiceUnavailable
from service.access import Principal, Scope
from service.app import API_ROOMS, application
from service.asking import AT_ONCE, AskingRoom
from service.questions import AskRequest
from tests.analysis.questions.encoders import chosen
from tests.analysis.questions.stored import CANCELS, CARD, store_call
from tests.service.conftest import LOOPBACK, all_heard
from tests.waiting import PATIENCE_S


class As:
    """Everybody is this one."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def admit(self, _: object) -> Principal:
        return self.principal


@pytest.fixture
def calls(store: PostgresStore, run_id: str, database: Database) -> dict[str, str]:
    stored = {
        "cancels": store_call(store, run_id, "cancels", *CANCELS),
        "card": store_call(store, run_id, "card", *CARD),
        "markup": store_call(store, run_id, "markup", 'c: <b>wifi</b> outage & "quotes"', "a: hm"),
    }
    index_calls(database, Settings(), encoder=chosen())
    return stored


@pytest.fixture
def browser(calls: dict[str, str], database: Database, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings()
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS)
    app.state.context.asking._asker = Asker(settings.ask, chosen())
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as client:
        yield client


def test_an_answer_counts_calls_and_quotes_with_their_place(browser: TestClient, calls: dict[str, str]) -> None:
    answer = browser.post("/v1/ask", json={"question": "why do customers quit?"}).json()
    assert answer["found"]
    group = answer["groups"][0]
    assert group["call_ids"] == [calls["cancels"]]
    assert group["quotes"][0]["text"] == CANCELS[0][3:]
    assert answer["calls"] == answer["calls_searched"] == 3
    assert (answer["sentences"], answer["model"]) == ([], None)
    assert browser.get("/v1/ask", params={"question": "why do customers quit?"}).json() == answer


def test_filters_choose_the_calls(browser: TestClient) -> None:
    for wanted, calls in (
        ({"agent": "A7", "from": "2026-11-20"}, 3),
        ({"agent": "A8"}, 0),
        ({"to": "2026-11-19"}, 0),
        ({"since": "2026-11-21T00:00:00Z"}, 0),
        ({"topic": "-"}, 3),
    ):
        answer = browser.post("/v1/ask", json={"question": "why do customers quit?", **wanted}).json()
        assert answer["calls"] == calls, wanted
        assert answer["found"] is bool(calls)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"question": ""}, {"question": "?!"}, {"question": "x" * 1001}, {"question": "why", "mood": "furious"},
        {"question": "why", "from": "yesterday"}, {"question": "why", "nonsense": 1}, {"question": ["why"]},
        {"question": "why", "agent": "a\x00b"}, {"question": "why", "from": "2026-02-02", "to": "2026-01-01"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem_that_says_why(browser: TestClient, body: dict[str, object]) -> None:
    answer = browser.post("/v1/ask", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_row_scope_narrows_what_is_looked_through(browser: TestClient) -> None:
    scope = RowScope(segments=("b2b",))
    browser.app.state.gate = As(  # type: ignore[attr-defined]
        Principal(name="partner", scopes=frozenset({Scope.READ}), rows=scope)
    )
    answer = browser.post("/v1/ask", json={"question": "why do customers quit?"}).json()
    assert (answer["found"], answer["calls"], answer["groups"], answer["nearest"]) == (False, 0, [], [])
    assert "contract" not in browser.get("/ask?question=why+do+customers+quit%3F").text


def test_who_may_not_read_words_may_not_ask(browser: TestClient) -> None:
    browser.app.state.gate = As(  # type: ignore[attr-defined]
        Principal(name="figures", scopes=frozenset({Scope.READ_WITHOUT_TEXT}))
    )
    assert browser.post("/v1/ask", json={"question": "why"}).status_code == 403
    assert browser.get("/v1/ask?question=why").status_code == 403
    assert browser.get("/ask?question=why").status_code == 403


def test_the_page_answers_with_links_to_the_moments(browser: TestClient, calls: dict[str, str]) -> None:
    html = browser.get("/ask?question=stolen+plastic").text
    assert '<q dir="auto">my card was stolen on the train</q>' in html
    assert f'href="/calls/{calls["card"]}#at=2.5"' in html
    assert "3 calls looked through" in html


def test_the_page_says_when_it_is_not_in_these_calls(browser: TestClient) -> None:
    html = browser.get("/ask?question=bitcoin&agent=A7").text
    assert "Not in these calls" in html
    assert "What comes nearest" in html
    assert "Agent A7" in html


def test_the_page_says_when_no_call_is_ready(
    store: PostgresStore, run_id: str, database: Database, tmp_path: Path
) -> None:
    store_call(store, run_id, "card", *CARD)
    app = application(database, Settings(), tmp_path / "spool", all_heard)
    app.state.context.asking._asker = Asker(Settings().ask, chosen())
    with TestClient(app, base_url=LOOPBACK) as client:
        html = client.get("/ask?question=stolen+card").text
    assert "No call is ready for questions yet" in html
    assert "Not in these calls" not in html


@pytest.mark.parametrize("question", ["", "%3F%21", "%00", "%3Cscript%3Ealert(1)%3C/script%3E", "x" * 3000, "%F0%9F"])
def test_the_page_takes_any_question(browser: TestClient, question: str) -> None:
    answer = browser.get(f"/ask?question={question}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_what_was_said_is_text_and_no_markup(browser: TestClient) -> None:
    html = browser.get("/ask?question=internet+outage").text
    assert "&lt;b&gt;wifi&lt;/b&gt;" in html


def test_view_has_the_page_and_no_api(calls: dict[str, str], database: Database, tmp_path: Path) -> None:
    app = application(database, Settings(), tmp_path / "spool", all_heard)
    with TestClient(app, base_url=LOOPBACK) as client:
        assert 'aria-current="page">Ask<' in client.get("/ask").text
        assert client.get("/v1/ask?question=why").status_code == 404


def test_too_many_questions_at_once_are_told_to_come_again(database: Database) -> None:
    class Slow(Asker):
        def ask(self, *_: object) -> None:  # type: ignore[override]
            busy.release()
            go_on.wait(PATIENCE_S)

    busy, go_on = threading.Semaphore(0), threading.Event()
    room = AskingRoom(database, Settings(), patience_s=0.01)
    room._asker = Slow(Settings().ask, chosen())
    threads = [threading.Thread(target=room.ask, args=("why", CallFilter())) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        busy.acquire()
    with pytest.raises(ServiceUnavailable, match="ask again"):
        room.ask("why", CallFilter())
    go_on.set()
    for thread in threads:
        thread.join()
    assert room._turns.acquire(timeout=0), "turns come back"


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({"question": "w" * LONGEST, "agent": "a" * LONGEST_VALUE}, True),
        ({"question": "w" * (LONGEST + 1)}, False),
        ({"question": ""}, False),
        ({"question": "why?", "agent": "a" * (LONGEST_VALUE + 1)}, False),
        ({"question": "why?", "colour": "red"}, False),
    ],
)
def test_how_much_may_be_asked(asked: dict[str, str], taken: bool) -> None:
    if taken:
        assert AskRequest.model_validate(asked).agent == "a" * 400
    else:
        with pytest.raises(ValueError, match="1 validation error"):
            AskRequest.model_validate(asked)
