"""The transformers engine with tiny models saved to disk, and without any hub."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from analysis.sentiment.lines import spoken_lines
from analysis.sentiment.text_transformers import TransformersSentiment
from pipeline.config.areas.sentiment import Device, SentimentSettings, TransformersModel, TransformersSettings
from pipeline.errors import ModelUnavailable

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "gut", "schlecht", "the", "call"]
LABELS = {"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"}


def test_a_hub_id_needs_its_revision_and_engines_need_models() -> None:
    with pytest.raises(ValueError, match="needs the commit it is pinned to"):
        TransformersModel(model="someone/model")
    with pytest.raises(ValueError, match=r"transformers\.agent\.model"):
        SentimentSettings.model_validate({"text": {"engine": "transformers"}})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few thousand random weights."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=3,
        max_position_embeddings=64,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.mark.torch
def test_batches_do_not_change_the_answers(tiny: Path) -> None:
    from analysis.sentiment.text_transformers import TransformersSentiment

    texts = spoken_lines(["good call", "bad bad bad the call", "gut", "schlecht the call good", "the"])
    model = TransformersModel(model=str(tiny), labels=LABELS)
    together = TransformersSentiment(model, TransformersSettings(batch_size=3)).predict(texts)
    alone = TransformersSentiment(model, TransformersSettings(batch_size=1)).predict(texts)
    for one, other in zip(together, alone, strict=True):
        assert one.negative == pytest.approx(other.negative, abs=1e-6)
    assert len({round(one.positive, 6) for one in together}) > 1


@pytest.mark.torch
def test_labels_must_be_mapped(tiny: Path) -> None:
    from analysis.sentiment.text_transformers import TransformersSentiment

    with pytest.raises(ModelUnavailable, match="LABEL_0"):
        TransformersSentiment(TransformersModel(model=str(tiny)), TransformersSettings()).predict(
            spoken_lines(["good"])
        )
    twice = {"LABEL_0": "negative", "LABEL_1": "negative", "LABEL_2": "positive"}
    model = TransformersModel(model=str(tiny), labels=twice)
    (answer,) = TransformersSentiment(model, TransformersSettings()).predict(spoken_lines(["good"]))
    assert answer.neutral == 0.0
    assert answer.negative + answer.positive == pytest.approx(1.0)


def test_a_model_in_a_folder_has_one_identity_wherever_it_lies_and_its_former_one(tmp_path: Path) -> None:
    """No model is loaded to tell: any files will do."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 16_000)
    copy = shutil.copytree(folder, tmp_path / "two")

    def engine(where: Path) -> TransformersSentiment:
        return TransformersSentiment(TransformersModel(model=str(where)), TransformersSettings())

    assert engine(folder).identity() == engine(copy).identity()
    assert str(folder) in engine(folder).former_identity()
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[len(content) // 2] ^= 1  # between the two ends that earlier versions read
    (copy / "model.safetensors").write_bytes(content)
    assert engine(folder).identity() != engine(copy).identity()
    pinned = TransformersSentiment(TransformersModel(model="owner/name", revision="a" * 40), TransformersSettings())
    assert pinned.identity() == pinned.former_identity()
    assert pinned.identity().startswith(f"transformers owner/name {'a' * 40} ")


class Row(np.ndarray[Any, Any]):
    """Numbers with the few methods of a tensor that are used."""

    def double(self) -> Row:
        return self

    def cpu(self) -> Row:
        return self


class Inputs(dict[str, Any]):
    def to(self, device: str) -> Inputs:
        return Inputs(self, device=device)


class FakeTokenizer:
    asked: ClassVar[list[dict[str, Any]]] = []

    @classmethod
    def from_pretrained(cls, folder: Path, *, local_files_only: bool) -> FakeTokenizer:
        assert local_files_only
        if not (folder / "tokenizer.json").exists():
            raise OSError("no tokenizer there")
        return cls()

    def __call__(self, texts: list[str], **how: Any) -> Inputs:
        self.asked.append({"texts": list(texts), **how})
        return Inputs(texts=texts)


class FakeClassifier:
    """The longer a text, the likelier its second label."""

    def __init__(self, folder: Path) -> None:
        names = json.loads((folder / "config.json").read_text())["id2label"]
        self.config = SimpleNamespace(id2label={int(label): name for label, name in names.items()})
        self.device = ""

    @classmethod
    def from_pretrained(cls, folder: Path, *, local_files_only: bool) -> FakeClassifier:
        assert local_files_only
        return cls(folder)

    def to(self, device: str) -> FakeClassifier:
        self.device = device
        return self

    def eval(self) -> FakeClassifier:
        return self

    def __call__(self, texts: list[str], device: str) -> Any:
        assert device == self.device
        rows = [[0.5, len(text) / 10, 0.0, -1.0][: len(self.config.id2label)] for text in texts]
        return SimpleNamespace(logits=np.asarray(rows).view(Row))


def softmax(logits: Row, dim: int) -> Row:
    assert dim == -1
    powers = np.exp(logits)
    shares: Row = (powers / powers.sum(axis=-1, keepdims=True)).view(Row)
    return shares


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """In place of torch and transformers, which the machine need not have: names and arguments as theirs."""
    torch = SimpleNamespace(
        inference_mode=nullcontext,
        softmax=softmax,
        cuda=SimpleNamespace(is_available=lambda: False),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: True)),
    )
    transformers = SimpleNamespace(AutoTokenizer=FakeTokenizer, AutoModelForSequenceClassification=FakeClassifier)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    FakeTokenizer.asked.clear()
    return torch


