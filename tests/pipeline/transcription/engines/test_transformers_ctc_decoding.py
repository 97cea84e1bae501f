"""What becomes of a model's answer, with NumPy in the place of torch and a model that spells the samples it hears."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from transformers import AutoTokenizer, Wav2Vec2CTCTokenizer

from pipeline.config.areas.speech.recognisers import TransformersCtcOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import Word
from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentRequest, SegmentResult
from pipeline.transcription.engines.transformers_ctc.engine import (
    TransformersCtcTranscriber,
    _device,
    _precision,
    _read_tokenizer,
)
from pipeline.transcription.engines.transformers_ctc.padding import AdapterPadding
from pipeline.transcription.text.punctuation import Punctuator
from pipeline.weights.hub import Hub
from tests.pipeline.transcription.engines import numpy_torch
from tests.pipeline.transcription.engines.numpy_torch import Tensor, machine, tensor
from tests.pipeline.transcription.fakes import request

NAMES = ["<pad>", "<s>", "</s>", "<unk>", "|", *"adehlnorw"]
FRAME = 1_600
"""Samples of a frame of the model below: 0.1 s."""
PROBABILITY = 0.8


class Inputs(dict[str, Tensor]):
    def to(self, device: str) -> Inputs:
        del device
        return self


class Features:
    """Pads to the longest; `sizes` are the batches it was given."""

    def __init__(self, masked: bool) -> None:
        self.return_attention_mask = masked
        self.sizes: list[int] = []

    def __call__(
        self, batch: Sequence[Any], *, sampling_rate: int, padding: bool, return_tensors: str
    ) -> Inputs:  # fmt: skip
        assert (sampling_rate, padding, return_tensors) == (16_000, True, "pt")
        self.sizes.append(len(batch))
        longest = max(map(len, batch))
        inputs = Inputs(input_values=tensor([np.pad(samples, (0, longest - len(samples))) for samples in batch]))
        if self.return_attention_mask:
            inputs["attention_mask"] = tensor([[int(i < len(one)) for i in range(longest)] for one in batch])
        return inputs


class Spelling:
    """Each frame's first sample is the number of the token heard in it."""

    main_input_name = "input_values"
    base_model = SimpleNamespace()

    def _get_feat_extract_output_lengths(self, lengths: Tensor, **adapters: bool | None) -> Tensor:
        add = adapters["add_adapter"]
        return tensor(lengths // FRAME if add is None else lengths // FRAME + 100)

    def __call__(self, *, input_values: Tensor, attention_mask: Tensor | None = None) -> Any:
        if input_values.max(dim=-1)[0].max(dim=-1)[0] > len(NAMES):
            raise numpy_torch.OutOfMemoryError
        heard = np.asarray(input_values[:, ::FRAME]).astype(int)
        rest = (1.0 - PROBABILITY) / (len(NAMES) - 1)
        logits = np.full((*heard.shape, len(NAMES)), math.log(rest))
        np.put_along_axis(logits, heard[..., None], math.log(PROBABILITY), axis=-1)
        return SimpleNamespace(logits=tensor(logits))


class SpellingWithoutAdapters(Spelling):
    def _get_feat_extract_output_lengths(self, lengths: Tensor) -> Tensor:  # type: ignore[override]
        return tensor(lengths // FRAME)


def said(key: str, text: str, language: str | None = None, odd: int = 0) -> SegmentRequest:
    """A segment in which a frame is a letter, `_` silence and `|` a gap; `odd` samples belong to no frame."""
    samples = np.zeros(len(text) * FRAME + odd, dtype=np.float32)
    samples[: len(text) * FRAME : FRAME] = [0 if letter == "_" else NAMES.index(letter) for letter in text]
    return request(samples, key, language=language)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    (tmp_path / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(NAMES)}))
    made: Any = Wav2Vec2CTCTokenizer
    made(str(tmp_path / "vocab.json")).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    return _read_tokenizer(AutoTokenizer, tmp_path)


def engine(
    tokenizer: Any, *, masked: bool = True, adapters: bool = True, autocast: str | None = None, **options: object
) -> Any:
    """As `load` leaves it."""
    made: Any = TransformersCtcTranscriber(
        TransformersCtcOptions.model_validate({"model": "m", "batch_size": 2, **options}), Hub(False, 1.0)
    )
    made._torch, made._tokenizer, made._features = machine(), tokenizer, Features(masked)
    made._model, made._autocast = Spelling() if adapters else SpellingWithoutAdapters(), autocast
    made._padding = AdapterPadding(made._model)
    return made


