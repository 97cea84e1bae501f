"""The dashboard over HTTP: what it counts is what its links list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from analysis.records import CallSentiment, Topic
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.sources import InputSettings
from pipeline.config.root import Settings
from pipeline.records import CallFailure, SkippedFile
from service.app import application
from tests.db.samples import CALM, CROSS, GLAD, found, outcome, prepared, sentiments, step, talk, transcript
from tests.house import PROJECT
from tests.service.conftest import LOOPBACK, all_heard

MONDAY = datetime(2026, 9, 14, 22, 30, tzinfo=UTC)
"""Half past midnight on Tuesday in Berlin."""
TOPICS = (("Billing", "Refund"), ("Billing", None), ("Cards > Lost", None), (None, None))
MOODS = (CROSS, CALM, GLAD)


@pytest.fixture
def browser(database: Database, store: PostgresStore, run_id: str, url: str, tmp_path: Path) -> Iterator[TestClient]:
    for number in range(24):
        call = found(f"{number}.wav")
        started_at = None if number == 5 else MONDAY + timedelta(days=number)
        agent = None if number % 7 == 6 else f"A&{number % 3}"
        metadata = replace(call.metadata, started_at=started_at, agent_id=agent)
        call = replace(call, metadata=metadata)
        topic, subtopic = TOPICS[number % 4]
        mood = sentiments("fusion")
        assert isinstance(mood.payload, CallSentiment)
        roles = tuple(replace(role, sentiment=MOODS[number % 3]) for role in mood.payload.roles)
        talked = replace(talk(), silence_share=number % 11 / 10, client_talk_share=number % 5 / 10)
        steps = [replace(mood, payload=replace(mood.payload, roles=roles)), step("conversation", talked)]
        if topic:
            steps.append(step("topic", Topic(topic=topic, subtopic=subtopic, confidence=None)))
        call_id = store.claim_call(call, f"s{number}", None)
        store.save_call(
            outcome(
                call_id, run_id, call, audio=prepared(f"s{number}"), words=transcript(f"f{number}"), steps=tuple(steps)
            )
        )
    for number, transient in enumerate((True, False, False)):
        failure = CallFailure(
            found=found(f"bad{number}.wav"), run_id=run_id, stage="prepare",
            error_type="SourceUnreadable" if transient else "AudioUndecodable", message="no", transient=transient,
        )  # fmt: skip
        store.save_failure(failure, 1 if number == 2 else 3)
    skipped = SkippedFile(source_uri="file:///calls/x.wav", file_name="x.wav", size_bytes=1, modified_at=None,
                          reason="too_short", message="short")  # fmt: skip
    store.save_skipped([skipped], run_id)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO rule_matches SELECT call_id, 'long_hold', 'Long & hold', 'why', NULL, NULL, NULL, NULL, 2, "
            "agent_id = 'A&1', 1 FROM calls WHERE agent_id IN ('A&1', 'A&2') AND status = 'done'"
        )
        connection.execute(
            "UPDATE calls c SET attention_weight = coalesce(m.weight, 0), "
            "attention_critical = coalesce(m.critical, false) FROM calls d LEFT JOIN rule_matches m USING (call_id) "
            "WHERE d.call_id = c.call_id AND c.status = 'done'"
        )
        connection.execute(
            "INSERT INTO scorecard_results SELECT call_id, 'service', 'Ser & vice', "
            "CASE WHEN agent_id = 'A&0' THEN NULL WHEN agent_id = 'A&1' THEN 0.9 ELSE 0.4 END, "
            "CASE WHEN agent_id <> 'A&0' THEN agent_id = 'A&1' END, "
            "CASE WHEN agent_id = 'A&2' THEN ARRAY['greeting'] ELSE '{}' END FROM calls "
            "WHERE agent_id IS NOT NULL AND status = 'done'"
        )
    settings = Settings(input=InputSettings(timezone="Europe/Berlin"))
    with TestClient(application(database, settings, tmp_path / "spool", all_heard), base_url=LOOPBACK) as one:
        yield one


@pytest.mark.parametrize(
    "query",
    ["", "?agent=A%261", "?topic=Billing", "?from=2026-09-18&to=2026-10-02", "?mood=negative", "?undated=yes",
     "?silence=20-30", "?attention=any", "?attention=critical", "?attention=long_hold", "?status=failed",
     "?topic=Billing+%3E+Refund", "?mood=neutral", "?scorecard=service", "?scorecard=service:failed",
     "?scorecard=service:passed", "?scorecard=service:critical"],
)  # fmt: skip
def test_every_figure_leads_to_as_many_calls(browser: TestClient, query: str) -> None:
    html = browser.get(f"/{query}").text
    figures = re.findall(r'<a href="(/calls[^"]*)">(?:<b>)?([\d,]+)(?:</b> (?:calls?|needs? attention))?</a>', html)
    figures += re.findall(r'<a href="(/calls[^"]*)" tabindex="-1"><title>[^<]*: ([\d,]+) calls?</title>', html)
    shares = re.findall(r'<a href="(/calls[^"]*)">\d+ %</a> <span class="soft few">([\d,]+) of', html)
    assert len(figures) > 3
    assert len(shares) > 0 or query in ("?status=failed", "?mood=neutral")
    for address, number in {*figures, *shares}:
        listed = browser.get(unescape(address)).text
        total = re.search(r'<p class="sum" id="sum">([\d,]+) (?:call|skipped file)', listed)
        assert (total[1] if total else "0") == number, address
        assert "This filter was left out" not in listed


def test_days_begin_where_the_reader_is(browser: TestClient) -> None:
    html = browser.get("/calls?from=2026-09-15&to=2026-09-15").text
    assert "15 Sep 2026, 00:30" in html
    assert "No call fits" in browser.get("/calls?to=2026-09-14").text


def test_a_scorecard_is_a_figure_and_a_filter(browser: TestClient) -> None:
    html = browser.get("/").text
    passed, failed = (
        int(found[1].replace(",", ""))
        for result in ("passed", "failed")
        if (found := re.search(r'id="sum">([\d,]+) call', browser.get(f"/calls?scorecard=service:{result}").text))
    )
    assert f"{passed} of {passed + failed}, " in html
    assert f'<a href="/calls?scorecard=service%3Afailed">{failed}</a>' in html
    listed = browser.get("/calls?scorecard=service:failed&agent=A%261")
    assert "No call fits" in listed.text
    assert "Scorecard: Ser &amp; vice: not passed" in listed.text
    assert '<option value="service:failed" selected>Ser &amp; vice: not passed</option>' in listed.text


@pytest.mark.parametrize("page", ["/", "/calls", "/ask"])
def test_folded_filters_say_how_many_are_in_use(browser: TestClient, page: str) -> None:
    assert "in use" not in browser.get(page).text
    html = browser.get(f"{page}?agent=A%261&mood=negative").text
    assert re.search(r'<details class="fold"><summary>Filters <span class="used">2 in use</span></summary>', html)


def test_failures_and_skipped_files_are_counted_apart(browser: TestClient) -> None:
    html = browser.get("/").text
    for text in ("Failed: SourceUnreadable", "Failed: AudioUndecodable", "Failed in several runs", "too short"):
        assert text in html


def test_a_night_that_broke_off_is_not_told_as_one_without_failures(database: Database, tmp_path: Path) -> None:
    store = PostgresStore(database)
    run_id = store.begin_run({}, "x", "host", ["file:///calls"])
    call = found()
    store.save_call(outcome(store.claim_call(call, "aa", None), run_id, call))
    store.close()
    with TestClient(application(database, Settings(), tmp_path / "spool", all_heard), base_url=LOOPBACK) as browser:
        assert "it broke off" in browser.get("/").text
        assert "it broke off" not in browser.get("/?agent=A7").text, "it is not about these calls"
        assert "None of these calls." in browser.get("/?agent=A7").text


def test_what_was_skipped_is_told_where_no_call_is_there(
    database: Database, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    skipped = SkippedFile(source_uri="file:///calls/x.wav", file_name="x.wav", size_bytes=1, modified_at=None,
                          reason="too_short", message="short")  # fmt: skip
    store.save_skipped([skipped], run_id)
    with TestClient(application(database, Settings(), tmp_path / "spool", all_heard), base_url=LOOPBACK) as browser:
        html = browser.get("/").text
    assert "No calls yet" in html
    assert "Skipped, not a call: too short" in html


def test_a_skipped_file_is_told_as_such(browser: TestClient) -> None:
    listed = browser.get("/calls?status=skipped").text
    assert "1 skipped file</p>" in listed
    (address,) = re.findall(r'href="(/calls/[^"#?]*)" dir="auto">Skipped</a>', listed)
    page = browser.get(address).text
    assert '<h1 dir="auto">Skipped file</h1>' in page
    assert "No word of it was looked for." in page


def test_no_calls_yet_says_what_to_do(database: Database, tmp_path: Path) -> None:
    with TestClient(application(database, Settings(), tmp_path / "spool", all_heard), base_url=LOOPBACK) as browser:
        assert "No calls yet" in browser.get("/").text
        assert "No call fits" in browser.get("/?agent=nobody").text


@pytest.mark.parametrize("order", ["calls", "negative", "length", "talk", "silence", "nonsense"])
def test_agents_come_in_every_order(browser: TestClient, order: str) -> None:
    assert "A&amp;1" in browser.get(f"/?agents={order}").text


def questions() -> list[tuple[str, str]]:
    """Address and SQL of each of the ten questions of docs/reading-room.md."""
    text = (PROJECT / "docs" / "reading-room.md").read_text(encoding="utf-8")
    return re.findall(r"^\| .*? \| `(/calls[^`]*)` \| `(SELECT[^`]*)` \|$", text, re.MULTILINE)


def test_ten_questions_are_answered_alike_by_clicks_and_by_sql(browser: TestClient, url: str) -> None:
    assert len(questions()) == 10
    answers = []
    with psycopg.connect(url) as connection:
        for address, statement in questions():
            found = connection.execute(statement.encode()).fetchone()
            assert found is not None
            listed = re.search(r'<p class="sum" id="sum">([\d,]+) call', browser.get(address).text)
            assert (listed[1] if listed else "0") == str(found[0]), address
            answers.append(found[0])
    assert sum(answer > 0 for answer in answers) == 10
