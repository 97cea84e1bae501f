"""The real loading path and forward pass, on tiny CTC models of random weights: these need the extra with torch. What
frames spell is told without it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer, Wav2Vec2CTCTokenizer, Wav2Vec2PhonemeCTCTokenizer

from pipeline.config.areas.speech.recognisers import TransformersCtcOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import Word
from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentRequest, SegmentResult
from pipeline.transcription.engines.transformers_ctc.engine import (
    TransformersCtcTranscriber,
    _read_model,
    _read_tokenizer,
    cut_batches,
    within_memory,
)
from pipeline.transcription.engines.transformers_ctc.words import spelt_words
from pipeline.weights.hub import Hub, WeightsWanted
from tests.pipeline.transcription.fakes import babble, request

HUB = Hub(allow_download=False, timeout_s=1.0)
LETTERS = "abcdefghijklmnopqrstuvwxyzسلام"


def test_batches_are_cut_by_length_and_padded_size() -> None:
    requests = [request(np.zeros(16_000 * n, np.float32), str(n)) for n in (1, 5, 2, 4, 3)]
    batches = cut_batches(requests, most_rows=2, most_audio_s=8)
    assert [[one.key for one in batch] for batch in batches] == [["5"], ["4", "3"], ["2", "1"]]
    assert [len(batch) for batch in cut_batches(requests, most_rows=99, most_audio_s=1000)] == [5]
    assert cut_batches([], 4, 10) == []


def test_a_batch_too_large_for_memory_is_halved_until_it_fits() -> None:
    tried: list[int] = []

    def decode(batch: Sequence[SegmentRequest]) -> list[SegmentResult]:
        tried.append(len(batch))
        if len(batch) > 2 or any(one.key == "4" for one in batch):
            raise MemoryError
        return [SegmentResult(key=one.key, text=one.key, language=None) for one in batch]

    requests = [request(np.zeros(160, np.float32), str(number)) for number in range(5)]
    results = list(within_memory(requests, decode, (MemoryError,)))
    assert [(one.key, one.text) for one in results] == [("0", "0"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "")]
    assert [bool(one.error) for one in results] == [False] * 4 + [True]
    assert results[4].flags == (OUT_OF_MEMORY,)
    assert tried == [5, 2, 3, 1, 2, 1, 1]


def test_without_torch_or_setting_up_it_says_so() -> None:
    with pytest.raises(ModelUnavailable, match=r"transformers_ctc\.model is empty"):
        TransformersCtcTranscriber(TransformersCtcOptions(), HUB).load()


def _tokenizer(folder: Path, kind: str) -> Any:
    """Saved and read back as a checkpoint's. Of a `fine-tuned` one, begin and end come behind the vocabulary, and the
    gap between words is not `|`, which Transformers 5 forgets."""
    names = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS] if kind == "named" else [" ", *LETTERS, "[UNK]", "[PAD]"]
    special = {} if kind == "named" else {"unk_token": "[UNK]", "pad_token": "[PAD]", "word_delimiter_token": " "}
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
    made: Any = Wav2Vec2CTCTokenizer
    made(str(folder / "vocab.json"), **special).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    return _read_tokenizer(AutoTokenizer, folder)


Heard = list[tuple[str, float, float, float]]


@pytest.mark.parametrize("kind", ["named", "fine-tuned"])
@pytest.mark.parametrize(
    ("frames", "probabilities", "expected"),
    [
        # a frame is 0.1 s: token by token, `_` the blank; words with begin and end in seconds, and confidence
        ("h e l _ l o", "1 1 1 0.1 1 1", [("hello", 0.0, 0.6, 1.0)]),
        ("h h e l l _ _ l o", "1 1 1 1 1 0.1 0.1 1 1", [("hello", 0.0, 0.9, 1.0)]),
        ("h e l l o", "1 1 1 1 1", [("helo", 0.0, 0.5, 1.0)]),
        (
            "_ _ n o _ | | _ _ n _ n _",
            "0.1 0.1 0.25 1 0.1 0.5 0.5 0.1 0.1 0.64 0.1 1 0.1",
            [("no", 0.2, 0.4, 0.5), ("nn", 0.9, 1.2, 0.8)],
        ),
        ("| n o | _ | n |", "1 0.25 0.25 1 0.1 1 0.5 1", [("no", 0.1, 0.3, 0.25), ("n", 0.6, 0.7, 0.5)]),
        ("<s> n o </s>", "0.1 0.25 0.25 0.1", [("no", 0.1, 0.3, 0.25)]),
        ("n <unk> n <outside> n", "1 0.1 1 0.1 1", [("nnn", 0.0, 0.5, 1.0)]),
        ("س _ س ل", "1 0.1 1 1", [("سسل", 0.0, 0.4, 1.0)]),
        ("_ <s> | <unk> _", "1 1 1 1 1", []),
        ("", "", []),
    ],
)
def test_frames_spell_doubled_letters_and_words_where_they_were_said(
    tmp_path: Path, kind: str, frames: str, probabilities: str, expected: Heard
) -> None:
    """The pinned Transformers drops the blanks with the special tokens: `helo`, and times counted without silence."""
    tokenizer = _tokenizer(tmp_path, kind)
    ids = {
        "_": tokenizer.pad_token_id,
        "|": tokenizer.word_delimiter_token_id,
        "<s>": tokenizer.bos_token_id,
        "</s>": tokenizer.eos_token_id,
        "<unk>": tokenizer.unk_token_id,
        "<outside>": 999,
    }
    tokens = [ids[frame] if frame in ids else tokenizer.convert_tokens_to_ids(frame) for frame in frames.split()]
    best = [math.log(float(probability)) for probability in probabilities.split()]
    words, _ = spelt_words(tokenizer, tokens, best, 0.1 * len(tokens))
    assert [word.text for word in words] == [text for text, *_ in expected]
    numbers = [(word.start_s, word.end_s, word.confidence) for word in words]
    assert numbers == [pytest.approx(row[1:]) for row in expected]


def test_confidence_of_all_frames_counts_letters_and_gaps_but_no_silence(tmp_path: Path) -> None:
    tokenizer = _tokenizer(tmp_path, "named")
    tokens = tokenizer.convert_tokens_to_ids(["<pad>", "n", "|", "<unk>", "n", "</s>"])
    best = [math.log(probability) for probability in (0.01, 0.5, 0.25, 0.01, 1.0, 0.01)]
    assert spelt_words(tokenizer, tokens, best, 0.6)[1] == pytest.approx(0.5)
    assert spelt_words(tokenizer, tokens[:1], best[:1], 0.1)[1] is None


def test_a_tokenizer_that_gives_no_words_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps({"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "a": 4}))
    made: Any = Wav2Vec2PhonemeCTCTokenizer
    made(str(tmp_path / "vocab.json"), do_phonemize=False).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    with pytest.raises(ModelUnavailable, match=r"Phoneme.*transcription\.transformers_ctc\.model"):
        _read_tokenizer(AutoTokenizer, tmp_path)


class TooLarge:
    """A model that does not fit on the device; its loader as well."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def from_pretrained(self, folder: Path, **_: object) -> tuple[TooLarge, dict[str, list[str]]]:
        return self, {"missing_keys": []}

    def to(self, device: str) -> TooLarge:
        raise self._error

    def eval(self) -> TooLarge:
        return self


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),  # torch.OutOfMemoryError is one
        MemoryError(),
        AssertionError("Torch not compiled with CUDA enabled"),
    ],
)
def test_weights_that_do_not_fit_on_the_device_leave_the_run_to_the_next_engine(error: Exception) -> None:
    with pytest.raises(ModelUnavailable, match=r"device to cpu.*transcription\.transformers_ctc\.model") as told:
        _read_model(TooLarge(error), Path("m"), "cuda")
    assert type(error).__name__ in str(told.value)


