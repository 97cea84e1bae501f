"""Calls that need attention are told of once, without personal data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from commands.run.attention_notice import _body, _calls, tell_of_attention
from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.attention import MatchToTell
from pipeline.config.areas.attention import AttentionSettings
from pipeline.config.areas.reporting import NotifySettings, ReportingSettings, SmtpSettings, WebhookSettings
from pipeline.config.root import Settings
from pipeline.records import CallMetadata, Role
from tests.commands.run.receiving import Received
from tests.db.samples import all_steps, attention, found, outcome, prepared, step, transcript
from tests.pinned import assert_pinned

RULES = """
rules:
  - {name: charged_twice, title: Charged twice, notify: true, when: {length: {over_s: 1}}}
  - {name: short, title: Very short, when: {length: {over_s: 1}}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def settings(rules: Path, told: NotifySettings, **more: Any) -> Settings:
    return Settings(
        attention=AttentionSettings(rules=rules, notify=True, **more), reporting=ReportingSettings(notify=told)
    )


def by_web(port: int, path: str = "") -> NotifySettings:
    return NotifySettings(webhook=WebhookSettings(url=f"http://127.0.0.1:{port}{path}"))


def keep(store: PostgresStore, run_id: str, name: str, days_ago: float = 0.1, quote: str | None = None) -> str:
    metadata = CallMetadata(started_at=datetime.now(UTC) - timedelta(days=days_ago), agent_id="A7")
    call = replace(found(name), metadata=metadata)
    first, second = attention().matches
    steps = tuple(
        step("rules", replace(attention(), matches=(replace(first, quote=quote or first.quote), second)))
        if result.step == "rules"
        else result
        for result in all_steps()
    )
    call_id = store.claim_call(call, name, None)
    words = transcript(f"t-{name}")
    store.save_call(outcome(call_id, run_id, call, audio=prepared(name), words=words, steps=steps))
    return call_id


def test_a_call_is_told_of_once_also_after_it_is_analysed_again(
    store: PostgresStore, database: Database, run_id: str, rules: Path, web_server: Received
) -> None:
    call_id = keep(store, run_id, "a.wav")
    keep(store, run_id, "old.wav", days_ago=9)
    chosen = settings(rules, by_web(web_server.port))
    assert tell_of_attention(chosen, database, run_id) == []
    (message,) = web_server.messages
    assert message["subject"] == "Earshot: 1 call to look at"
    (told,) = message["calls"]
    assert (told["call_id"], told["agent_id"], told["topic"]) == (call_id, "A7", "Billing")
    assert [match["rule"] for match in told["matches"]] == ["charged_twice"], "the other rule is not to be told"
    assert "hello my card was charged twice" in message["text"]
    assert "Charged twice at 0:01" in message["text"]
    keep(store, run_id, "a.wav")
    assert tell_of_attention(chosen, database, run_id) == []
    assert len(web_server.messages) == 1
    keep(store, run_id, "new.wav")
    assert tell_of_attention(chosen, database, run_id) == []
    assert [call["file_name"] for call in web_server.messages[1]["calls"]] == ["new.wav"]


def test_what_could_not_be_sent_is_sent_by_the_next_run(
    store: PostgresStore, database: Database, run_id: str, rules: Path, web_server: Received
) -> None:
    keep(store, run_id, "a.wav")
    (problem,) = tell_of_attention(settings(rules, by_web(web_server.port, "/broken")), database, run_id)
    assert problem.startswith("reporting.notify.webhook: not sent")
    assert tell_of_attention(settings(rules, by_web(web_server.port)), database, run_id) == []
    assert len(web_server.messages) == 2


def test_personal_data_and_secrets_are_not_sent(  # noqa: PLR0917
    store: PostgresStore,
    database: Database,
    run_id: str,
    rules: Path,
    web_server: Received,
    mail_server: Received,
) -> None:
    keep(store, run_id, "a.wav", quote="my card 4111 1111 1111 1111 was charged, write to jane.roe@example.org")
    smtp = SmtpSettings(
        host="127.0.0.1", port=mail_server.port, security="none", sender="e@example.org", recipients=("t@example.org",)
    )
    both = by_web(web_server.port).model_copy(update={"smtp": smtp})
    assert tell_of_attention(settings(rules, both), database, run_id) == []
    said = str(web_server.messages) + str(mail_server.messages)
    assert "4111" not in said
    assert "jane.roe" not in said
    assert "was charged" in said
    with database.connection() as connection:
        kept = connection.execute("SELECT rules, sent_by FROM attention_notices").fetchall()
    assert kept == [(["charged_twice"], ["smtp", "webhook"])]


def test_no_words_are_sent_where_none_are_wanted(
    store: PostgresStore, database: Database, run_id: str, rules: Path, web_server: Received
) -> None:
    keep(store, run_id, "a.wav")
    quiet = settings(rules, by_web(web_server.port), notify_quotes=False)
    assert tell_of_attention(quiet, database, run_id) == []
    assert "charged twice" not in str(web_server.messages)
    assert "Charged twice at 0:01" in web_server.messages[0]["text"]


def test_nobody_to_tell_is_a_fault_of_the_configuration(rules: Path) -> None:
    with pytest.raises(ValidationError, match=r"attention\.notify is true, but neither reporting\.notify"):
        settings(rules, NotifySettings())


def test_nothing_is_told_unless_asked(
    store: PostgresStore, database: Database, run_id: str, rules: Path, web_server: Received
) -> None:
    keep(store, run_id, "a.wav")
    told = ReportingSettings(notify=by_web(web_server.port))
    assert tell_of_attention(Settings(attention=AttentionSettings(rules=rules), reporting=told), database, run_id) == []
    assert web_server.messages == []


def test_a_message_about_more_calls_than_are_listed() -> None:
    def match(call: int, **more: Any) -> MatchToTell:
        known: dict[str, Any] = {
            "started_at": datetime(2026, 11, 20, 9, call % 60, tzinfo=UTC),
            "agent_id": "4711",
            "topic": "Billing",
        }
        usual: dict[str, Any] = {"reason": "", "quote": None, "role": None, "start_s": None, "critical": False}
        about: dict[str, Any] = {
            "call_id": f"c{call}",
            "file_name": f"{call}.wav",
            "rule": "twice",
            "title": "Charged twice",
        }
        return MatchToTell(**{**about, **known, **usual, **more})

    matches = [
        match(0, quote="you charged me [red]twice[/red]", role=Role.CLIENT, start_s=3661.4, critical=True),
        match(0, rule="long", title="Very long", reason="over 600 s"),
        match(1, started_at=None, agent_id=None, topic=None, quote="nobody helps", start_s=0.0),
        *(match(call) for call in range(2, 52)),
    ]
    about, listed = list(_calls(matches))[:2], len(list(_calls(matches)))
    assert_pinned("attention.txt", "\n".join([_body(matches), *map(str, about), str(listed), _body(matches[:3])]))
