"""Quality watch: drawn, corrected on a sheet, judged, told over time."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from commands.evaluate.watch.command import WatchRequest, watch
from commands.exit_codes import ExitCode
from commands.purge.erase import Erasure
from commands.run.quality_watch import watch_of_run
from commands.watch.drawing import draw_sample
from commands.watch.sheet import read_corrections
from db.connection import Database
from db.erasure import erasable
from db.ledger.privacy import drop_superseded_text
from db.ledger.store import PostgresStore
from db.queries.references import reference_of
from db.queries.watch import calls_to_correct, night_figures
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.db.samples import TALK, chunk, found, identity, outcome, prepared, transcript
from tests.loopback import Loopback, Reply, listening

CALLS = 8
TRUE_WORDS = 18
"""Words of TALK after the normaliser."""


def store_call(store: PostgresStore, run_id: str, name: str, **changes: Any) -> str:
    call = found(f"{name}.wav")
    call_id = store.claim_call(call, name, None)
    words = replace(transcript(f"t{name}"), **changes)
    store.save_call(outcome(call_id, run_id, call, audio=prepared(name), words=words))
    return call_id


@pytest.fixture
def stored(store: PostgresStore, run_id: str) -> list[str]:
    return [store_call(store, run_id, str(number)) for number in range(CALLS)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({
        "watch": {"calls_per_night": 6, "sheet": "csv"}, "output": {"directory": str(tmp_path / "output")}
    })  # fmt: skip


Ask = Callable[..., int]


@pytest.fixture
def ask(url: str, tmp_path: Path) -> Ask:
    config = tmp_path / "config.yaml"
    config.touch()

    def work(*overrides: str, **given: Any) -> int:
        request: dict[str, Any] = {"read": (), "draw": False, "sheet": None, "as_json": True} | given
        chosen = (f"database.url={url}", f"output.directory={tmp_path / 'output'}", *overrides)
        return watch(WatchRequest(config=config, overrides=chosen, **request))

    return work


@dataclass(frozen=True, slots=True)
class Watching:
    """A database, its settings, and the command over both."""

    database: Database
    store: PostgresStore
    settings: Settings
    run_id: str
    ask: Ask

    def drawn(self, stamp: str = "1", **watch: Any) -> Path:
        """The sheet of what a run draws."""
        changed = self.settings.watch.model_copy(update=watch)
        settings = self.settings.model_copy(update={"watch": changed})
        wanted = changed.calls_per_night
        sample = draw_sample(self.database, settings, stamp, wanted=wanted, within=timedelta(0), run_id=self.run_id)
        assert sample.sheet is not None
        return sample.sheet


@pytest.fixture
def watching(database: Database, store: PostgresStore, settings: Settings, run_id: str, ask: Ask) -> Watching:
    return Watching(database, store, settings, run_id, ask)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def filled(path: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> Path:
    """The sheet after a person, in a spreadsheet that writes semicolons."""
    rows = [made for row in rows_of(path) if (made := change(row)) is not None]
    into = path.with_name("filled.csv")
    with into.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return into


def checked(row: dict[str, str]) -> dict[str, str]:
    """One word of 18 was heard wrongly: `card` for `car`."""
    return row | {"checked_by": "Ann", "said": row["said"].replace("my card", "my car")}


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return content


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


def test_a_call_is_drawn_once_and_a_night_is_filled_up(watching: Watching, stored: list[str]) -> None:
    first = watching.drawn()
    again = draw_sample(watching.database, watching.settings, "2", wanted=6, within=timedelta(days=1))
    assert (again.calls, again.sheet) == (0, None)
    more = draw_sample(watching.database, watching.settings, "3", wanted=99, within=timedelta(days=1))
    assert more.calls == CALLS - 6
    assert more.sheet is not None
    assert not {row["call_id"] for row in rows_of(first)} & {row["call_id"] for row in rows_of(more.sheet)}


def test_the_same_night_draws_the_same_calls(watching: Watching, stored: list[str]) -> None:
    first = {row["call_id"] for row in rows_of(watching.drawn())}
    with watching.database.connection() as connection:
        connection.execute("DELETE FROM watch_samples")
    assert {row["call_id"] for row in rows_of(watching.drawn("2"))} == first


def test_calls_without_words_and_of_a_demonstration_are_not_drawn(watching: Watching) -> None:
    store_call(watching.store, watching.run_id, "silent", chunks=())
    store_call(watching.store, watching.run_id, "shown", identity=identity(demonstration=True, engine="sphinx"))
    assert draw_sample(watching.database, watching.settings, "1", wanted=9, within=timedelta(days=1)).calls == 0


def test_doubtful_calls_are_half_of_the_sample_and_do_not_count_for_more(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Three of eleven calls are in doubt and heard badly; they are three of the six drawn."""
    loop = replace(chunk(0, 0, 0.0, "no no no no"), flags=("loop",))
    doubtful = {store_call(watching.store, watching.run_id, f"d{number}", chunks=(loop,)) for number in range(3)}
    sheet = watching.drawn()
    assert doubtful <= {row["call_id"] for row in rows_of(sheet)}

    def correct(row: dict[str, str]) -> dict[str, str]:
        wrong = row["call_id"] in doubtful and row["heard"]
        return row | {"checked_by": "Ann", "said": "I want to cancel" if wrong else row["said"]}

    watching.ask(read=(filled(sheet, correct),))
    # 3 calls of 4 words, all wrong, weight 1; 3 calls of 18 words, all right, weight 8/3
    assert told(capsys)["groups"][0]["wer"]["value"] == pytest.approx(12 / (12 + 8 * TRUE_WORDS))


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


@pytest.fixture
def webhook() -> Iterator[Loopback]:
    with listening(lambda _: Reply()) as server:
        yield server


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
