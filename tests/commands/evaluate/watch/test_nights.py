"""Quality watch: alarms, and what a run does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from commands.exit_codes import ExitCode
from commands.run.quality_watch import watch_of_run
from commands.watch.sheet import read_corrections
from db.queries.watch import night_figures
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.commands.evaluate.watch.watching import (
    Watching,
    checked,
    filled,
    told,
)
from tests.loopback import Loopback
from tests.pinned import assert_pinned


def test_an_alarm_ends_with_5_and_is_told_once_for_each_correction(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str], webhook: Loopback
) -> None:
    sheet = watching.drawn()
    alarm = ("watch.alarm_wer=0.02", "watch.notify=true", f"reporting.notify.webhook.url={webhook.url}")
    assert watching.ask(*alarm, read=(filled(sheet, checked),)) == ExitCode.LOOK
    assert "surely above watch.alarm_wer (0.02)" in told(capsys)["alarm"]
    assert [request.json()["alarm_wer"] for request in webhook.seen] == [0.02]
    assert watching.ask(*alarm) == ExitCode.LOOK
    assert len(webhook.seen) == 1, "nothing new came in"
    assert watching.ask("watch.alarm_wer=0.2") == ExitCode.DONE


def test_few_calls_raise_no_alarm(watching: Watching, stored: list[str]) -> None:
    """Of five calls even the worst rate may be chance."""
    sheet = watching.drawn(calls_per_night=5)
    assert watching.ask("watch.alarm_wer=0.02", read=(filled(sheet, checked),)) == ExitCode.DONE


def test_a_run_that_cannot_write_its_sheet_says_so(
    watching: Watching, stored: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    watching.settings.output.directory.parent.mkdir(exist_ok=True)
    watching.settings.output.directory.write_text("a file where the folder should be")
    watch_of_run(watching.database, watching.settings, "1", watching.run_id)
    assert "watch.calls_per_night: no sheet of calls to correct was written" in caplog.text


def test_a_run_judges_what_was_corrected_and_draws_the_next_sample(
    watching: Watching, stored: list[str], caplog: pytest.LogCaptureFixture, webhook: Loopback
) -> None:
    """Nobody has to ask for it each night."""
    caplog.set_level("INFO")
    sheet = watching.drawn(calls_per_night=6)
    read_corrections(watching.database, watching.settings, filled(sheet, checked))
    changed = watching.settings.model_copy(
        update={
            "watch": watching.settings.watch.model_copy(
                update={"calls_per_night": 7, "alarm_wer": 0.02, "notify": True}
            ),
            "reporting": Settings.model_validate(
                {"reporting": {"notify": {"webhook": {"url": webhook.url}}}}
            ).reporting,
        }
    )
    watch_of_run(watching.database, changed, "2", watching.run_id)
    assert "6 corrected calls judged now; word error rate since" in caplog.text
    assert "surely above watch.alarm_wer (0.02)" in caplog.text
    assert "1 call drawn" in caplog.text
    assert len(night_figures(watching.database, date(2000, 1, 1), all_only=True)) == 1
    watch_of_run(watching.database, changed, "3", watching.run_id)
    assert [request.json()["alarm_wer"] for request in webhook.seen] == [0.02], (
        "told once for each batch of corrections"
    )


def test_a_watch_that_breaks_never_fails_the_night(
    watching: Watching, stored: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody foresaw, too; and the sample is drawn all the same."""
    caplog.set_level("INFO")
    read_corrections(watching.database, watching.settings, filled(watching.drawn(), checked))
    with watching.database.connection() as connection:
        connection.execute("ALTER TABLE watch_judgements RENAME TO judgements_elsewhere")
    changed = watching.settings.watch.model_copy(update={"calls_per_night": 7})
    watch_of_run(watching.database, watching.settings.model_copy(update={"watch": changed}), "2", watching.run_id)
    assert "quality watch: corrected calls were not judged" in caplog.text
    assert "1 call drawn" in caplog.text


def test_where_the_rate_stands_is_shown_on_the_terminal(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "120")
    assert watching.ask(as_json=False) == ExitCode.DONE
    assert capsys.readouterr().out == "No drawn call has been corrected yet.\n0 calls judged now, 0 to correct\n"
    sheet = watching.drawn()
    some = filled(sheet, checked)
    assert watching.ask("watch.alarm_wer=0.02", as_json=False, read=(some,)) == ExitCode.LOOK
    today = watched_since(0)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"{some}: 6 calls corrected"
    shown = "\n".join(lines[1:]).replace(str(today), "TODAY").replace(str(watched_since(27)), "SINCE")
    assert_pinned("standing.txt", shown)


def test_drawing_and_a_sheet_are_told(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"watch\.calls_per_night is 0"):
        watching.ask(draw=True)
    assert watching.ask("watch.calls_per_night=3", "watch.sheet=csv", draw=True) == ExitCode.DONE
    assert ": 3 calls drawn: " in capsys.readouterr().out
    into = tmp_path / "again.csv"
    assert watching.ask(sheet=into) == ExitCode.DONE
    assert capsys.readouterr().out == f"{into}: 3 calls to correct\n"
    with pytest.raises(ConfigurationError, match="must end in"):
        watching.ask(sheet=tmp_path / "again.txt")


def watched_since(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)