def stored(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(names))}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


MEANT = {"bad": "negative", "so": "neutral", "good": "positive", "great": "positive"}


def test_lines_go_through_the_model_in_batches_of_like_length(libraries: SimpleNamespace, tmp_path: Path) -> None:
    model = TransformersModel(model=str(stored(tmp_path / "m", "BAD", "Good", "so", "great")), labels=MEANT)
    engine = TransformersSentiment(model, TransformersSettings(batch_size=2, max_tokens=8, device=Device.CPU))
    lines = spoken_lines(["a longer line", "short", "the longest line of them", "mid line"])
    found = engine.predict(lines)
    for line, sentiment in zip(lines, found, strict=True):
        powers = np.exp([0.5, len(line.text) / 10, 0.0, -1.0])
        bad, good, so, great = powers / powers.sum()
        assert sentiment.shares == pytest.approx((bad, so, good + great))
    how = {"padding": True, "truncation": True, "max_length": 8, "return_tensors": "pt"}
    batches = (["short", "mid line"], ["a longer line", "the longest line of them"])
    assert FakeTokenizer.asked == [{"texts": texts, **how} for texts in batches]
    assert engine.predict([]) == []
    engine.close()
    assert engine.predict(lines[:1]) == found[:1]


@pytest.mark.parametrize(
    ("names", "labels", "refused"),
    [
        (("bad", "so", "fine"), {"bad": "negative", "so": "neutral"}, r"its labels \['fine'\] are not in `labels`"),
        (("bad", "so", "fine"), {}, r"\['bad', 'fine', 'so'\]"),
    ],
)
def test_labels_that_mean_nothing_are_named(
    names: tuple[str, ...], labels: dict[str, str], refused: str, libraries: SimpleNamespace, tmp_path: Path
) -> None:
    model = TransformersModel(model=str(stored(tmp_path / "m", *names)), labels=labels)
    with pytest.raises(ModelUnavailable, match=refused):
        TransformersSentiment(model, TransformersSettings()).predict(spoken_lines(["so"]))


@pytest.mark.parametrize(
    ("wanted", "there", "used"),
    [
        (Device.AUTO, {"cuda", "mps"}, "cuda"),
        (Device.AUTO, {"mps"}, "mps"),
        (Device.AUTO, set(), "cpu"),
        (Device.MPS, {"cuda", "mps"}, "mps"),
        (Device.CPU, {"cuda", "mps"}, "cpu"),
        (Device.CUDA, {"mps"}, "cuda is not on this machine; there is mps, cpu"),
    ],
)
def test_the_device_is_the_one_asked_for_or_the_best_there_is(
    wanted: Device, there: set[str], used: str, libraries: SimpleNamespace, tmp_path: Path
) -> None:
    libraries.cuda.is_available = lambda: "cuda" in there
    libraries.backends.mps.is_available = lambda: "mps" in there
    model = TransformersModel(model=str(stored(tmp_path / "m", "bad", "so", "good")), labels=MEANT)
    engine = TransformersSentiment(model, TransformersSettings(device=wanted))
    if " " in used:
        with pytest.raises(ModelUnavailable, match=used):
            engine.predict(spoken_lines(["so"]))
    else:
        engine.predict(spoken_lines(["so"]))
        assert engine._device == used


def test_a_model_that_does_not_load_and_a_library_that_is_not_there_say_so(
    libraries: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored(tmp_path / "m", "bad", "so", "good")
    (folder / "tokenizer.json").unlink()
    engine = TransformersSentiment(TransformersModel(model=str(folder), labels=MEANT), TransformersSettings())
    with pytest.raises(ModelUnavailable, match="cannot be loaded: no tokenizer there"):
        engine.predict(spoken_lines(["so"]))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnavailable, match="install the extra with torch and transformers"):
        engine.predict(spoken_lines(["so"]))
