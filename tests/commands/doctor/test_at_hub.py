"""What a hub says of weights that are not here: a server on this machine stands for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.doctor.at_hub import told_by_hub
from commands.doctor.providers import providers
from pipeline.config.areas.llm import LanguageModelSettings
from tests.loopback import Reply, Request, listening

REVISION = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def hub() -> Iterator[str]:
    def answer(request: Request) -> Reply:
        if "/api/models/owner/model/revision/" not in request.target:
            return Reply(404)
        files = [{"rfilename": "a", "size": 1_500_000_000}, {"rfilename": "b"}, {"rfilename": "c", "size": 20_000_000}]
        content = json.dumps({"id": "owner/model", "sha": REVISION, "siblings": files}).encode()
        return Reply(200, content, {"Content-Type": "application/json"})

    with listening(answer) as running:
        yield running.url


def test_a_hub_that_has_the_weights_says_how_much_is_to_be_fetched(hub: str) -> None:
    said = "owner/model@0123456789ab: not on disk; the first run fetches up to 1.52 GB from the hub"
    assert told_by_hub("owner/model", REVISION, 5.0, hub) == (said, 1_520_000_000)


@pytest.mark.parametrize("model", ["owner/other", "no such name"])
def test_a_hub_that_does_not_have_them_says_why(model: str, hub: str) -> None:
    said, size = told_by_hub(model, REVISION, 5.0, hub)
    assert said.startswith(f"{model}@0123456789ab: not on disk, and the hub does not give it (")
    assert size is None


@pytest.mark.parametrize(
    ("mlx_lm", "said"),
    [
        ({"model": "FOLDER"}, "choice 1: ready; weights in FOLDER"),
        ({"model": "owner/model", "revision": REVISION, "allow_download": False}, "choice 1: "),
    ],
)
def test_a_local_language_model_is_looked_for_on_disk(mlx_lm: dict[str, object], said: str, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    if isinstance(model := mlx_lm["model"], str):
        mlx_lm = mlx_lm | {"model": model.replace("FOLDER", str(tmp_path))}
    settings = LanguageModelSettings.model_validate({"providers": ["mlx_lm", "extractive"], "mlx_lm": mlx_lm})
    found = next(finding for finding in providers(settings, 1.0) if finding.name == "mlx_lm")
    assert found.detail.startswith(said.replace("FOLDER", str(tmp_path)))
    assert (found.figures or {})["usable"] == ("ready" in said)
