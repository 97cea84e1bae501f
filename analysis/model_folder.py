"""A trained model on disk: `model.skops`, `card.json` and `card.md` in one folder.

skops (unlike pickle) loads only the types it is told to trust. Pickle and joblib files run whatever code they hold:
they are refused unless named in `sentiment.trusted_models`.
"""

from __future__ import annotations

import json
import platform
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config.areas.sentiment import PICKLES
from pipeline.errors import ModelUnavailable, UntrustedModel
from pipeline.hashes import sha256_of

MODEL_FILE = "model.skops"
CARD_FILE = "card.json"
CARD_TEXT_FILE = "card.md"
_SCHEMA = "schema.json"

TRUSTED_TYPES: tuple[str, ...] = (
    "analysis.training.attention.AttentionClassifier",
    "analysis.training.open_set.OpenSetClassifier",
    "analysis.training.text_features.LineVectors",
    "analysis.training.text_features.LineWords",
    "analysis.training.text_features.SentimentCues",
    "analysis.training.text_features.TextVectors",
    "analysis.training.text_features.mark_negation",
    "analysis.training.text_features.plain_words",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.svm._classes.SVC",
    "sklearn.tree._tree.Tree",
)
"""Beyond what skops trusts itself; a file that holds any other type is refused."""

LIBRARIES = ("numpy", "scikit-learn", "scipy", "skops")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model is, was trained on, and can do."""

    kind: str
    """`text`, `acoustic`, `fusion` or `topics`."""
    title: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    """Names of the inputs in their order; `("text",)` for texts."""
    feature_version: str
    """Changes when a feature keeps its name but its numbers change."""
    versions: Mapping[str, str]
    data: Mapping[str, Any]
    """Where from, how many items, groups, class balance, licence."""
    figures: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the model must be run with: normalisation, training averages, languages."""
    limits: tuple[str, ...] = ()
    """What it should not be trusted with."""
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What has `predict_proba` and `classes_` as a fitted scikit-learn pipeline has; its card, None for a trusted
    pickle."""

    pipeline: Any
    card: ModelCard | None


def library_versions(*more: str) -> dict[str, str]:
    """Versions of what a model depends on."""
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in (*LIBRARIES, *more)}}


def save_model(folder: Path, pipeline: Any, card: ModelCard) -> ModelCard:
    """Write model and cards; returns the card with the model's SHA-256. Same model, same bytes."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{MODEL_FILE}.part"
    aside.write_bytes(_stable(skops.io.dumps(pipeline)))
    aside.replace(folder / MODEL_FILE)
    whole = ModelCard(**{**asdict(card), "model_sha256": sha256_of(folder / MODEL_FILE)})
    text = json.dumps(asdict(whole), indent=1, sort_keys=True, ensure_ascii=False, default=str)
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_TEXT_FILE).write_text(card_text(whole), encoding="utf-8")
    return whole


def _stable(archive: bytes) -> bytes:
    """The same archive, compressed, without what differs from run to run: memory addresses and time stamps."""
    import io
    import re

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        schema = old.read(_SCHEMA).decode()
        numbers: dict[str, str] = {}

        def renumber(match: re.Match[str]) -> str:
            return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1)) + match[3]

        # skops names objects, and the files of arrays, by their address in memory.
        schema = re.sub(r'("__id__": |"file": ")(\d+)(\b)', renumber, schema)
        # In the same way, a vectoriser remembers the list of stop words it was last checked with.
        schema = re.sub(r'("_stop_words_id": \{[^{}]*"content": ")\d+', r"\g<1>0", schema)
        content = {_SCHEMA: schema.encode()}
        for name in old.namelist():
            stem, dot, kind = name.partition(".")
            content.setdefault(numbers.get(stem, stem) + dot + kind, old.read(name))
        for name in sorted(content):
            new.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()


def read_card(folder: Path) -> ModelCard:
    """Raises ModelUnavailable when there is none or it is not one of ours."""
    try:
        found: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        sequences = ("classes", "features", "limits")
        known: dict[str, Any] = {key: tuple(value) if key in sequences else value for key, value in found.items()}
        return ModelCard(**known)
    except FileNotFoundError:
        raise ModelUnavailable(f"{folder}: no {CARD_FILE} there; point to a folder written by `run.py train`") from None
    except (OSError, ValueError, TypeError) as error:
        raise ModelUnavailable(f"{folder / CARD_FILE}: not a model card: {error}; train the model again") from None


def check_model(
    path: Path,
    *,
    kind: str,
    features: Sequence[str] | None = None,
    feature_version: str | None = None,
    trusted: Sequence[str] = (),
) -> ModelCard | None:
    """Check everything about a model that can be checked without loading it.

    Returns the card; None for a trusted pickle, which has none.

    Raises:
        ModelUnavailable: missing, damaged, of another kind, with other features or of other library versions.
        UntrustedModel: a pickle, in whatever name, that is not trusted.
    """
    if path.suffix.lower() in PICKLES:
        check_pickle(path, trusted)
        return None
    card = read_card(path)
    if card.kind != kind:
        raise ModelUnavailable(f"{path}: holds a model for {card.kind}, wanted one for {kind}")
    _check_features(path, card, features, feature_version)
    _check_versions(path, card)
    model = path / MODEL_FILE
    if not model.is_file():
        raise ModelUnavailable(f"{model}: missing; copy the whole folder that `run.py train` wrote")
    if not zipfile.is_zipfile(model):
        raise UntrustedModel(
            f"{model}: not a skops file, perhaps a pickle under that name; "
            "it is not loaded, because a pickle can run code"
        )
    found = sha256_of(model)
    if found != card.model_sha256:
        raise UntrustedModel(f"{model}: its SHA-256 is {found}, its card says {card.model_sha256}; train it again")
    return card


