"""Topics and summaries through the main job: a real chat server on loopback, its outage and return, redaction."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.materials.tiny_llm import build_tiny_llm
from db.embedded.server import EmbeddedServer
from tests.analysis.llm.servers import Body, answers, fails, serving
from tests.commands.running import NO_MODELS, SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT
from tests.loopback import Loopback

CARD, OUTAGE = "20260914-113006_inbound_agent-4711_b2c_q-cards_lost-card", "20260915-101130_inbound"
SECRETS = (
    "four one one one",
    "4111 1111",
    "4111-1111",
    "411111111111",
    "peter dot brown",
    "0612345678",
    "06 12 34 56 78",
)
"""None that a hash, an id or a float could hold by chance."""
SAID = {
    "My name is Peter Brown, and the last four numbers are nine one six two.": (
        "My name is Peter Brown, the card is four one one one 1111 1111 1111, and "
        "my mail is peter dot brown at gmail dot com."
    ),
    "The number of my office. You have it in the ticket.": "Call me on 0612345678 at the office.",
}
ENRICHMENTS = ("topic", "summary")
LIGHT = (*NO_MODELS, "sentiment.fusion.method=off")
"""Steps that are not looked at here are left out."""


@pytest.fixture(scope="module")
def two_calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private customer's call and a business customer's, and what is said in them, personal data included."""
    calls, truth = tmp_path_factory.mktemp("calls"), tmp_path_factory.mktemp("truth")
    for start in (CARD, OUTAGE):
        source = next((PROJECT / "samples" / "calls").glob(f"{start}*"))
        path = Path(shutil.copy(source, calls))
        os.utime(path, (time.time() - 3600, time.time() - 3600))
        text = next((PROJECT / "samples" / "truth").glob(f"{start}*")).read_text(encoding="utf-8")
        for before, after in SAID.items():
            text = text.replace(before, after)
        (truth / f"{path.stem}.json").write_text(text, encoding="utf-8")
    return calls, truth