SEGMENTS = (said("a", "hel_lo|rowad", odd=700), said("b", "no"), said("c", "____"), said("d", "one|deel", "nl"))
TOLD = {"a": "hello rowad", "b": "no", "c": "", "d": "one del"}


@pytest.mark.parametrize(
    ("masked", "adapters", "batches"), [(True, True, [2, 2]), (True, False, [2, 2]), (False, True, [1, 1, 1, 1])]
)
def test_each_segment_of_a_padded_batch_is_told_to_its_own_end(
    tokenizer: Any, masked: bool, adapters: bool, batches: list[int]
) -> None:
    """Without a mask the model would hear the padding: one by one."""
    made = engine(tokenizer, masked=masked, adapters=adapters)
    results = {result.key: result for result in made.transcribe(SEGMENTS)}
    assert {key: result.text for key, result in results.items()} == TOLD
    assert made._features.sizes == batches
    assert {key: result.language for key, result in results.items()} == {"a": None, "b": None, "c": None, "d": "nl"}
    assert [results[key].confidence for key in "ac"] == [pytest.approx(PROBABILITY), None]
    words = results["a"].words or ()
    frame_s = (12 * FRAME + 700) / 16_000 / 12
    assert [(word.text, word.start_s, word.end_s) for word in words] == [
        ("hello", 0.0, pytest.approx(6 * frame_s)),
        ("rowad", pytest.approx(7 * frame_s), pytest.approx(12 * frame_s)),
    ]
    assert made._torch.autocasts == []


def test_the_hooks_of_the_adapter_are_told_the_encoders_frames(tokenizer: Any) -> None:
    made = engine(tokenizer)
    list(made.transcribe(SEGMENTS[:2]))
    assert made._padding.lengths.tolist() == [112, 102]


def test_what_is_refused_is_told_at_once_and_the_rest_decoded(tokenizer: Any) -> None:
    made = engine(tokenizer, language="en", word_times=False, look_ahead=2)
    short, enough = np.zeros(799, np.float32), np.zeros(800, np.float32)
    requests = [said("n", "no", "nl"), said("e", "hello", "en"), said("u", "no"), request(short, "s"),
                request(enough, "t")]  # fmt: skip
    told = [(result.key, result.text, result.language, result.flags) for result in made.transcribe(requests)]
    assert told == [
        ("n", "", "nl", ("language_unsupported",)),
        ("e", "helo", "en", ()),
        ("s", "", "en", ()),
        ("u", "no", "en", ()),
        ("t", "", "en", ()),
    ]
    assert made._features.sizes == [1, 1, 1]
    assert [result.words for result in made.transcribe([said("e", "no")])] == [None]
    made.close()
    assert (made._model, made._features, made._tokenizer, made._punctuator) == (None,) * 4


def test_a_segment_too_large_for_the_device_costs_no_other(tokenizer: Any) -> None:
    large = request(np.full(FRAME, 99, np.float32), "large")
    results = list(engine(tokenizer, batch_size=4).transcribe([*SEGMENTS[:2], large]))
    assert [(result.key, result.text, result.flags) for result in results] == [
        ("a", TOLD["a"], ()), ("b", TOLD["b"], ()), ("large", "", (OUT_OF_MEMORY,))
    ]  # fmt: skip


def test_mixed_precision_is_the_devices(tokenizer: Any) -> None:
    made = engine(tokenizer, autocast="bfloat16")
    made._device = "cuda"
    assert [result.text for result in made.transcribe(SEGMENTS[1:2])] == ["no"]
    assert made._torch.autocasts == [("cuda", "bfloat16")]


@pytest.mark.parametrize(
    ("wanted", "there", "device"),
    [
        ("auto", {}, "cpu"),
        ("auto", {"mps": True}, "cpu"),
        ("auto", {"cuda": True}, "cuda"),
        ("cpu", {"cuda": True}, "cpu"),
        ("cuda", {"cuda": True}, "cuda"),
        ("mps", {"mps": True}, "mps"),
        ("cuda", {"mps": True}, None),
        ("mps", {"cuda": True}, None),
    ],
)
def test_the_device(wanted: str, there: dict[str, bool], device: str | None) -> None:
    if device is None:
        with pytest.raises(ModelUnavailable, match=f"device is '{wanted}', which torch does not find here"):
            _device(machine(**there), wanted)
    else:
        assert _device(machine(**there), wanted) == device


