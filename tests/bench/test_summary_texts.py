"""docs/summaries-in-full.md holds what the step says today."""

from __future__ import annotations

from pathlib import Path

from analysis.encoder.vectors import EncoderChoice, SentenceEncoder
from bench.summary_texts import page
from tests.analysis.encoder.conftest import real_encoder
from tests.house import PROJECT

__all__ = ["real_encoder"]


def test_the_summaries_are_those_of_the_page(reference_data: Path, real_encoder: SentenceEncoder) -> None:
    encoder = EncoderChoice(encoder=real_encoder, expected=real_encoder.identity, expected_space=real_encoder.space)
    kept = (PROJECT / "docs" / "summaries-in-full.md").read_text(encoding="utf-8")
    assert kept == page(reference_data, encoder), "write it anew: python -m bench.summary_texts > docs/…"
