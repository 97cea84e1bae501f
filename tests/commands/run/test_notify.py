"""Mail and webhook through real servers on loopback, and that neither can harm a run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import threading
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from commands.exit_codes import ExitCode
from commands.run.afterwards import ending
from commands.run.ending import Ending
from commands.run.metrics import write_metrics
from commands.run.notify import body, subject, tell
from pipeline.config.areas.reporting import NotifySettings, NotifyWhen, ReportingSettings, SmtpSettings, WebhookSettings
from pipeline.errors import DatabaseUnavailable, RunLocked
from tests.commands.run.receiving import Received
from tests.pinned import assert_pinned

COUNTS = {"found": 9, "done": 6, "unchanged": 1, "failed": 2}


def failed_run() -> Ending:
    report = {
        "failures": [{"error_type": "SourceUnreadable", "stage": "prepare", "calls": 2, "transient": True}],
        "passed_over": ["mlx_qwen3: weights not on disk"],
        "comparison": {"tests": [{"what": "topics", "now": "a 90%", "before": "a 10%", "drift": True}]},
        "disappeared": {"calls": 4},
    }
    return Ending(run_id="r-1", host="box", exit_code=ExitCode.CALLS_FAILED, counts=COUNTS, adds_up=True, report=report)


def smtp(port: int) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1", port=port, security="none", sender="a@example.org", recipients=("b@example.org",)
    )


def test_a_mail_holds_the_reconciliation_and_what_failed(mail_server: Received) -> None:
    settings = NotifySettings(on=NotifyWhen.FAILURE, smtp=smtp(mail_server.port))
    assert tell(settings, failed_run()) == []
    sender, recipients, text = mail_server.messages[0]
    assert (sender, recipients) == ("a@example.org", ["b@example.org"])
    message = message_from_bytes(text, policy=policy.default)
    assert "some calls failed (exit 1" in message["Subject"]
    content = message.get_content()
    for part in ("found 9 = 6 done + 1 unchanged + 2 failed", "2 × SourceUnreadable in prepare", "drift in topics"):
        assert part in content
    assert "no longer where they were: 4 known recordings" in content


def test_a_webhook_gets_text_and_figures_and_its_token(web_server: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WEBHOOK_TOKEN", "t0ken")
    settings = NotifySettings(
        on=NotifyWhen.ALWAYS, webhook=WebhookSettings(url=f"http://127.0.0.1:{web_server.port}/hook")
    )
    assert tell(settings, failed_run()) == []
    assert web_server.messages[0]["counts"] == COUNTS
    assert web_server.messages[0]["exit_code"] == 1
    assert "found 9 = " in web_server.messages[0]["text"]
    assert web_server.headers[0]["authorization"] == "Bearer t0ken"


def test_a_webhook_that_redirects_is_not_followed_with_the_token(
    web_server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_WEBHOOK_TOKEN", "t0ken")
    moved = WebhookSettings(url=f"http://127.0.0.1:{web_server.port}/moved")
    (problem,) = tell(NotifySettings(on=NotifyWhen.ALWAYS, webhook=moved), failed_run())
    assert len(web_server.messages) == 1
    assert "302" in problem


def test_names_no_mail_could_hold_reach_it_written_out(mail_server: Received) -> None:
    end = failed_run()
    end.error = "no call in \udcff\x1b[31m, postgresql://me:hunter2@db/x"
    end.host = "box\nBcc: everybody@example.org"
    assert tell(NotifySettings(on=NotifyWhen.ALWAYS, smtp=smtp(mail_server.port)), end) == []
    message = message_from_bytes(mail_server.messages[0][2], policy=policy.default)
    assert "Bcc" not in message
    assert "no call in \\udcff\\u001b[31m, postgresql://me:***@db/x" in message.get_content()


@pytest.mark.parametrize(
    ("on", "exit_code", "told"),
    [("never", 1, False), ("failure", 0, False), ("failure", 1, True), ("failure", 3, True), ("always", 0, True)],
)
def test_who_is_told_of_what(web_server: Received, on: str, exit_code: int, told: bool) -> None:
    settings = NotifySettings(
        on=NotifyWhen(on), webhook=WebhookSettings(url=f"http://127.0.0.1:{web_server.port}/hook")
    )
    assert tell(settings, Ending(exit_code=ExitCode(exit_code))) == []
    assert bool(web_server.messages) is told


def test_a_notification_that_fails_is_told_and_changes_nothing(web_server: Received) -> None:
    settings = ReportingSettings(
        notify=NotifySettings(
            on=NotifyWhen.ALWAYS,
            timeout_s=0.5,
            smtp=smtp(1),
            webhook=WebhookSettings(url=f"http://127.0.0.1:{web_server.port}/broken"),
        )
    )
    problems = tell(settings.notify, failed_run())
    assert [problem.split(":")[0] for problem in problems] == ["reporting.notify.smtp", "reporting.notify.webhook"]
    with ending(settings) as end:
        end.exit_code = ExitCode.DONE
    assert end.exit_code == 0


def test_a_run_that_could_not_start_is_told_with_its_error(web_server: Received) -> None:
    settings = ReportingSettings(
        notify=NotifySettings(
            on=NotifyWhen.FAILURE, webhook=WebhookSettings(url=f"http://127.0.0.1:{web_server.port}/hook")
        )
    )
    with pytest.raises(DatabaseUnavailable), ending(settings):
        raise DatabaseUnavailable("database postgresql://me:hunter2@db/x: away")
    told = web_server.messages[0]
    assert told["exit_code"] == 3
    assert told["run_id"] is None
    assert "away" in told["text"]
    assert "hunter2" not in json.dumps(told)


def test_subject_and_body_of_a_run_that_never_began() -> None:
    end = Ending(host="box", exit_code=ExitCode.CONFIGURATION, error="run.ordr: no such key")
    assert subject(end) == "Earshot on box: wrong command line or configuration (exit 2)"
    assert "run.ordr: no such key" in body(end)


def test_metrics_are_what_prometheus_reads_and_remember_the_last_success(tmp_path: Path) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    path = tmp_path / "metrics" / "earshot.prom"

    def values() -> dict[tuple[str, str], float]:
        families = text_string_to_metric_families(path.read_text())
        return {(s.name, ",".join(s.labels.values())): s.value for family in families for s in family.samples}

    report = {
        "wall_s": 12.5,
        "times_real_time": None,
        "stages": [{"stage": "prepare", "utilisation": 0.25, "p50_s": 1.0, "p95_s": None}],
        "services": [
            {"step": "topic", "provider": "bedrock", "tokens_in": 10, "tokens_out": 2, "cost_usd": 0.5},
            {"step": "topic", "provider": "bedrock", "tokens_in": None, "tokens_out": None, "cost_usd": None},
        ],
        "segment_flags": {"repeated": 3},
        "disappeared": {"calls": 0},
        "comparison": {"tests": [{"what": "topics", "drift": True}]},
    }
    write_metrics(path, Ending(exit_code=ExitCode.DONE, counts=COUNTS, adds_up=True, report=report))
    good = values()
    assert good["earshot_run_calls", "failed"] == 2
    assert good["earshot_run_seconds", ""] == 12.5
    assert ("earshot_run_times_real_time", "") not in good
    assert good["earshot_stage_seconds", "0.5,prepare"] == 1.0
    assert good["earshot_llm_tokens", "bedrock,topic"] == 12
    assert good["earshot_drift", "topics"] == 1
    write_metrics(path, Ending(exit_code=ExitCode.NOT_STARTED))
    bad = values()
    assert bad["earshot_run_exit_code", ""] == 3
    assert bad["earshot_run_success_timestamp_seconds", ""] == pytest.approx(
        good["earshot_run_success_timestamp_seconds", ""]
    )
    assert list(path.parent.iterdir()) == [path]


def test_metrics_written_under_crons_umask_can_be_read_by_node_exporter(tmp_path: Path) -> None:
    path = tmp_path / "earshot.prom"
    before = os.umask(0o027)
    try:
        write_metrics(path, Ending(exit_code=ExitCode.DONE))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_run_that_finds_another_at_work_leaves_its_metrics_alone(tmp_path: Path) -> None:
    settings = ReportingSettings(prometheus_file=tmp_path / "earshot.prom")
    with pytest.raises(RunLocked), ending(settings):
        raise RunLocked("another")
    assert not (tmp_path / "earshot.prom").exists()


def test_metrics_that_cannot_be_written_harm_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with ending(ReportingSettings(prometheus_file=tmp_path / "file" / "earshot.prom")) as end:
        end.exit_code = ExitCode.DONE
    assert end.exit_code == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"on": "failure"}, "neither smtp.host nor webhook.url"),
        ({"smtp": {"host": "mail"}}, "smtp.sender or smtp.recipients is empty"),
        ({"webhook": {"url": "ftp://x"}}, "http:// or https://"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NotifySettings.model_validate(settings)


@pytest.mark.parametrize("reply", [b"250-and another thing\r\n", b"2"], ids=["lines without end", "byte by byte"])
def test_a_mail_server_that_never_ends_its_reply_is_left(reply: bytes) -> None:
    """`smtplib` collects lines as long as they come, and its timeout is for each byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"220 hello\r\n")
                while True:
                    connection.sendall(reply)
                    if len(reply) == 1:
                        time.sleep(0.05)

        server = threading.Thread(target=talk, daemon=True)
        server.start()
        settings = NotifySettings(on=NotifyWhen.ALWAYS, timeout_s=1.0, smtp=smtp(listening.getsockname()[1]))
        (problem,) = tell(settings, failed_run())
        assert "reporting.notify.smtp: not sent (SMTPServerDisconnected" in problem
        server.join(5.0)
        assert not server.is_alive()