def check_pickle(path: Path, trusted: Sequence[str]) -> None:
    """Raises ModelUnavailable (no such file) or UntrustedModel (not among `trusted`, which hold paths or SHA-256)."""
    if not path.is_file():
        raise ModelUnavailable(f"{path}: no such file")
    digest = sha256_of(path)
    resolved = path.expanduser().resolve()
    by_path = any(Path(entry).expanduser().resolve() == resolved for entry in trusted if len(entry) != len(digest))
    if digest not in {entry.lower() for entry in trusted} and not by_path:
        raise UntrustedModel(
            f"{path}: a pickle or joblib file can run code when loaded; if you know where it comes from, add its path "
            f"or {digest} to sentiment.trusted_models, better still train the model again with `run.py train`"
        )


def _check_features(path: Path, card: ModelCard, features: Sequence[str] | None, version: str | None) -> None:
    if features is not None and tuple(features) != tuple(card.features):
        removed = [name for name in card.features if name not in set(features)]
        added = [name for name in features if name not in set(card.features)]
        raise ModelUnavailable(
            f"{path}: trained with other features than this version computes ({len(card.features)} against "
            f"{len(features)}; only in the model: {removed[:3] or 'none'}; only in this version: "
            f"{added[:3] or 'none'}); train it again"
        )
    if version is not None and version != card.feature_version:
        raise ModelUnavailable(
            f"{path}: trained with features of version {card.feature_version}, this is {version}; train it again"
        )


def _check_versions(path: Path, card: ModelCard) -> None:
    installed = library_versions()
    for library in LIBRARIES:
        trained_with = card.versions.get(library)
        if trained_with is not None and _series(library, trained_with) != _series(library, installed[library]):
            raise ModelUnavailable(
                f"{path}: trained with {library} {trained_with}, but {installed[library]} is installed; "
                f"train it again or install {trained_with}"
            )


def _series(library: str, version: str) -> list[str]:
    """The part of a version that must agree: scikit-learn changes what its models hold from minor to minor release."""
    return version.split(".")[: 2 if library == "scikit-learn" else 1]


def load_model(
    path: Path,
    *,
    kind: str,
    features: Sequence[str] | None = None,
    feature_version: str | None = None,
    trusted: Sequence[str] = (),
) -> LoadedModel:
    """Checked as by `check_model`, then loaded. Raises the same errors."""
    card = check_model(path, kind=kind, features=features, feature_version=feature_version, trusted=trusted)
    if card is None:
        return LoadedModel(_load_pickle(path, features, "predict_proba", "which gives no probabilities"), None)
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return LoadedModel(skops.io.load(path / MODEL_FILE, trusted=list(TRUSTED_TYPES)), card)
    except UntrustedTypesFoundException as error:
        raise UntrustedModel(f"{path / MODEL_FILE}: holds types that are not trusted: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"{path / MODEL_FILE}: damaged or of another version: {error}; train it again") from None


def load_scaler(path: Path, features: Sequence[str], trusted: Sequence[str]) -> Any:
    """What was fitted to scale a trusted pickle's features: it has `transform`. Raises as `check_pickle` does, and
    ModelUnavailable for anything else or other features."""
    check_pickle(path, trusted)
    return _load_pickle(path, features, "transform", "which scales nothing")


def _load_pickle(path: Path, features: Sequence[str] | None, method: str, lack: str) -> Any:
    import joblib

    try:
        pipeline = joblib.load(path)
    except Exception as error:  # noqa: BLE001 - a pickle may raise anything
        raise ModelUnavailable(f"{path}: cannot be loaded here: {error}") from None
    if not hasattr(pipeline, method):
        raise ModelUnavailable(f"{path}: holds a {type(pipeline).__name__}, {lack}")
    expected = getattr(pipeline, "n_features_in_", None)
    if features is not None and expected is not None and expected != len(features):
        raise ModelUnavailable(
            f"{path}: wants {expected} features, this version computes {len(features)}; train it again"
        )
    return pipeline


def card_text(card: ModelCard) -> str:
    """The card for people."""
    lines = [f"# {card.title}", "", f"Kind: {card.kind}. Classes: {', '.join(card.classes)}.", ""]
    for heading, content in (("Data", card.data), ("Figures", card.figures), ("Options", card.options)):
        lines += [f"## {heading}", ""]
        lines += [f"- {key}: {shown_value(value)}" for key, value in content.items() if key != "averages"]
        lines += [""]
    if card.limits:
        lines += ["## Limits", "", *(f"- {limit}" for limit in card.limits), ""]
    lines += [
        "## Features",
        "",
        f"{len(card.features)}, version {card.feature_version}: {', '.join(card.features)}",
        "",
    ]
    lines += ["## Versions", "", *(f"- {name} {version}" for name, version in card.versions.items()), ""]
    return "\n".join([*lines, f"SHA-256 of {MODEL_FILE}: {card.model_sha256}", ""])


def shown_value(value: Any) -> str:
    """For people: no brackets, four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(shown_value(inner) for inner in value)
    return str(value)