@pytest.fixture
def place(server: EmbeddedServer, two_calls: tuple[Path, Path], tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(two_calls[0], tmp_path / "output", url)


class Model:
    """Answers chat completions as a language model would; `down` is one that answers 503."""

    def __init__(self, **replies: Mapping[str, Any]) -> None:
        self.down = False
        self._replies = replies

    def __call__(self, number: int, body: Body) -> Any:
        if self.down:
            return fails(503)
        form = body["response_format"]["json_schema"]
        system, said = body["messages"][0]["content"], body["messages"][-1]["content"]
        reply = self._reply_to(form) or getattr(self, f"_{form['name']}")(form["schema"], said, system)
        return answers(json.dumps(reply))

    def _reply_to(self, form: Any) -> Any:
        """What was given for this question; None where it is of another form."""
        reply = self._replies.get(form["name"])
        return reply if reply is not None and set(reply) == set(form["schema"]["properties"]) else None

    def _topic(self, schema: Any, said: str, system: str) -> Any:
        wanted = "Cards > Lost or stolen" if "lost my card" in said else "Technical support > Outage"
        number = re.search(rf"^(\d+)\. {wanted}:", system, re.MULTILINE)
        assert number is not None, system
        assert number.group(1) in schema["properties"]["number"]["enum"]
        return {"why": "The client [CARD_1] called.", "number": number.group(1)}

    def _summary(self, schema: Any, said: str, system: str) -> Any:
        if "promises" in schema["properties"]:
            return {"promises": []}
        reason = "The client lost a card." if "lost my card" in said else "The server is down."
        outcome = "The client's card is [CARD_1]." if "lost my card" in said else "The number is [PHONE_1]."
        return {"reason": reason, "done": "The agent paid 900 dollars.", "outcome": outcome}


def settings(server: Loopback, two_calls: tuple[Path, Path], *more: str, providers: str = "[openai_chat]") -> list[str]:
    return [
        "transcription.engines=[scripted]",
        f"transcription.scripted.transcripts={two_calls[1]}",
        f"llm.providers={providers}",
        "topics.method=llm",
        "summary.method=llm",
        "llm.openai_chat.model=test-model",
        f"llm.openai_chat.base_url={server.url}/v1",
        "llm.openai_chat.logprobs=false",
        "llm.openai_chat.input_usd_per_million_tokens=10",
        "llm.openai_chat.output_usd_per_million_tokens=100",
        "llm.retry={attempts: 2, initial_wait_s: 0.01}",
        *LIGHT,
        *more,
    ]


def steps(place: Workplace, *names: str) -> list[dict[str, Any]]:
    query = """SELECT file_name, step, state, reason, call_steps.provider, model, tokens_in, tokens_out,
                      cost_usd, latency_s, updated_at
               FROM call_steps JOIN calls USING (call_id) WHERE step = ANY(%s) ORDER BY file_name, step"""
    return place.rows(query, list(names))


def calls(place: Workplace) -> list[dict[str, Any]]:
    return place.rows("SELECT * FROM calls ORDER BY file_name")


def everything_stored(place: Workplace) -> str:
    """Every row of every table, as text."""
    names = place.rows(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' "
        "AND table_type = 'BASE TABLE' AND table_name <> 'runs'"
    )
    return "\n".join(
        str(row["row"]) for one in names for row in place.rows(f'SELECT t::text AS row FROM "{one["name"]}" t')
    )


def test_a_model_fills_the_tables_and_nothing_personal_reaches_it(
    place: Workplace, two_calls: tuple[Path, Path]
) -> None:
    with serving(Model()) as server:
        run = place.run(settings=settings(server, two_calls))
        sent = [seen.text for seen in server.seen]
    assert run.returncode == 0, run.stderr
    card, outage = calls(place)
    assert (card["topic"], card["subtopic"], card["topic_catalogue"]) == ("Cards", "Lost or stolen", "b2c")
    assert (outage["topic"], outage["subtopic"], outage["topic_catalogue"]) == ("Technical support", "Outage", "b2b")
    assert card["topic_confidence"] is None, "the server gave no probabilities"
    assert [quote["quote"] for quote in card["topic_evidence"]] == [
        "I would like to block the card and order a new card"
    ]
    assert card["topic_evidence"][0]["start_s"] > 0
    assert card["summary"].startswith("Reason: The client lost a card.")
    assert "900" not in card["summary"], "nobody said 900"
    assert {row["llm_provider"] for row in (card, outage)} == {"openai_chat"}
    assert {row["llm_model"] for row in (card, outage)} == {"test-model"}
    # Each step asks once; the server counts 100 tokens in and 20 out.
    for row in steps(place, *ENRICHMENTS):
        assert (row["state"], row["tokens_in"], row["tokens_out"]) == ("done", 100, 20)
        assert row["cost_usd"] == pytest.approx(0.003)
        assert row["latency_s"] > 0
    assert len(sent) == 4
    assert not [secret for secret in SECRETS for text in sent if secret in text]
    assert any("[CARD_1]" in text and "[EMAIL_1]" in text for text in sent)
    assert "0612345678" in outage["summary"], "put back into what is stored"
    assert "four one one one" in card["transcription"]


def test_an_outage_costs_the_enrichment_only_and_a_later_run_fills_in_just_that(
    place: Workplace, two_calls: tuple[Path, Path]
) -> None:
    model = Model()
    with serving(model) as server:
        chosen = settings(server, two_calls)
        model.down = True
        run = place.run(settings=chosen)
        assert run.returncode == 5, run.stderr
        assert "attention: language model openai_chat: asked 4 times, it never answered" in " ".join(run.stdout.split())
        without = calls(place)
        for row in without:
            assert (row["status"], row["topic"], row["summary"], row["llm_provider"]) == ("done", None, None, None)
            assert row["transcription"]
            assert all("503" in row["missing_reasons"][step] for step in ENRICHMENTS)
        others = steps(place, "text", "conversation")

        with_fallback = settings(server, two_calls, providers="[openai_chat, extractive]")
        assert place.run(settings=with_fallback).returncode == 5
        for row in steps(place, *ENRICHMENTS):
            assert row["provider"] in {"keywords", "extractive"}
            assert "503" in row["reason"]
        assert [row["topic"] for row in calls(place)] == ["Cards", "Technical support"]

        model.down = False
        assert place.run(settings=with_fallback).returncode == 0
        good = calls(place)
        assert {row["provider"] for row in steps(place, *ENRICHMENTS)} == {"openai_chat"}
        assert all(row["topic"] and row["summary"] and "topic" not in row["missing_reasons"] for row in good)
        assert [row["transcript_fingerprint"] for row in good] == [row["transcript_fingerprint"] for row in without]
        assert steps(place, "text", "conversation") == others, "nothing else was done again"

        model.down = True
        asked = len(server.seen)
        assert place.run("--reprocess", "analysis", settings=with_fallback).returncode == 5
        assert len(server.seen) > asked
        (service,) = json.loads(place.newest("performance_report_*.json").read_text())["passed_over_providers"]
        assert (service["provider"], service["asked"], service["answered"]) == ("openai_chat", 4, 0)
        assert "503" in service["reason"]
        assert {row["provider"] for row in steps(place, *ENRICHMENTS)} == {"openai_chat"}
        for reason in [row["reason"] for row in steps(place, *ENRICHMENTS)] + [
            row["missing_reasons"][step] for row in calls(place) for step in ENRICHMENTS
        ]:
            assert "kept from an earlier run" in reason
            assert "503" in reason
        kept = ("topic", "subtopic", "topic_evidence", "summary", "llm_provider", "llm_model", "action_items")
        for now, then in zip(calls(place), good, strict=True):
            assert {name: now[name] for name in kept} == {name: then[name] for name in kept}, "spoiled by the outage"


def test_with_redact_stored_no_table_and_no_file_holds_personal_data(
    place: Workplace, two_calls: tuple[Path, Path]
) -> None:
    with serving(Model()) as server:
        # First as it is by default, so that the plain text is there and has to go; again, which buys nothing.
        assert place.run(settings=settings(server, two_calls)).returncode == 0
        assert [secret for secret in SECRETS if secret in everything_stored(place)]
        asked = len(server.seen)
        assert place.run(settings=settings(server, two_calls)).returncode == 0
        assert len(server.seen) == asked
        shutil.rmtree(place.output)
        chosen = settings(server, two_calls, "redaction.redact_stored=true", "output.transcripts.formats=[txt, json]")
        run = place.run(settings=chosen)
        assert run.returncode == 0, run.stderr
    stored = everything_stored(place)
    assert not [secret for secret in SECRETS if secret in stored]
    card, outage = calls(place)
    assert "[CARD_1]" in card["transcription"]
    assert "[CARD_1]" in card["client_transcription"]
    assert "[PHONE_1]" in outage["summary"]
    assert "[EMAIL_1]" in " ".join(row["text"] for row in place.rows("SELECT text FROM chunks"))
    files = [
        path.read_text(encoding="utf-8-sig", errors="replace") for path in place.output.rglob("*") if path.is_file()
    ]
    assert any("[CARD_1]" in text for text in files)
    assert not [secret for secret in SECRETS for text in files if secret in text]


def test_french_by_two_keys_and_what_the_glossary_lacks_in_a_file(
    place: Workplace, two_calls: tuple[Path, Path]
) -> None:
    fields = {"reason": "Le client a perdu sa carte.", "done": "", "outcome": "Une nouvelle carte va arriver."}
    other, terms = {"why": "Une carte.", "number": "0"}, {"terms": ["number", "solar roof"]}
    french = ("topics.pre_summary_language=fr", "summary.language=fr")
    with serving(Model(summary=fields, topic=other, topic_terms=terms)) as server:
        assert place.run(settings=settings(server, two_calls, *french)).returncode == 0
        sent = {
            seen.json()["response_format"]["json_schema"]["name"]: seen.json()["messages"][0]["content"]
            for seen in server.seen
        }
    assert "one sentence in French" in sent["topic"]
    assert any("Écrivez en français" in seen.json()["messages"][0]["content"] for seen in server.seen)
    assert "Write in French" in sent["summary"], "the promises, asked last"
    found = calls(place)
    assert {row["summary"] for row in found} == {
        "Motif : Le client a perdu sa carte.\nSuite : Une nouvelle carte va arriver."
    }
    assert {(row["topic"], row["subtopic"]) for row in found} == {("other", None)}
    with place.newest("proposed_terms_*.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["term"], row["calls"], row["catalogue"]) for row in rows] == [
        ("number", "1", "b2b"),
        ("number", "1", "b2c"),
    ], "what nobody said is no proposal"
    assert all(row["glossary"] for row in rows)


def test_a_model_on_this_machine_answers_from_the_glossary(
    place: Workplace, two_calls: tuple[Path, Path], tmp_path: Path
) -> None:
    model = build_tiny_llm(tmp_path / "tiny")
    glossary = tmp_path / "both.yaml"
    glossary.write_text("topics: [{topic: Cards}, {topic: Outage}]", encoding="utf-8")
    run = place.run(
        "--limit",
        "1",
        settings=[
            "transcription.engines=[scripted]",
            f"transcription.scripted.transcripts={two_calls[1]}",
            "llm.providers=[mlx_lm]",
            "topics.method=llm",
            "summary.method=llm",
            f"llm.mlx_lm.model={model}",
            f"glossary.b2b={glossary}",
            f"glossary.b2c={glossary}",
            "topics.max_tokens=96",
            "summary.max_tokens=160",
            *LIGHT,
        ],
    )
    assert run.returncode == 0, run.stderr
    for row in calls(place):
        assert row["status"] == "done"
        assert row["topic"] in {"Cards", "Outage", "other"}, row["missing_reasons"]
        assert 0 < row["topic_confidence"] <= 1
    found = steps(place, *ENRICHMENTS)
    assert {row["cost_usd"] for row in found if row["model"]} == {0}
    assert all(row["model"].startswith("local@sha256-") for row in found if row["model"])
    # Nonsense is a valid summary; where none of it is supported the reason says so, and nothing is invented.
    assert all(row["state"] == "done" or "supported" in row["reason"] or "empty" in row["reason"] for row in found)


BY_MODEL = (
    "summary.method=llm",
    "llm.providers=[openai_chat]",
    "llm.openai_chat.model=m",
    "llm.openai_chat.base_url=http://127.0.0.1:1/v1",
)


def test_a_dry_run_shows_the_template(place: Workplace) -> None:
    run = place.run("--dry-run", settings=["summary.template=diary_note", "summary.language=fr", *SCRIPTED, *BY_MODEL])
    assert run.returncode == 0, run.stderr
    assert "Date inconnue, agent A17, appel entrant, 3 min." in run.stdout
    assert "Suivi :" in run.stdout