EVERYTHING = Ending(
    began_at=datetime(2026, 9, 14, 1, 2, 3, tzinfo=UTC), run_id="r-1", host="box", exit_code=ExitCode.LOOK,
    counts=COUNTS, adds_up=False, error="the database is gone",
    report={
        "failures": [
            {"error_type": "SourceUnreadable", "stage": "prepare", "calls": 2, "transient": True},
            {"error_type": "EngineError", "stage": "recognise", "calls": 1, "transient": False},
        ],
        "interrupted": "SIGTERM", "planned_stop": "05:00", "attention": ["9 of 9", "nobody spoke"], "offered": 9,
        "unusable": {"recordings": 3, "first": [{"file_name": "e.wav", "reason": "empty"}]},
        "passed_over": ["mlx_qwen3: no weights"], "disappeared": {"calls": 1}, "wall_s": 24.0, "audio_s": 90.0,
        "speech_s": 41.5, "times_real_time": 3.75, "peak_memory_bytes": 10**9, "recogniser_busy_s": 5.0,
        "recogniser_restarts": 2, "startup_s": 0.5, "segment_flags": {"quiet": 2, "clipped": 5},
        "stages": [{"stage": "prepare", "utilisation": 0.25, "p50_s": 1.5, "p95_s": 3.0},
                   {"stage": "store", "utilisation": 0.0, "p50_s": None, "p95_s": None}],
        "services": [
            {"step": "summary", "provider": "chat", "tokens_in": 100, "tokens_out": 50, "cost_usd": 0.25},
            {"step": "summary", "provider": "chat", "tokens_in": 10, "tokens_out": None, "cost_usd": None},
            {"step": "topic", "provider": "local", "tokens_in": None, "tokens_out": None, "cost_usd": None},
        ],
        "comparison": {"tests": [{"what": "topics", "now": "a 90%", "before": "a 10%", "drift": True},
                                 {"what": "words", "now": "1", "before": "2", "drift": False}]},
    },
)  # fmt: skip


def test_a_message_says_all_of_a_bad_night() -> None:
    assert_pinned("message.txt", body(EVERYTHING))


def test_metrics_say_all_of_a_bad_night(tmp_path: Path) -> None:
    path = tmp_path / "earshot.prom"
    path.write_text("earshot_run_success_timestamp_seconds 12.5\n")
    write_metrics(path, EVERYTHING)
    text = re.sub(r"^(earshot_run_ended_timestamp_seconds) .*", r"\1", path.read_text(), flags=re.MULTILINE)
    assert_pinned("metrics.prom", text)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("before", ["", "earshot_run_success_timestamp_seconds\n", "x 1\n"])
def test_without_a_good_run_before_none_is_told(before: str, tmp_path: Path) -> None:
    path = tmp_path / "earshot.prom"
    path.write_text(before)
    write_metrics(path, EVERYTHING)
    assert "success_timestamp" not in path.read_text()
