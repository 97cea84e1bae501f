"""An answer as the terminal shows it, and what indexing tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from analysis.questions.records import Answer, Group, LineBefore, Quote, Searched, Sentence
from commands.ask.command import _show as show
from commands.ask.command import told
from commands.ask.index import Indexed


def quote(call: str, rank: int = 0, at_s: float = 0.0) -> Quote:
    return Quote(
        call_id=call, file_name=f"{call}.wav", started_at=None, agent_id=None, role="client", channel=1, ordinal=rank,
        start_s=at_s, text=f"words of {call} {rank}", likeness=None, rank=rank,
    )  # fmt: skip


SEARCHED = Searched(calls=9, indexed=7, alike=7, vectors=None)
NOTHING = Answer(
    question="q", found=False, sentences=(), groups=(), nearest=(), searched=SEARCHED, notes=("one is missing",)
)
DATED = replace(quote("a", at_s=125.9), started_at=datetime(2026, 9, 14, tzinfo=UTC))
MUCH = Group(quotes=(DATED, quote("b", 1), quote("c", 2), quote("a", 3), quote("b", 4)))
ALONE = Group(quotes=(replace(quote("d", 5, 59.99), before=LineBefore(role="agent", start_s=50.0, text="is it?")),))


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (NOTHING, ["Not in these calls.", "Looked through 7 calls.", "Note: one is missing"]),
        (
            replace(NOTHING, searched=replace(SEARCHED, indexed=0), notes=()),
            ["No call is ready for questions yet.", "Looked through 0 calls."],
        ),
        (
            replace(NOTHING, searched=replace(SEARCHED, calls=0, indexed=0), notes=()),
            ["Not in these calls.", "Looked through 0 calls."],
        ),
        (
            replace(NOTHING, nearest=(quote("n", at_s=61.0),), notes=()),
            ["Not in these calls.", "", "What comes nearest:", "   client: “words of n 0” n.wav, at 1:01",
             "Looked through 7 calls."],
        ),
        (
            replace(
                NOTHING, found=True, groups=(MUCH, ALONE), notes=(), dropped=1, model="chat/m",
                sentences=(Sentence(text="They do.", group=0, quotes=(DATED, quote("b", 1)), calls=2),),
            ),
            ["They do.  (at least 2 calls; quotes under 1)", "",
             "At least 4 of 7 calls answer this.",
             "1. Much the same in at least 3 calls:",
             "   client: “words of a 0” a.wav, 2026-09-14, at 2:05",
             "   client: “words of b 1” b.wav, at 0:00",
             "   client: “words of c 2” c.wav, at 0:00",
             "   and 2 more quotes",
             "Said in one call each:",
             "   agent: is it?",
             "   client: “words of d 5” d.wav, at 0:59",
             "Looked through 7 calls. Sentences by chat/m, checked against the quotes. 1 sentence were not borne out "
             "and were left out."],
        ),
        (
            replace(NOTHING, found=True, groups=(ALONE,), notes=()),
            ["At least 1 of 7 calls answer this.", "   agent: is it?", "   client: “words of d 5” d.wav, at 0:59",
             "Looked through 7 calls."],
        ),
    ],
)  # fmt: skip
def test_an_answer_is_shown_with_its_quotes(
    answer: Answer, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show(answer)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == lines


NONE = Indexed(transcripts=0, passages=0, vectors=0, left=0, without_vectors=None)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (NONE, "every call is ready for questions"),
        (replace(NONE, without_vectors="no weights"), "every call is ready for questions; words alone, no vectors: no "
         "weights"),
        (replace(NONE, transcripts=1, passages=3), "1 transcript made ready for questions: 3 passages"),
        (replace(NONE, left=2), "0 transcripts made ready for questions: 0 passages; 2 transcripts left for the next "
         "time"),
    ],
)  # fmt: skip
def test_indexing_tells_what_it_did(done: Indexed, said: str) -> None:
    assert told(done) == said
