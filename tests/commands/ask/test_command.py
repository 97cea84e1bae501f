"""`run.py ask` as it is typed, over real calls and a real HTTP server for the language model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from db.ledger.store import PostgresStore
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from tests.analysis.encoder.conftest import real_encoder  # noqa: F401 - a fixture
from tests.analysis.llm.servers import answers
from tests.analysis.questions.stored import CARD, store_call
from tests.loopback import listening

DEAR = ("a: how can I help", "c: I want to cancel my contract because the price is too high", "a: I have cancelled it")


@pytest.fixture
def calls(store: PostgresStore, run_id: str) -> dict[str, str]:
    return {"dear": store_call(store, run_id, "dear", *DEAR), "card": store_call(store, run_id, "card", *CARD)}


def asked(url: str, folder: Path, *arguments: str, more: str = "", encoder: str = "'off'") -> str:
    config = folder / "config.yaml"
    config.write_text(f"database:\n  url: {url}\nencoder:\n  engine: {encoder}\n{more}")
    done = CliRunner().invoke(app, ["ask", *arguments, "--config", str(config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_the_index_is_made_and_the_answer_quotes_the_calls(url: str, calls: dict[str, str], tmp_path: Path) -> None:
    assert "2 transcripts made ready for questions" in asked(url, tmp_path, "--index")
    assert "every call is ready" in asked(url, tmp_path, "--index")
    said = asked(url, tmp_path, "cancel contract price")
    assert "At least 1 of 2 calls answer this." in said
    assert "“I want to cancel my contract because the price is too high”" in " ".join(said.split())
    assert "dear.wav" in said
    assert "Looked through 2 calls." in said
    assert "words alone" in said


def test_json_holds_everything(url: str, calls: dict[str, str], tmp_path: Path) -> None:
    answer = json.loads(asked(url, tmp_path, "stolen card", "--index", "--json"))
    assert answer["found"]
    assert answer["groups"][0]["call_ids"] == [calls["card"]]
    assert answer["groups"][0]["quotes"][0]["start_s"] == 2.5


def test_what_is_not_in_the_calls_is_said(url: str, calls: dict[str, str], tmp_path: Path) -> None:
    assert "Not in these calls." in asked(url, tmp_path, "who mentions bitcoin?", "--index")
    assert "Not in these calls." in asked(url, tmp_path, "stolen card", "--agent", "A8")
    assert "Not in these calls." in asked(url, tmp_path, "stolen card", "--since", "2027-01-01")


def test_what_cannot_be_asked_is_refused(url: str, calls: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ask something"):
        asked(url, tmp_path, "?!")
    with pytest.raises(ConfigurationError, match=r"ask\.providers lists openai_chat, but"):
        asked(url, tmp_path, "why", more="ask:\n  providers: openai_chat\n")
    with pytest.raises(DatabaseUnavailable, match="no database there"):
        asked(f"embedded\n  data_dir: {tmp_path}/none", tmp_path, "why")


def test_markup_of_the_terminal_in_calls_has_no_effect(
    url: str, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    store_call(store, run_id, "odd", "c: [bold red]refund[/] \x1b[31m now \u202e please")
    said = asked(url, tmp_path, "refund", "--index")
    assert "[bold red]refund[/]" in said
    assert "\x1b[31m now" not in said


@pytest.mark.usefixtures("calls", "real_encoder")  # without vectors no two quotes are known to be alike
def test_a_configured_model_writes_sentences_and_nothing_personal_leaves(
    url: str, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    store_call(
        store, run_id, "paid", "c: I want to cancel my contract, the price is too high, my card is 4111 1111 1111 1111"
    )
    words = "the price is too high"
    sentence = "The client wants to cancel the contract because the price is too high."
    evidence = [{"number": 1, "words": words}, {"number": 2, "words": words}]
    answer = {"answers": True, "sentence": sentence, "evidence": evidence}
    with listening(answers(json.dumps(answer))) as model:
        configured = (
            f"ask:\n  providers: openai_chat\nllm:\n  openai_chat:\n    model: m\n    base_url: {model.url}/v1\n"
        )
        question = "why do clients cancel their contract?"
        asked(url, tmp_path, "--index", encoder="onnx")
        said = asked(url, tmp_path, question, more=configured, encoder="onnx")
        without = asked(url, tmp_path, question, "--no-model", more=configured, encoder="onnx")
    assert f"{sentence} (at least 2 calls; quotes under 1)" in " ".join(said.split())
    assert "1. Much the same in at least 2 calls:" in said
    assert "Sentences by openai_chat/m" in said
    assert sentence not in without
    assert model.seen
    assert not any("4111" in request.text for request in model.seen)


def test_nothing_indexed_is_not_said_to_be_not_in_the_calls(url: str, calls: dict[str, str], tmp_path: Path) -> None:
    said = asked(url, tmp_path, "stolen card")
    assert "No call is ready for questions yet." in said
    assert "Not in these calls" not in said
    assert "2 of 2 calls are not indexed yet" in " ".join(said.split())