@pytest.mark.parametrize(
    ("wanted", "device", "bf16", "precision"),
    [
        ("auto", "cpu", True, None),
        ("float16", "cpu", True, None),
        ("auto", "cuda", True, "bfloat16"),
        ("auto", "cuda", False, "float16"),
        ("float16", "cuda", True, "float16"),
        ("off", "cuda", True, None),
    ],
)
def test_the_precision(wanted: str, device: str, bf16: bool, precision: str | None) -> None:
    assert _precision(machine(cuda=True, bf16=bf16), wanted, device) == precision


class Convolution:
    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        self.kernel_size, self.stride, self.padding = (kernel,), (stride,), (padding,)
        self.hook: Any = None

    def register_forward_pre_hook(self, hook: Any) -> None:
        self.hook = hook


def test_padding_is_silent_before_each_convolution_of_an_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", numpy_torch)
    both = SimpleNamespace(residual_conv=Convolution(3, 2, 1), self_attn_conv=Convolution(3, 2, 1))
    layers = [both, SimpleNamespace(conv=Convolution(4, 3, 0)), SimpleNamespace(conv=Convolution(3, 1, 1))]
    padding = AdapterPadding(SimpleNamespace(base_model=SimpleNamespace(adapter=SimpleNamespace(layers=layers))))
    ones = tensor(np.ones((2, 3, 12)))
    hooks = [both.residual_conv.hook, both.self_attn_conv.hook, layers[1].conv.hook, layers[2].conv.hook]
    assert [hook(None, (ones,))[0] is ones for hook in hooks] == [True] * 4, "nothing is told of any batch"
    padding.lengths = tensor([12, 9])
    for hook, kept in zip(hooks, ([12, 9], [12, 9], [6, 5], [1, 1]), strict=True):
        (hidden,) = hook(None, (ones,))
        assert [[int(row.sum()) for row in channel] for channel in hidden] == [[count] * 3 for count in kept]
        assert hidden[1, 0, : kept[1]].all()


class Marking:
    """A tokenizer of one piece a letter, and a model that sets a full stop after `d` and a comma after `o`."""

    config = SimpleNamespace(id2label={"0": "O", "1": "I-.", "2": "PERIOD", "3": "COMMA,"})

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._pieces: list[tuple[int, str]] = []

    def __call__(self, words: Any = None, **how: Any) -> Any:
        if words is None:
            assert list(how) == ["input_ids"]
            return SimpleNamespace(logits=tensor([[[0, *(5 * (c == d) for d in "d_o")] for _, c in self._pieces]]))
        assert how == {"is_split_into_words": True, "truncation": True, "return_tensors": "pt"}
        self.sizes.append(len(words))
        self._pieces = [(None, "o"), *((i, letter) for i, word in enumerate(words) for letter in word), (None, "d")]  # type: ignore[list-item]
        encoded = Inputs(input_ids=tensor([[1]]))
        encoded.word_ids = lambda batch: [index for index, _ in self._pieces]  # type: ignore[attr-defined]
        return encoded


def test_marks_are_set_after_a_words_last_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", numpy_torch)
    model = Marking()
    punctuator = Punctuator(model, model, "cpu", ["en"])
    words = [Word(text=text, start_s=i, end_s=i + 1) for i, text in enumerate(("hello", "dear", "world", "on"))]
    text, marked = punctuator.restore(words, "en")
    assert text == "hello, dear world. on"
    assert [(word.text, word.start_s) for word in marked] == [("hello,", 0), ("dear", 1), ("world.", 2), ("on", 3)]
    assert punctuator.restore(words, "fr") == ("hello dear world on", tuple(words))
    assert Punctuator(model, model, "cpu", []).restore(words, "fr")[0] == text
    model.sizes.clear()
    many = [words[0]] * 301
    assert punctuator.restore(many, "en")[0] == " ".join(["hello,"] * 301)
    assert model.sizes == [150, 150, 1]


