"""The transformers engine with tiny models saved to disk, and without any hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.sentiment.lines import spoken_lines
from analysis.sentiment.text_transformers import TransformersSentiment
from pipeline.config.areas.sentiment import SentimentSettings, TransformersModel, TransformersSettings
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
