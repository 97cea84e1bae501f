"""Models as numbers in a file beside the model they were made from: arrays and JSON, nothing that could run code."""

from __future__ import annotations

import io
import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from analysis.model_folder import LoadedModel, check_model, load_model
from analysis.sentiment.as_numbers.attention import AttentionModel
from analysis.sentiment.as_numbers.text import CuesModel
from analysis.sentiment.as_numbers.voice import VoiceModel

logger = logging.getLogger(__name__)

NUMBERS_FILE = "model.npz"
_FORM = "form"
_DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)

NumbersModel = AttentionModel | CuesModel | VoiceModel
_KINDS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "attention": (AttentionModel, ()),
    "text": (CuesModel, ("sharpness",)),
    "acoustic": (VoiceModel, ("gamma",)),
}
"""Their classes, and which of their fields are plain numbers; all others are arrays."""


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
    form, arrays = _parts(model)
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
            return _model(form, content)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        logger.info("%s: damaged (%s); the model itself is loaded", file, error)
        return None


def _parts(model: NumbersModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is written as JSON, and arrays."""
    kind = next(kind for kind, (made, _) in _KINDS.items() if isinstance(model, made))
    made, numbers = _KINDS[kind]
    arrays = [field.name for field in fields(made) if field.name not in (*numbers, "classes_")]
    form = {"kind": kind, **{name: getattr(model, name) for name in numbers}}
    return form, {name: getattr(model, name) for name in arrays}


def _model(form: Mapping[str, Any], content: Mapping[str, Any]) -> NumbersModel:
    made, numbers = _KINDS[form["kind"]]
    arrays = {field.name: content[field.name] for field in fields(made) if field.name not in (*numbers, "classes_")}
    model: NumbersModel = made(
        **arrays, **{name: form[name] for name in numbers}, classes_=np.asarray(form["classes"], dtype=np.int64)
    )
    return model
