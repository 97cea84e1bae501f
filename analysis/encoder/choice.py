"""Which encoder serves, and what is said where none can."""

from __future__ import annotations

import logging
import platform
from importlib.metadata import version
from pathlib import Path

from analysis.encoder.cached import CachedEncoder
from analysis.encoder.fixed import FixedVectors
from analysis.encoder.onnx_encoder import OnnxEncoder, identity_of, space_of, weights_of
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import models_folder
from pipeline.weights.hub import Hub, WeightsName, name_of

logger = logging.getLogger(__name__)


def open_encoder(settings: EncoderSettings, hub: Hub | None = None) -> EncoderChoice:
    """The configured encoder where its weights are on this machine or can be fetched; else none, with the reason.

    Nothing is loaded before the first text. Raises ModelUnavailable for a folder that is named and is not there or
    not complete: a typing error is no missing package.
    """
    if settings.engine == "off":
        return WITHOUT
    wanted = weights_of(settings)
    hub = hub or Hub(
        allow_download=settings.allow_download,
        timeout_s=settings.hub_timeout_s,
        allow_setting="encoder.allow_download",
    )
    try:
        found = hub.find(wanted)
    except ModelUnavailable as error:
        if _names_folder(settings.model):
            raise
        logger.warning("no sentence encoder, every step does without it: %s", error)
        name = name_of(wanted)
        expected, space = identity_of(settings, name), space_of(settings, name)
        return EncoderChoice(encoder=None, expected=expected, expected_space=space, reason=str(error))
    plain = OnnxEncoder(settings, found.folder, found)
    encoder = CachedEncoder(plain, settings.cached_texts, fixed_vectors(plain.space, found))
    return EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)


def fixed_vectors(space: str, weights: WeightsName) -> FixedVectors | None:
    """Where vectors of fixed phrases are kept; None where the name does not say which weights these are: tomorrow's may
    be others."""
    if weights.revision is None:
        return None
    libraries = (f"{name} {version(name)}" for name in ("onnxruntime", "tokenizers"))
    return FixedVectors(models_folder() / "vectors", (space, platform.machine(), *libraries))


def _names_folder(model: str) -> bool:
    return model.startswith((".", "/", "~")) or Path(model).is_dir() or model.count("/") != 1
