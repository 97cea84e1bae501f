"""From a glossary's file to a checked catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.glossary.catalogue import OTHER, Glossary, Label, Term
from analysis.glossary.tables import ABBREVIATIONS, ABOUT, TOPICS, VOCABULARY, Row, read_csv, read_xlsx, read_yaml
from pipeline.errors import ConfigurationError

_READERS = {".yaml": read_yaml, ".yml": read_yaml, ".csv": read_csv, ".xlsx": read_xlsx}
_MAX_NAME_CHARS = 120
_MAX_TEXT_CHARS = 4000
_SHOWN_FAULTS = 20
_LANGUAGE = re.compile(r"^[a-z]{2}$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def load_glossary(path: Path, name: str | None = None) -> Glossary:
    """Read and check a glossary.

    Args:
        path: a .yaml, .csv or .xlsx file (`analysis.glossary.tables` says how each is laid out).
        name: the catalogue's name; default the file's without its ending.

    Raises:
        ConfigurationError: the file is missing, unreadable, wrong or over a limit; the first faults are listed, one a
            line, with sheet, row and column.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigurationError(f"{path}: a glossary's file name must end in one of {', '.join(_READERS)}")
    try:
        tables = reader(path)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; name a glossary in glossary.b2b / glossary.b2c") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    faults: list[str] = []
    labels = _labels(tables.get(TOPICS, []), faults)
    terms = _terms(tables.get(VOCABULARY, []), tables.get(ABBREVIATIONS, []), faults)
    languages = tuple(dict.fromkeys(code for row in tables.get(ABOUT, []) for code in _languages(row, faults)))
    if not labels and not faults:
        faults.append(f"{path}: holds no topic; give at least one")
    if faults:
        more = [f"and {len(faults) - _SHOWN_FAULTS} more faults in {path}"] if len(faults) > _SHOWN_FAULTS else []
        raise ConfigurationError("\n".join([*faults[:_SHOWN_FAULTS], *more]))
    return Glossary(name=name or path.stem, languages=languages, labels=tuple(labels), terms=tuple(terms))


def _labels(rows: list[Row], faults: list[str]) -> list[Label]:
    """Topics in order of first mention, each followed by its subtopics; a topic named only by subtopics is added."""
    found: dict[tuple[str, str | None], Label] = {}
    first_place: dict[tuple[str, str | None], str] = {}
    folded: dict[tuple[str, str | None], str] = {}
    for row in rows:
        topic, subtopic = row.cells.get("topic"), row.cells.get("subtopic")
        if not topic:
            faults.append(f"{row.where('topic')}: is empty; name the topic")
            continue
        _check_name(row, "topic", topic, faults)
        if subtopic:
            _check_name(row, "subtopic", subtopic, faults)
        _check_text(row, faults)
        key = (topic, subtopic)
        same = (topic.casefold(), subtopic.casefold() if subtopic else None)
        if same in folded:
            column = "subtopic" if subtopic else "topic"
            faults.append(f"{row.where(column)}: {subtopic or topic!r} is already defined ({folded[same]})")
            continue
        folded[same] = row.place
        first_place[key] = row.place
        found[key] = Label(
            topic=topic,
            subtopic=subtopic,
            definition=row.cells.get("definition", ""),
            keywords=_items(row, "keywords"),
            examples=_items(row, "examples"),
            languages=_languages(row, faults),
        )
    _check_spelling(found, first_place, faults)
    below: dict[str, list[Label]] = {topic: [] for topic, _ in found}
    for (topic, subtopic), label in found.items():
        if subtopic is not None:
            below[topic].append(label)
    return [label for topic, own in below.items() for label in (found.get((topic, None), Label(topic=topic)), *own)]


def _check_spelling(
    found: dict[tuple[str, str | None], Label], places: dict[tuple[str, str | None], str], faults: list[str]
) -> None:
    spelling: dict[str, str] = {}
    for topic, subtopic in found:
        known = spelling.setdefault(topic.casefold(), topic)
        if known != topic:
            faults.append(
                f"{places[topic, subtopic]}, column topic: {topic!r} is written {known!r} elsewhere; write it one way"
            )


def _check_name(row: Row, column: str, name: str, faults: list[str]) -> None:
    if len(name) > _MAX_NAME_CHARS:
        faults.append(f"{row.where(column)}: {len(name)} characters; a name has at most {_MAX_NAME_CHARS}")
    elif ">" in name:
        faults.append(f"{row.where(column)}: {name!r} holds '>', which separates topic from subtopic")
    elif "\n" in name or _CONTROL.search(name):
        faults.append(f"{row.where(column)}: {name!r} holds a line break or control character")
    elif name.casefold() == OTHER:
        faults.append(f"{row.where(column)}: {name!r} is what a model answers when no label fits; choose another name")


def _check_text(row: Row, faults: list[str]) -> None:
    for column, text in row.cells.items():
        if len(text) > _MAX_TEXT_CHARS:
            faults.append(f"{row.where(column)}: {len(text)} characters; at most {_MAX_TEXT_CHARS} are taken")


def _items(row: Row, column: str) -> tuple[str, ...]:
    cell = row.cells.get(column, "")
    parts = cell.split("\n") if "\n" in cell else re.split(r"[;|]", cell)
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _languages(row: Row, faults: list[str]) -> tuple[str, ...]:
    codes = []
    for part in re.split(r"[;|,\s]+", row.cells.get("languages", "")):
        if not part:
            continue
        if not _LANGUAGE.match(part):
            faults.append(f"{row.where('languages')}: {part!r} is no ISO 639-1 code (two lower-case letters: en, fr)")
        else:
            codes.append(part)
    return tuple(dict.fromkeys(codes))


def _terms(vocabulary: list[Row], abbreviations: list[Row], faults: list[str]) -> list[Term]:
    terms: dict[str, Term] = {}
    for rows, column, abbreviation in ((vocabulary, "term", False), (abbreviations, "abbreviation", True)):
        for row in rows:
            text = row.cells.get(column)
            if not text:
                faults.append(f"{row.where(column)}: is empty")
            elif text.casefold() in terms:
                faults.append(f"{row.where(column)}: {text!r} is already listed")
            else:
                _check_name(row, column, text, faults)
                terms[text.casefold()] = Term(
                    text=text, meaning=row.cells.get("meaning", ""), abbreviation=abbreviation
                )
    return list(terms.values())
