"""Glossaries: three kinds of file, one content; every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from analysis.glossary.catalogue import Glossary, Label, fitting
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from pipeline.config.areas.language import GlossarySettings
from pipeline.errors import ConfigurationError
from pipeline.records import CustomerSegment

GLOSSARIES = Path(__file__).resolve().parents[3] / "glossaries"


@pytest.mark.parametrize("name", ["b2b", "b2c"])
def test_equal_content_has_one_version_whatever_the_file(name: str) -> None:
    paths = (f"{name}.yaml", f"examples/{name}.csv", f"examples/{name}.xlsx")
    loaded = [load_glossary(GLOSSARIES / path, name) for path in paths]
    assert loaded[0] == loaded[1] == loaded[2]
    assert len({one.content_hash for one in loaded}) == 1
    assert all(label.definition and label.keywords for label in loaded[0].labels)


def test_a_changed_keyword_changes_the_version(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("topic,keywords\nBilling,bill; invoice\n", encoding="utf-8")
    before = load_glossary(path).content_hash
    path.write_text("topic,keywords\nBilling,bill; charge\n", encoding="utf-8")
    assert load_glossary(path).content_hash != before


CSV_FAULTS = [
    ("topic,keyword\nA,b\n", r"row 1, column B: unknown column 'keyword'; the columns are: topic, subtopic"),
    ("topic,topic\nA,b\n", r"row 1, column B: column 'topic' appears twice"),
    ("subtopic\nA\n", r"row 1: has no column 'topic'"),
    ("topic,subtopic\n,b\n", r"row 2, column A \(topic\): is empty"),
    ("topic,subtopic\nA,b\n\nA,B\n", r"row 4, column B \(subtopic\): 'B' is already defined .*row 2"),
    ("topic\nA > b\n", r"row 2, column A \(topic\): 'A > b' holds '>'"),
    ("topic\nother\n", r"row 2, column A \(topic\): 'other' is what a model answers"),
    ("topic,languages\nA,english\n", r"row 2, column B \(languages\): 'english' is no ISO 639-1 code"),
    ("topic\nA,b\n", r"row 2, column B: a cell without a heading: 'b'"),
    ("", r"is empty; its first row names the columns"),
    ("topic\n", r"holds no topic"),
    ('topic\n"A\n', r"row \d: not valid CSV"),
]


@pytest.mark.parametrize(("content", "told"), CSV_FAULTS)
def test_faults_in_a_csv_name_row_and_column(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "g.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        load_glossary(path)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("topic,languages\n,en\nA,xx1\nB > C,en\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_glossary(path)
    assert len(str(raised.value).splitlines()) == 3


def test_faults_in_a_workbook_name_the_sheet(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "topics"
    sheet.append(["topic", "subtopic"])
    sheet.append(["A", None])
    words = workbook.create_sheet("vocabulary")
    words.append(["term", "meaning"])
    words.append([None, "nothing"])
    path = tmp_path / "g.xlsx"
    workbook.save(path)
    with pytest.raises(ConfigurationError, match=r"g\.xlsx, sheet vocabulary, row 2, column A \(term\): is empty"):
        load_glossary(path)
    workbook.create_sheet("Tabelle1")
    workbook.save(path)
    with pytest.raises(ConfigurationError, match=r"sheet Tabelle1: unknown"):
        load_glossary(path)


YAML_FAULTS = [
    ("topics:\n  - topic: A\n    keyword: x\n", r"topics 1 \(line 2\), column keyword: unknown"),
    ("topics:\n  - topic: A\n    subtopics:\n      - definition: x\n", r"subtopics 1 \(line 4\).*subtopic: is missing"),
    ("topic: A\n", r"line 1: unknown key 'topic'"),
    ("topics: [A\n", r"not valid YAML"),
    ("topics:\n  - A\n", r"topics 1 \(line 2\): must hold keys"),
    ("topics:\n  - topic: " + "[" * 200, r"g\.yaml:2: not valid YAML: nested deeper than 50 levels"),
    ("topics:\n  - topic: !env A\n", r"g\.yaml:2: not valid YAML: the tag !env is not known"),
    ("topics:\n  - {topic: A, topic: B}\n", r"g\.yaml:2: not valid YAML: the key 'topic' appears twice"),
    ("topics:\n  - &a {topic: A, keyword: x}\n  - *a\n", r"topics 1 \(line 2\), column keyword: unknown"),
]


def test_words_in_yaml_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_text("topics:\n  - topic: no\n    keywords: [0800, 1.0, true, 0x10, ~, on]\n", encoding="utf-8")
    (topic,) = load_glossary(path).topics
    assert topic.topic == "no"
    assert topic.keywords == ("0800", "1.0", "true", "0x10", "on")


@pytest.mark.parametrize(("content", "told"), YAML_FAULTS)
def test_faults_in_yaml_name_the_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "g.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        load_glossary(path)


@pytest.mark.parametrize("name", ["g.xlsx", "g.csv", "g.yaml"])
def test_a_file_that_is_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00PK damaged")
    with pytest.raises(ConfigurationError, match=name):
        load_glossary(tmp_path / name)
    with pytest.raises(ConfigurationError, match="no such file"):
        load_glossary(tmp_path / f"missing-{name}")


def test_other_separators_and_marks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("\ufefftopic;keywords\nRechnung;Rechnung | Mahnung\n", encoding="utf-8")
    assert load_glossary(path).labels[0].keywords == ("Rechnung", "Mahnung")


def test_context_terms_are_whole_and_within_the_limit() -> None:
    glossary = load_glossary(GLOSSARIES / "b2c.yaml")
    known = {term.text for term in glossary.terms}
    for limit in (0, 5, 40, 200, 5000):
        terms = ", ".join(glossary.context_terms(limit))
        assert len(terms) <= limit
        assert all(term in known for term in terms.split(", ") if term)
    assert glossary.context_terms(200)[:2] == ["Earshot Telecom", "SmartBox"]


def test_a_segment_gets_its_own_catalogue_only() -> None:
    both = load_catalogues(GlossarySettings(b2b=GLOSSARIES / "b2b.yaml", b2c=GLOSSARIES / "b2c.yaml"))
    assert [one.name for one in both.for_call(CustomerSegment.B2B)] == ["b2b"]
    assert [one.name for one in both.for_call(None)] == ["b2b", "b2c"]
    one = load_catalogues(GlossarySettings(b2b=None, b2c=GLOSSARIES / "b2c.yaml"))
    assert one.for_call(CustomerSegment.B2B) == ()
    assert {"SmartBox", "SLA"} <= set(both.context_terms(300).split(", "))


def test_terms_that_do_not_fit_make_room_for_shorter_ones() -> None:
    assert fitting(["abc", "much too long", "ABC", "de", "f"], 7) == ["abc", "de"]
    assert fitting(["abc", "de"], 6) == ["abc"]


@pytest.mark.parametrize(
    ("languages", "of_label", "language", "speaks"),
    [((), (), "de", True), (("en",), (), "de", False), (("en",), ("de",), "de", True), (("en",), (), None, True)],
)
def test_a_glossary_speaks_the_languages_it_names(
    languages: tuple[str, ...], of_label: tuple[str, ...], language: str | None, speaks: bool
) -> None:
    glossary = Glossary(name="x", languages=languages, labels=(Label(topic="a", languages=of_label),))
    assert glossary.speaks(language) == speaks
