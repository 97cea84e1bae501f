"""Quality watch: corrected on a sheet, judged, told over time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

from commands.exit_codes import ExitCode
from commands.purge.erase import Erasure
from db.erasure import erasable
from db.ledger.privacy import drop_superseded_text
from db.queries.references import reference_of
from db.queries.watch import calls_to_correct, night_figures
from pipeline.errors import ConfigurationError
from tests.commands.evaluate.watch.watching import (
    CALLS,
    TRUE_WORDS,
    Watching,
    checked,
    filled,
    rows_of,
    store_call,
    told,
)
from tests.db.samples import TALK, chunk, found, outcome, prepared, transcript


def test_corrected_calls_come_back_as_word_error_rates(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = watching.drawn()
    rows = rows_of(sheet)
    assert len({row["call_id"] for row in rows}) == 6
    assert [row["heard"] for row in rows[:3]] == [one.text for one in TALK]
    assert watching.ask(read=(filled(sheet, checked),)) == ExitCode.DONE
    figures = told(capsys)
    assert (figures["judged_now"], figures["to_correct"], figures["alarm"]) == (6, 0, None)
    by_kind = {(one["kind"], one["name"]): one for one in figures["groups"]}
    assert set(by_kind) == {("all", ""), ("engine", "mlx_qwen3"), ("model", "mlx_qwen3 m"), ("agent", "A7")}
    assert by_kind["all", ""]["wer"]["value"] == pytest.approx(1 / TRUE_WORDS)
    assert by_kind["all", ""]["wer"]["groups"] == 6
    (of_all,) = night_figures(watching.database, date(2000, 1, 1), all_only=True)
    assert (of_all.calls, of_all.words, of_all.errors) == (6, 6 * TRUE_WORDS, 6)
    assert of_all.wer == pytest.approx(1 / TRUE_WORDS)


def test_the_transcript_stays_and_the_correction_says_who_and_when(watching: Watching, stored: list[str]) -> None:
    sheet = watching.drawn()
    watching.ask(read=(filled(sheet, checked),))
    call = rows_of(sheet)[0]["call_id"]
    kept = reference_of(watching.database, uuid.UUID(call))
    assert kept is not None
    assert (kept.written_by, kept.source) == ("Ann", "sheet")
    assert abs(kept.written_at - datetime.now(UTC)) < timedelta(hours=1)
    assert kept.turns[0].text == "hello my car was charged twice"
    words = watching.store.transcript(kept.transcript_fingerprint)
    assert words is not None
    assert words.chunks[0].text == "hello my card was charged twice"


def test_a_later_correction_replaces_the_judgement_and_keeps_the_former_text(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = watching.drawn()
    watching.ask(read=(filled(sheet, checked),))
    watching.ask(read=(filled(sheet, lambda row: row | {"checked_by": "Bob"}),))
    figures = told(capsys)
    assert figures["judged_now"] == 6
    assert figures["groups"][0]["wer"]["value"] == 0
    with watching.database.connection() as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT written_by) FROM human_references").fetchone()
    assert row == (12, 2)
    assert watching.ask() == ExitCode.DONE
    assert told(capsys)["judged_now"] == 0, "nothing is judged twice"


def test_calls_nobody_has_checked_are_left_out(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The column to correct begins with what the machine heard: untouched, it would be a perfect score."""
    sheet = watching.drawn()
    assert watching.ask(read=(sheet,)) == ExitCode.DONE
    figures = told(capsys)
    assert (figures["judged_now"], figures["to_correct"], figures["groups"]) == (0, 6, [])


def test_the_transcript_as_drawn_is_judged_also_when_a_better_one_is_there(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    watching.drawn()
    for number in range(CALLS):
        call = found(f"{number}.wav")
        better = transcript(f"b{number}", (chunk(0, 0, 0.0, "hello my car was charged twice"), *TALK[1:]))
        watching.store.save_call(
            outcome(stored[number], watching.run_id, call, audio=prepared(str(number)), words=better)
        )
    sheet = Path(watching.settings.output.directory) / "again.csv"
    watching.ask(sheet=sheet)
    watching.ask(read=(filled(sheet, lambda row: row | {"checked_by": "Ann"}),))
    figures = told(capsys)
    assert figures["judged_now"] == 6
    assert figures["groups"][0]["wer"]["value"] == pytest.approx(1 / TRUE_WORDS)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda row: None if row["ordinal"] == "1" else row | {"checked_by": "Ann"}, "lacks 1 row"),
        (lambda row: row | {"checked_by": "Ann", "transcript": "another"}, "another transcript by now"),
        (
            lambda row: row | {"checked_by": "Ann", "call_id": str(uuid.uuid4()), "ordinal": row["ordinal"]},
            "not in the",
        ),
    ],
)
def test_what_cannot_be_kept_is_told_and_the_command_ends_with_5(
    watching: Watching,
    stored: list[str],
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, str]], dict[str, str] | None],
    why: str,
) -> None:
    sheet = watching.drawn()
    assert watching.ask(read=(filled(sheet, change),)) == ExitCode.LOOK
    said = capsys.readouterr()
    assert why in said.err
    assert json.loads(said.out.splitlines()[-1])["judged_now"] == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"call_id": "none"}, r"row 2: call, channel and place are none, 0, 0"),
        ({"channel": ""}, r"\(empty\)"),
        ({"channel": "inf"}, "inf"),
        ({"channel": "0", "ordinal": "0"}, "appears twice"),
    ],
)
def test_a_sheet_that_cannot_be_read_keeps_nothing(
    watching: Watching, stored: list[str], change: dict[str, str], why: str
) -> None:
    sheet = watching.drawn()
    with pytest.raises(ConfigurationError, match=why):
        watching.ask(read=(filled(sheet, lambda row: row | {"checked_by": "Ann"} | change),))
    assert len(calls_to_correct(watching.database)) == 6