def _save(folder: Path, kind: str) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    folder.mkdir(parents=True)
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, **{c: i + 5 for i, c in enumerate(LETTERS)}}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|"
    )
    torch.manual_seed(0)
    size = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "pad_token_id": 0,
    }
    if kind == "w2v_bert":
        features = transformers.SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, stride=2)
        config = transformers.Wav2Vec2BertConfig(
            feature_projection_input_dim=160, conv_depthwise_kernel_size=7, add_adapter=True, output_hidden_size=32,
            adapter_kernel_size=3, adapter_stride=2, num_adapter_layers=1, **size,
        )  # fmt: skip
        model = transformers.Wav2Vec2BertForCTC(config)
    else:
        features = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=kind == "layer")
        config = transformers.Wav2Vec2Config(
            feat_extract_norm=kind, do_stable_layer_norm=kind == "layer", conv_dim=(16,) * 7,
            num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, **size,
        )  # fmt: skip
        model = transformers.Wav2Vec2ForCTC(config)
    with torch.no_grad():
        model.lm_head.weight *= 30
    features.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module", params=["w2v_bert", "layer", "group"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _save(tmp_path_factory.mktemp("ctc") / str(request.param), str(request.param))


def _engine(folder: Path, **options: object) -> TransformersCtcTranscriber:
    return TransformersCtcTranscriber(TransformersCtcOptions.model_validate({"model": str(folder), **options}), HUB)


