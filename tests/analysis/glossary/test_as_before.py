"""What is read of glossaries, and every word of what is said against wrong ones, kept as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from analysis.glossary.reader import load_glossary
from pipeline.errors import ConfigurationError
from tests.analysis.glossary.test_glossary import CSV_FAULTS, YAML_FAULTS
from tests.pinned import assert_pinned

CSV = (
    *(content for content, _ in CSV_FAULTS),
    f"topic\n{'n' * 120}\n", f"topic\n{'n' * 121}\n", f"topic,definition\nA,{'d' * 4000}\n",
    f"topic,definition\nA,{'d' * 4001}\n", "topic,subtopic\nA,b\na,c\n", "topic,,\nA,,\nB,,x\n",
    'topic,subtopic\n"A\x01",\n', "topic,subtopic\nA,Other\n", "topic,languages\nA,en de;fr|it\nB,EN\n",
    "topic,keywords\nRésiliation,fin du contrat; arrêter\n",
    "topic,subtopic,keywords,examples\nA,b,x;y|x; z,\nC,,,say this|and that\nA,d,,\n,,,\nE,f,,\n",
)  # fmt: skip
YAML = (
    *(content for content, _ in YAML_FAULTS),
    "- topics\n", "topics: A\n", "topics:\n  - topic: A\n    subtopics: b\n",
    "topics:\n  - topic: A\n    subtopics:\n      - {topic: B, subtopic: c}\n",
    "topics:\n  - topic: A\nvocabulary:\n  - {term: X, meaning: y}\n  - {term: x}\n  - {meaning: nothing}\n",
    "topics:\n  - topic: A\nabbreviations:\n  - {abbreviation: SLA, meaning: level}\nlanguages: [en, de]\n",
    "topics:\n  - topic: A\n    definition: [a, b]\n", "topics: []\n", "languages: english\ntopics:\n  - topic: A\n",
    "topics:\n  - topic: A\n    keywords: [a; b, c]\n    subtopics:\n      - {subtopic: s, examples: [e, '', f]}\n",
    "vocabulary:\n  - {term: 'a > b'}\ntopics:\n  - topic: A\n  - topic: B\n  - topic: a\n",
)  # fmt: skip
SHEETS: tuple[dict[str, list[list[str | None]]], ...] = (
    {"Topics": [["topic"], ["A"]], "vocabulary": [["term"], ["x"]], "About": [["languages"], ["en; de"]]},
    {"vocabulary": [["term"], ["x"]]},
    {"topics": [["topic"], ["A"]], "Topics ": [["topic"]]},
    {"topics": [["topic", None, None], ["A", None, None], [None, "x", None]]},
    {"topics": [[None, None], ["topic", "subtopic"], [None, None], ["A", "b"], [None, "c"]]},
    {"topics": [["topic"], ["A"]], "abbreviations": [["meaning"], ["x"]]},
    {"topics": [["topic"], ["A"]], "abbreviations": [["abbreviation", "meaning"], ["x", "y"], ["X", None]]},
    {"topics": []},
)


def read(path: Path) -> str:
    try:
        glossary = load_glossary(path)
    except ConfigurationError as error:
        return f"refused: {error}".replace(str(path.parent), "FOLDER")
    labels = "\n".join(str(label) for label in glossary.labels)
    terms = f"{glossary.terms} {glossary.context_terms(20)}"
    return f"{glossary.name} {glossary.languages} {glossary.content_hash}\n{labels}\n{terms}"


@pytest.mark.parametrize(("ending", "contents"), [("csv", CSV), ("yaml", YAML)])
def test_written_glossaries(ending: str, contents: tuple[str, ...], tmp_path: Path) -> None:
    lines = []
    for content in contents:
        (tmp_path / f"g.{ending}").write_text(content, encoding="utf-8")
        lines += [f"= {content[:60]!r}", read(tmp_path / f"g.{ending}")]
    assert_pinned(f"{ending}.txt", "\n".join(lines))


def test_workbooks(tmp_path: Path) -> None:
    lines = []
    for sheets in SHEETS:
        workbook = Workbook()
        workbook.remove(workbook.worksheets[0])
        for title, rows in sheets.items():
            sheet = workbook.create_sheet(title)
            for number, row in enumerate(rows, 1):
                for column, cell in enumerate(row, 1):
                    sheet.cell(number, column, cell)
        workbook.save(tmp_path / "g.xlsx")
        lines += [f"= {list(sheets)}", read(tmp_path / "g.xlsx")]
    lines += [read(tmp_path / "g.docx"), read(tmp_path / "none.csv"), read(tmp_path)]
    (tmp_path / "folder.csv").mkdir()
    lines.append(read(tmp_path / "folder.csv"))
    assert_pinned("workbooks.txt", "\n".join(lines).replace(tmp_path.name, "FOLDER"))