def test_erasure_takes_corrections_and_judgements(watching: Watching, stored: list[str]) -> None:
    sheet = watching.drawn()
    watching.ask(read=(filled(sheet, checked),))
    sheet.with_name("filled.csv").unlink()
    gone = rows_of(sheet)[0]["call_id"]
    chosen = erasable(watching.database, call_ids=[uuid.UUID(gone)])
    Erasure(database=watching.database, settings=watching.settings, chosen=chosen, why={}, with_audio=False).erase()
    with watching.database.connection() as connection:
        for name in ("watch_samples", "watch_judgements", "human_references"):
            row = connection.execute(f"SELECT count(*) FROM {name} WHERE call_id = %s".encode(), [gone]).fetchone()
            assert row == (0,), name
        row = connection.execute("SELECT count(*) FROM human_reference_turns").fetchone()
    assert row == (5 * len(TALK),)
    assert gone not in {one["call_id"] for one in rows_of(sheet)}
    (figure,) = night_figures(watching.database, date(2000, 1, 1), all_only=True)
    assert figure.calls == 6, "what was measured stays"


def test_personal_data_is_taken_out_of_sheets_and_corrections(watching: Watching) -> None:
    private = chunk(0, 0, 0.0, "my card is 4111 1111 1111 1111")
    call = store_call(watching.store, watching.run_id, "private", chunks=(private,))
    redacting = watching.settings.redaction.model_copy(update={"redact_stored": True})
    quiet = replace(watching, settings=watching.settings.model_copy(update={"redaction": redacting}))
    sheet = quiet.drawn()
    assert "4111" not in sheet.read_text(encoding="utf-8")

    def correct(row: dict[str, str]) -> dict[str, str]:
        return row | {"checked_by": "Ann", "said": "my card is 4222 2222 2222 2 yes"}

    watching.ask("redaction.redact_stored=true", read=(filled(sheet, correct),))
    kept = reference_of(watching.database, uuid.UUID(call))
    assert kept is not None
    assert "4222" not in kept.turns[0].text
    assert kept.turns[0].text.startswith("my card is [")


def test_corrections_of_text_from_before_redaction_go_with_it(watching: Watching, stored: list[str]) -> None:
    sheet = watching.drawn()
    watching.ask(read=(filled(sheet, checked),))
    call = rows_of(sheet)[0]["call_id"]
    name = rows_of(sheet)[0]["file_name"].removesuffix(".wav")
    redacted = transcript("redacted", (chunk(0, 0, 0.0, "[NAME_1]"),))
    watching.store.save_call(outcome(call, watching.run_id, found(f"{name}.wav"), audio=prepared(name), words=redacted))
    with watching.database.connection() as connection:
        connection.execute("UPDATE transcripts SET created_at = now() - interval '1 day'")
    drop_superseded_text(watching.database, watching.run_id)
    assert reference_of(watching.database, uuid.UUID(call)) is None
    assert len(calls_to_correct(watching.database)) == 1


def test_a_side_on_which_nothing_was_heard_can_be_written_down(
    watching: Watching, capsys: pytest.CaptureFixture[str]
) -> None:
    store_call(watching.store, watching.run_id, "one side", chunks=(TALK[0],))
    sheet = watching.drawn()
    last = rows_of(sheet)[-1]
    assert (last["channel"], last["heard"], last["role"]) == ("1", "", "Agent")

    def correct(row: dict[str, str]) -> dict[str, str]:
        return row | {"checked_by": "Ann", "said": row["said"] or "I am sorry"}

    watching.ask(read=(filled(sheet, correct),))
    assert told(capsys)["groups"][0]["wer"]["value"] == pytest.approx(3 / 9)


def test_a_workbook_is_written_and_read_back(watching: Watching) -> None:
    formula = chunk(0, 0, 0.0, "=1+1 is two")
    call = store_call(watching.store, watching.run_id, "f", chunks=(formula,))
    sheet = watching.drawn(sheet="xlsx")
    book = load_workbook(sheet)
    page = book.worksheets[0]
    titles = [cell.value for cell in page[1]]
    page.cell(2, titles.index("Checked by (your name, once per call)") + 1).value = "Ann"
    book.save(sheet)
    assert watching.ask(read=(sheet,)) == ExitCode.DONE
    kept = reference_of(watching.database, uuid.UUID(call))
    assert kept is not None
    assert kept.turns[0].text == "=1+1 is two"