def _answers(engine: TransformersCtcTranscriber, requests: list[SegmentRequest]) -> dict[str, SegmentResult]:
    return {result.key: result for result in engine.transcribe(iter(requests))}


@pytest.mark.torch
def test_a_padded_batch_says_what_each_segment_alone_says(folder: Path) -> None:
    requests = [request(babble(0.6 + 0.5 * i, seed=i), str(i), language=None) for i in range(6)]
    alone, together = _engine(folder, batch_size=1), _engine(folder, batch_size=6)
    alone.load()
    described = together.load()
    assert described.revision is not None
    assert described.revision.startswith("sha256-")
    expected, got = _answers(alone, requests), _answers(together, requests)
    assert {key: one.text for key, one in got.items()} == {key: one.text for key, one in expected.items()}
    assert len({one.text for one in got.values()}) > 3
    for i in range(6):
        answer = got[str(i)]
        assert answer.words is not None
        assert " ".join(word.text for word in answer.words) == answer.text
        assert all(0 <= word.start_s < word.end_s <= 0.6 + 0.5 * i + 1e-6 for word in answer.words)
        assert answer.confidence is not None
        assert 0 < answer.confidence <= 1


@pytest.mark.torch
def test_a_model_that_hears_one_letter_says_it_for_the_whole_of_each_segment(folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    deaf = Path(shutil.copytree(folder, tmp_path / "deaf"))
    weights = load_file(deaf / "model.safetensors")
    weights["lm_head.weight"][:] = 0
    weights["lm_head.bias"][:] = 0
    weights["lm_head.bias"][5 + LETTERS.index("e")] = 5.0
    save_file(weights, deaf / "model.safetensors", metadata={"format": "pt"})
    engine = _engine(deaf)
    engine.load()
    answers = _answers(engine, [request(babble(seconds), str(seconds)) for seconds in (0.6, 1.5, 2.0)])
    certain = math.exp(5) / (math.exp(5) + len(weights["lm_head.bias"]) - 1)
    for seconds, answer in answers.items():
        assert answer.confidence == pytest.approx(certain, abs=1e-5)
        assert answer.words is not None
        (word,) = answer.words
        assert (answer.text, word.text, word.start_s) == ("e", "e", 0.0)
        assert word.end_s == pytest.approx(float(seconds))
        assert word.confidence == pytest.approx(certain, abs=1e-5)


@pytest.mark.torch
def test_a_language_it_was_not_trained_on_gets_no_text(folder: Path) -> None:
    engine = _engine(folder, language="ar")
    engine.load()
    answers = _answers(
        engine,
        [request(babble(1), "fr", "fr"), request(babble(1), "ar", "ar"), request(np.zeros(3, np.float32), "tiny")],
    )
    assert answers["fr"].flags == ("language_unsupported",)
    assert answers["fr"].text == ""
    assert answers["ar"].text
    assert answers["tiny"].text == ""


@pytest.mark.torch
@pytest.mark.parametrize("harm", ["truncated weights", "no weights", "not a CTC model", "bad config", "only a pickle"])
def test_what_cannot_be_loaded_is_refused_with_a_remedy(tmp_path: Path, harm: str) -> None:
    folder = _save(tmp_path / "m", "w2v_bert")
    weights = folder / "model.safetensors"
    if harm == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif harm == "no weights":
        weights.unlink()
    elif harm == "only a pickle":
        weights.rename(folder / "pytorch_model.bin")
    elif harm == "bad config":
        (folder / "config.json").write_text("{")
    else:
        from safetensors.numpy import load_file, save_file

        kept = {name: value for name, value in load_file(weights).items() if not name.startswith("lm_head")}
        save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"transcription\.transformers_ctc\.model"):
        _engine(folder).load()


