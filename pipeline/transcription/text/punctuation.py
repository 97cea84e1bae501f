"""Punctuation for recognisers that write none: a token-classification model of Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import ModelUnavailable
from pipeline.records import Word
from pipeline.transcription.torch_models import on_device
from pipeline.weights.hub import Hub, WeightsWanted, short

MARKS = ".,?!:;،؛؟"
_WINDOW_WORDS = 150


class Punctuator:
    """Sets a mark after each word whose label ends in one; words themselves never change."""

    def __init__(self, model: Any, tokenizer: Any, device: str, languages: Sequence[str]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        self._languages = frozenset(languages)
        self._marks = {int(i): label[-1] for i, label in model.config.id2label.items() if label[-1:] in tuple(MARKS)}

    @classmethod
    def load(cls, wanted: WeightsWanted, hub: Hub, device: str, languages: Sequence[str]) -> Punctuator:
        """Raises ModelUnavailable."""
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        folder = hub.find(wanted).folder
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model, told = AutoModelForTokenClassification.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
            )
        except Exception as error:
            # Transformers passes on whatever its readers of JSON, tokenizers and tensors raise
            raise ModelUnavailable(
                f"{folder}: the punctuation model cannot be loaded ({short(error)}); correct {wanted.setting}"
            ) from error
        punctuator = cls(on_device(model, device, folder, wanted.setting), tokenizer, device, languages)
        if told["missing_keys"] or not punctuator._marks:
            raise ModelUnavailable(
                f"{folder}: no punctuation model (weights missing, or no label ends in one of {MARKS}); "
                f"correct {wanted.setting}"
            )
        return punctuator

    def restore(self, words: Sequence[Word], language: str | None) -> tuple[str, tuple[Word, ...]]:
        """Text and words with marks; unchanged for a language the model does not know."""
        if self._languages and language not in self._languages:
            return " ".join(word.text for word in words), tuple(words)
        marked: list[Word] = []
        for begin in range(0, len(words), _WINDOW_WORDS):
            marked.extend(self._window(words[begin : begin + _WINDOW_WORDS]))
        return " ".join(word.text for word in marked), tuple(marked)

    def _window(self, words: Sequence[Word]) -> list[Word]:
        import torch

        encoded = self._tokenizer(
            [word.text for word in words], is_split_into_words=True, truncation=True, return_tensors="pt"
        )
        with torch.inference_mode():
            labels = self._model(**encoded.to(self._device)).logits[0].argmax(-1).tolist()
        pieces = zip(encoded.word_ids(0), labels, strict=True)
        last_label = {index: label for index, label in pieces if index is not None}
        return [
            replace(word, text=word.text + self._marks.get(last_label.get(i, -1), "")) for i, word in enumerate(words)
        ]
