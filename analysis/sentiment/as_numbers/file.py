"""Models as numbers in a file beside the model they were made from: arrays and JSON, nothing that could run code."""

from __future__ import annotations

import io
import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.model_folder import LoadedModel, check_model, load_model
from analysis.sentiment.as_numbers.text import Counted, TextModel, Unit
from analysis.sentiment.as_numbers.voice import VoiceModel

logger = logging.getLogger(__name__)

NUMBERS_FILE = "model.npz"
_FORM = "form"
_VOICE_ARRAYS = ("mean", "scale", "support", "counts", "dual", "intercept", "slope", "offset")
_TEXT_ARRAYS = ("cue_scale", "coefficients", "intercept")
_DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)

NumbersModel = TextModel | VoiceModel


def load_for_answers(path: Path, **wanted: Any) -> LoadedModel:
    """As `load_model` with the same arguments and errors, to be asked `predict_proba`: as numbers, where its folder has
    them."""
    card = check_model(path, **wanted)
    numbers = None if card is None else read_numbers(path, card.model_sha256)
    return load_model(path, **wanted) if numbers is None else LoadedModel(numbers, card)


def write_numbers(folder: Path, model: NumbersModel | None, model_sha256: str) -> None:
    """Beside the model whose SHA-256 is given. None for a model that has no such form: an earlier one's goes."""
    if model is None:
        (folder / NUMBERS_FILE).unlink(missing_ok=True)
        return
    form, arrays = _text_parts(model) if isinstance(model, TextModel) else _voice_parts(model)
    form["model_sha256"], form["classes"] = model_sha256, model.classes_.tolist()
    arrays[_FORM] = np.frombuffer(json.dumps(form, ensure_ascii=False).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    aside = folder / f"{NUMBERS_FILE}.part"
    aside.write_bytes(content.getvalue())
    aside.replace(folder / NUMBERS_FILE)


def read_numbers(folder: Path, model_sha256: str) -> NumbersModel | None:
    """None where there are none, or not of this model, or damaged: then the model itself serves."""
    file = folder / NUMBERS_FILE
    try:
        with np.load(file, allow_pickle=False) as content:
            form: dict[str, Any] = json.loads(content[_FORM].tobytes())
            if form["model_sha256"] != model_sha256:
                logger.info("%s: made from another model than the one beside it; the model itself is loaded", file)
                return None
            return _text(form, content) if form["kind"] == "text" else _voice(form, content)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        logger.info("%s: damaged (%s); the model itself is loaded", file, error)
        return None


def _text_parts(model: TextModel) -> tuple[dict[str, Any], dict[str, Any]]:
    counted = [
        {
            "unit": counter.unit,
            "shortest": counter.shortest,
            "longest": counter.longest,
            "weight": counter.weight,
            "terms": sorted(counter.vocabulary, key=counter.vocabulary.__getitem__),
        }
        for counter in model.counted
    ]
    form = {"kind": "text", "encoded": model.encoded, "counted": counted, "sharpness": model.sharpness}
    idf = {f"idf_{index}": counter.idf for index, counter in enumerate(model.counted)}
    return form, {**idf, **{name: getattr(model, name) for name in _TEXT_ARRAYS}}


def _text(form: Mapping[str, Any], content: Mapping[str, Any]) -> TextModel:
    counted = tuple(
        Counted(
            unit=Unit(counter["unit"]),
            shortest=counter["shortest"],
            longest=counter["longest"],
            weight=counter["weight"],
            vocabulary={term: column for column, term in enumerate(counter["terms"])},
            idf=content[f"idf_{index}"],
        )
        for index, counter in enumerate(form["counted"])
    )
    return TextModel(
        encoded=form["encoded"],
        counted=counted,
        sharpness=form["sharpness"],
        classes_=np.asarray(form["classes"], dtype=np.int64),
        **{name: content[name] for name in _TEXT_ARRAYS},
    )


def _voice_parts(model: VoiceModel) -> tuple[dict[str, Any], dict[str, Any]]:
    form = {"kind": "acoustic", "gamma": model.gamma}
    return form, {name: getattr(model, name) for name in _VOICE_ARRAYS}


def _voice(form: Mapping[str, Any], content: Mapping[str, Any]) -> VoiceModel:
    arrays = {name: content[name] for name in _VOICE_ARRAYS}
    return VoiceModel(gamma=form["gamma"], classes_=np.asarray(form["classes"], dtype=np.int64), **arrays)