def test_the_engine_sets_marks_where_there_is_text(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", numpy_torch)
    made = engine(tokenizer)
    made._punctuator = Punctuator(Marking(), Marking(), "cpu", [])
    made._punctuator._model = made._punctuator._tokenizer
    results: dict[str, SegmentResult] = {result.key: result for result in made.transcribe(SEGMENTS[:3])}
    assert {key: result.text for key, result in results.items()} == {"a": "hello, rowad.", "b": "no,", "c": ""}
    assert [word.text for word in results["a"].words or ()] == ["hello,", "rowad."]


class Loader:
    """An `Auto…` class of transformers that gives what it is told, or raises it."""

    def __init__(self, name: str, gives: Any, **how: object) -> None:
        self.__name__ = name
        self._gives = gives
        self._how = {"local_files_only": True, "trust_remote_code": False, **how}

    def from_pretrained(self, folder: Path, **how: object) -> Any:
        assert how == self._how
        assert (folder / "config.json").is_file()
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives


class Placed(Spelling):
    def __init__(self) -> None:
        self.on: list[str] = []

    def to(self, device: str) -> Placed:
        self.on.append(device)
        if device == "mps":
            raise RuntimeError("no room")
        return self

    def eval(self) -> Placed:
        self.on.append("ready")
        return self


def loaded(
    monkeypatch: pytest.MonkeyPatch, folder: Path, usual: Any, options: dict[str, Any], **gives: Any
) -> tuple[Any, Any]:
    """The engine and its description, of what the loaders give."""
    for name in ("model.safetensors", "preprocessor_config.json"):
        (folder / name).touch()
    torch = machine(cuda=True, mps=True)
    weights = {"use_safetensors": True, "output_loading_info": True}
    transformers = SimpleNamespace(
        AutoFeatureExtractor=Loader("AutoFeatureExtractor", gives.get("features", Features(masked=True))),
        AutoTokenizer=Loader("AutoTokenizer", gives.get("tokenizer", usual)),
        AutoModelForCTC=Loader("AutoModelForCTC", gives.get("model", (Placed(), {"missing_keys": []})), **weights),
        Wav2Vec2CTCTokenizer=Wav2Vec2CTCTokenizer,
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "transformers", cast("Any", transformers))
    made: Any = TransformersCtcTranscriber(
        TransformersCtcOptions.model_validate({"model": str(folder), **options}), Hub(False, 1.0)
    )
    return made, made.load()


def test_a_checkpoint_is_loaded_and_described(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer: Any) -> None:
    options = {"batch_size": 3, "look_ahead": 7, "max_segment_s": 11.0, "cpu_threads": 5, "device": "cuda"}
    made, told = loaded(monkeypatch, tmp_path, tokenizer, {**options, "language": "en"})
    assert (told.engine, told.demonstration, told.takes_context) == ("transformers_ctc", False, False)
    assert (told.max_segment_s, told.looks_ahead, told.languages) == (11.0, 7, frozenset({"en"}))
    assert (told.detail, made._model.on, made._torch.threads) == ("cuda, float16, batch 3", ["cuda", "ready"], [5])
    assert [result.text for result in made.transcribe(SEGMENTS[:1])] == [TOLD["a"]]
    made, told = loaded(monkeypatch, tmp_path, tokenizer, {"device": "cpu"}, features=Features(masked=False))
    assert (told.detail, told.languages, made._torch.threads) == ("cpu, float32, batch 1", None, [])
    assert made._punctuator is None


@pytest.mark.parametrize(
    ("options", "gives", "says"),
    [
        ({}, {"features": ValueError("odd")}, "AutoFeatureExtractor cannot read it"),
        ({}, {"tokenizer": SimpleNamespace(pad_token="p")}, "a SimpleNamespace gives no words with times"),
        ({}, {"model": ValueError("odd")}, "the weights cannot be loaded"),
        ({}, {"model": (Placed(), {"missing_keys": {"b", "a"}})}, "2 weights are missing, first a; "),
        ({"device": "mps"}, {}, "the weights cannot be put on mps"),
        ({"model": ""}, {}, "not set up: transcription.transformers_ctc.model is empty"),
    ],
)
def test_what_cannot_be_loaded_is_told(  # noqa: PLR0917 - three fixtures
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer: Any, options: Any, gives: Any, says: str
) -> None:
    with pytest.raises(ModelUnavailable, match=says):
        loaded(monkeypatch, tmp_path, tokenizer, options, **gives)


def test_without_its_packages_the_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnavailable, match=r"torch or transformers is not installed .*install the extra `ctc`"):
        TransformersCtcTranscriber(TransformersCtcOptions(model="m"), Hub(False, 1.0)).load()
