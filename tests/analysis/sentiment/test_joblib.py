"""Own joblib models with a scaler of their own, per role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from analysis.sentiment.acoustic import build_acoustic
from analysis.sentiment.features import FEATURE_NAMES
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError, ModelUnavailable, UntrustedModel
from pipeline.records import Role
from tests.analysis.sentiment.test_features import voice

ROLES = ("agent", "client")
SAMPLES = np.repeat(voice(200, 3.0), 2)
SPANS = [(0.0, 1.5), (1.5, 3.0)]


def write_models(folder: Path, features: int = len(FEATURE_NAMES)) -> dict[str, str]:
    """A model and a scaler per role; the scalers differ, the models are the same. Paths by setting."""
    random = np.random.default_rng(1)
    values = random.normal(size=(60, features))
    model = LogisticRegression(max_iter=1000).fit(values, ["negative", "neutral", "positive"] * 20)
    paths = {}
    for role, spread in zip(ROLES, (30.0, 90.0), strict=True):
        made: dict[str, Any] = {"model": model, "scaler": StandardScaler().fit(values * spread)}
        for kind, content in made.items():
            paths[f"{role}_{kind}"] = str(folder / f"{role}_{kind}.joblib")
            joblib.dump(content, paths[f"{role}_{kind}"])
    return paths


def settings(paths: dict[str, str], **trusted: tuple[str, ...]) -> SentimentSettings:
    return SentimentSettings.model_validate(
        {"acoustic": paths, "trusted_models": trusted.get("trusted", tuple(paths.values()))}
    )


def heard(chosen: SentimentSettings, role: Role) -> list[object]:
    engine = build_acoustic(chosen)
    assert engine is not None
    sentiments = [sentiment for sentiment, _ in engine.channel(SAMPLES, SPANS, role)]
    assert all(sentiments)
    return list(sentiments)


def test_each_role_is_scaled_by_its_own_scaler(tmp_path: Path) -> None:
    paths = write_models(tmp_path)
    plain = {key: path for key, path in paths.items() if key.endswith("_model")}
    agent, client = heard(settings(paths), Role.AGENT), heard(settings(paths), Role.CLIENT)
    unscaled = heard(settings(plain), Role.AGENT)
    assert len({str(result) for result in (agent, client, unscaled)}) == 3
    assert heard(settings(paths), Role.UNKNOWN) == client
    swapped = {**paths, "agent_scaler": paths["client_scaler"]}
    assert heard(settings(swapped), Role.AGENT) == client


def test_what_counts_is_what_is_in_a_scaler(tmp_path: Path) -> None:
    def identity(paths: dict[str, str]) -> str:
        engine = build_acoustic(settings(paths))
        assert engine is not None
        return engine.identity()

    paths = write_models(tmp_path)
    moved = {**paths, "agent_scaler": str(Path(paths["agent_scaler"]).rename(tmp_path / "moved.joblib"))}
    swapped = {**moved, "agent_scaler": paths["client_scaler"]}
    without = {key: path for key, path in moved.items() if key != "agent_scaler"}
    assert len({identity(moved), identity(swapped), identity(without)}) == 3
    (tmp_path / "copy.joblib").write_bytes((tmp_path / "moved.joblib").read_bytes())
    assert identity(moved) == identity({**moved, "agent_scaler": str(tmp_path / "copy.joblib")})


def test_a_scaler_runs_code_and_must_be_trusted(tmp_path: Path) -> None:
    paths = write_models(tmp_path)
    models = tuple(path for key, path in paths.items() if key.endswith("_model"))
    with pytest.raises(UntrustedModel, match=r"_scaler\.joblib.*trusted_models"):
        build_acoustic(settings(paths, trusted=models))


@pytest.mark.parametrize("content", [3, LogisticRegression()])
def test_a_file_that_scales_nothing_is_refused(tmp_path: Path, content: object) -> None:
    paths = write_models(tmp_path)
    joblib.dump(content, paths["agent_scaler"])
    with pytest.raises(ModelUnavailable, match="scales nothing"):
        heard(settings(paths), Role.AGENT)


def test_a_scaler_of_other_features_is_refused(tmp_path: Path) -> None:
    paths = write_models(tmp_path)
    joblib.dump(StandardScaler().fit([[1.0, 2.0], [2.0, 3.0]]), paths["agent_scaler"])
    with pytest.raises(ModelUnavailable, match="wants 2 features"):
        heard(settings(paths), Role.AGENT)


def test_a_scaler_without_a_file_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="agent_scaler belongs to your own agent_model"):
        load_settings(None, ["sentiment.acoustic.agent_scaler=scaler.joblib"])
