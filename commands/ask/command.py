"""`run.py ask`: a question, its answer out of the calls, and the quotes it rests on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.text import Text

from analysis.questions.choice import open_asker
from analysis.questions.document import document_of
from analysis.questions.grouping import apart
from analysis.questions.records import Answer, Group, Quote, Sentence
from commands.ask.index import Indexed, index_calls
from commands.console import Terminal, cell
from commands.terminal import say, say_json
from db.connection import connect
from db.existing import existing_ledger
from db.queries.chosen import CallFilter
from db.queries.passages import PostgresPassages
from pipeline.config.loader import load_exported, load_settings
from pipeline.plurals import counted

QUOTES_OF_GROUP = 3
"""Shown on the terminal; --json has all."""


def ask_calls(
    config: Path, overrides: Sequence[str], question: str, chosen: CallFilter, *, as_json: bool, model: bool
) -> int:
    """Answer `question` out of the chosen calls; returns the exit code: 0 also where nothing is found.

    Raises QuestionUnusable, DatabaseUnavailable.
    """
    settings = load_exported(config, overrides).settings
    with existing_ledger(settings.database) as database, open_asker(settings, model=model) as asker:
        answer = asker.ask(
            question, PostgresPassages(database=database, chosen=chosen, timezone=settings.input.timezone)
        )
    if as_json:
        say_json(document_of(answer).model_dump(mode="json"))
    else:
        _show(answer)
    return 0


def index(config: Path, overrides: Sequence[str], *, quiet: bool = False) -> None:
    """Make new and changed calls ready for questions. `quiet`: nothing on standard output."""
    settings = load_settings(config, overrides).settings
    terminal = Terminal(sys.stderr)
    with existing_ledger(settings.database) as old:
        del old  # only asked whether there is one
    with connect(settings.database) as database, terminal.status("looking for new calls") as shown:
        done = index_calls(
            database, settings, tell=lambda done, of: shown.update(f"{done} of {counted(of, 'transcript')}")
        )
    if not quiet:
        say(told(done))


def told(done: Indexed) -> str:
    """A line about what indexing did."""
    if not done.transcripts and not done.left:
        text = "every call is ready for questions"
    else:
        text = (
            f"{counted(done.transcripts, 'transcript')} made ready for questions: {counted(done.passages, 'passage')}"
        )
    if done.left:
        text += f"; {counted(done.left, 'transcript')} left for the next time"
    return text if done.without_vectors is None else f"{text}; words alone, no vectors: {done.without_vectors}"


def _show(answer: Answer) -> None:
    out = Terminal()
    if not answer.found:
        ready = answer.searched.indexed or not answer.searched.calls
        out.print(Text("Not in these calls." if ready else "No call is ready for questions yet.", "bold"))
        if answer.nearest:
            out.print("\nWhat comes nearest:")
            for quote in answer.nearest:
                out.print(_line(quote))
    for sentence in answer.sentences:
        out.print(_told(sentence))
    if answer.sentences:
        out.print()
    if answer.found:
        _show_groups(out, answer)
    out.print(_searched(answer))
    for note in answer.notes:
        out.print(Text(f"Note: {note}", "dim"))


def _told(sentence: Sentence) -> Text:
    shown = cell(sentence.text, "bold")
    shown.append(f"  (at least {counted(sentence.calls, 'call')}; quotes under {sentence.group + 1})", "dim")
    return shown


def _show_groups(out: Terminal, answer: Answer) -> None:
    of = counted(answer.searched.indexed, "call")
    out.print(Text(f"At least {answer.answering_calls} of {of} answer this.", "bold"))
    shared, single = apart(answer.groups)
    for number, group in enumerate(shared, start=1):
        out.print(Text(f"{number}. Much the same in at least {counted(len(group.calls), 'call')}:", "bold"))
        _show_quotes(out, group)
    if shared and single:
        out.print(Text("Said in one call each:", "bold"))
    for group in single:
        _show_quotes(out, group)


def _show_quotes(out: Terminal, group: Group) -> None:
    for quote in group.quotes[:QUOTES_OF_GROUP]:
        out.print(_line(quote))
    if len(group.quotes) > QUOTES_OF_GROUP:
        out.print(Text(f"   and {counted(len(group.quotes) - QUOTES_OF_GROUP, 'more quote')}", "dim"))


def _line(quote: Quote) -> Text:
    minutes, seconds = divmod(int(quote.start_s), 60)
    shown = Text("   ")
    if quote.before is not None:
        shown.append_text(cell(f"{quote.before.role}: {quote.before.text}", "dim"))
        shown.append("\n   ")
    shown.append_text(cell(f"{quote.role}: “{quote.text}”"))
    shown.append(" ")
    shown.append_text(cell(f"{quote.file_name}, {_began(quote.started_at)}at {minutes}:{seconds:02d}", "dim"))
    return shown


def _began(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}, "


def _searched(answer: Answer) -> Text:
    looked = f"Looked through {counted(answer.searched.indexed, 'call')}."
    wrote = "" if answer.model is None else f" Sentences by {answer.model}, checked against the quotes."
    dropped = (
        "" if not answer.dropped else f" {counted(answer.dropped, 'sentence')} were not borne out and were left out."
    )
    return cell(looked + wrote + dropped, "dim")