def _punctuation_model(folder: Path, labels: list[str]) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    folder.mkdir()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "yes", "no", "hel", "##lo"]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():  # every token gets the last label
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.arange(len(labels), dtype=torch.float32))
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def _wanted(folder: Path) -> WeightsWanted:
    return WeightsWanted(
        model=str(folder), revision=None, patterns=("*",), required=("config.json",), setting="the.setting"
    )


@pytest.mark.torch
def test_punctuation_is_set_after_words_and_words_stay(tmp_path: Path) -> None:
    from pipeline.transcription.text.punctuation import Punctuator

    punctuator = Punctuator.load(_wanted(_punctuation_model(tmp_path / "p", ["0", "PERIOD."])), HUB, "cpu", ("en",))
    words = [Word(text=text, start_s=i, end_s=i + 1) for i, text in enumerate(["hello", "yes"] * 200)]
    text, marked = punctuator.restore(words, "en")
    assert text.startswith("hello. yes. ")
    assert [(word.start_s, word.text.rstrip(".")) for word in marked] == [(word.start_s, word.text) for word in words]
    assert punctuator.restore(words, "fr")[0].startswith("hello yes")


@pytest.mark.torch
def test_a_model_without_marks_is_no_punctuation_model(tmp_path: Path) -> None:
    from pipeline.transcription.text.punctuation import Punctuator

    with pytest.raises(ModelUnavailable, match=r"the\.setting"):
        Punctuator.load(_wanted(_punctuation_model(tmp_path / "p", ["B-PER", "O"])), HUB, "cpu", ())


@pytest.mark.torch
def test_a_punctuation_model_whose_device_does_not_work_is_refused(tmp_path: Path) -> None:
    from pipeline.transcription.text.punctuation import Punctuator

    if pytest.importorskip("torch").cuda.is_available():
        pytest.skip("cuda works here")
    with pytest.raises(ModelUnavailable, match=r"put on cuda.*the\.setting"):
        Punctuator.load(_wanted(_punctuation_model(tmp_path / "p", ["0", "."])), HUB, "cuda", ())


@pytest.mark.torch
def test_the_engine_restores_punctuation_when_asked(tmp_path: Path) -> None:
    marks = _punctuation_model(tmp_path / "p", ["0", "?"])
    engine = _engine(_save(tmp_path / "m", "layer"), punctuation_model=str(marks))
    engine.load()
    answer: Any = _answers(engine, [request(babble(2.0), "a")])["a"]
    assert answer.text
    assert all(word.endswith("?") for word in answer.text.split())
    assert all(word.text.endswith("?") for word in answer.words)
