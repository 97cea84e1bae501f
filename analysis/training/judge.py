"""What the configured engines say of labelled items, and how well: `evaluate sentiment`, and material for fusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.records import Sentiment
from analysis.sentiment.acoustic import SHIPPED_AGENT, SHIPPED_CLIENT, build_acoustic
from analysis.sentiment.fusion import build_fusion
from analysis.sentiment.shipped_models import model_folder
from analysis.sentiment.text import build_text_engines
from analysis.sentiment.text_trained import SHIPPED_TEXT
from analysis.training.acoustic import ReadAudio
from analysis.training.fusion import BothSides, held_out_sentiments
from analysis.training.labels import SENTIMENTS, LabelColumns, LabelledItem, Labels, read_labels
from analysis.training.measures import Comparison, Scores, compare, score
from analysis.training.model_folder import CARD_FILE, read_card
from pipeline.config.sentiment import AcousticEngine, SentimentSettings, TextEngine
from pipeline.errors import ConfigurationError, TerminalError, TransientError
from pipeline.records import SAMPLE_RATE_HZ, Role


def judge_both(
    labels_path: Path,
    settings: SentimentSettings,
    *,
    columns: LabelColumns,
    read_audio: ReadAudio,
    label_map: Mapping[str, str] | None = None,
    words_held_out: Path | None = None,
    voice_held_out: Path | None = None,
    unseen_only: bool = False,
    needs: Sequence[str] = ("text", "audio"),
) -> BothSides:
    """Ask both engines about every item.

    Args:
        words_held_out, voice_held_out: take these answers instead of asking.
        unseen_only: refuse an engine whose model was trained on this very file.
        needs: what every row must have; None comes out where a side has nothing to judge.

    Raises ConfigurationError for bad labels, with row numbers.
    """
    labels = read_labels(labels_path, columns, needs=needs, label_map=label_map)
    roles = {role.value for role in Role}
    wrong = [f"row {item.row}: role {item.role!r}" for item in labels.items if item.role not in roles]
    if wrong:
        raise ConfigurationError(f"{labels_path}: roles are {', '.join(sorted(roles))}; {'; '.join(wrong[:10])}")
    if unseen_only:
        _refuse_seen(labels, settings, words=words_held_out is None, voice=voice_held_out is None)
    if words_held_out is not None:
        words = held_out_sentiments(words_held_out, labels.items)
    else:
        words = judge_words(labels.items, settings)
    if voice_held_out is not None:
        voice = held_out_sentiments(voice_held_out, labels.items)
    else:
        voice = judge_voice(labels.items, settings, read_audio)
    return BothSides(labels, words, voice)


def judge_words(items: Sequence[LabelledItem], settings: SentimentSettings) -> list[Sentiment | None]:
    """None for items without text."""
    engines = build_text_engines(settings)
    found: list[Sentiment | None] = [None] * len(items)
    for role, engine in engines.items():
        places = [at for at, item in enumerate(items) if item.text and Role(item.role) is role]
        answers = engine.predict([items[at].text or "" for at in places])
        for at, answer in zip(places, answers, strict=True):
            found[at] = answer
    return found


def judge_voice(
    items: Sequence[LabelledItem], settings: SentimentSettings, read_audio: ReadAudio
) -> list[Sentiment | None]:
    """As in a run: the items of one group are one speaker's, and are normalised against each other."""
    engine = build_acoustic(settings)
    found: list[Sentiment | None] = [None] * len(items)
    if engine is None:
        return found
    places: dict[tuple[str, str], list[int]] = {}
    for at, item in enumerate(items):
        if item.audio is not None:
            places.setdefault((item.group, item.role), []).append(at)
    for (_, role), mine in places.items():
        pieces, spans, clock = [], [], 0
        for at in mine:
            item = items[at]
            assert item.audio is not None
            try:
                samples = read_audio(item.audio, item.channel)
            except (TerminalError, TransientError, ValueError) as error:
                raise ConfigurationError(f"row {item.row}: {error}") from None
            first = round((item.start_s or 0.0) * SAMPLE_RATE_HZ)
            piece = samples[first : None if item.end_s is None else round(item.end_s * SAMPLE_RATE_HZ)]
            spans.append((clock / SAMPLE_RATE_HZ, (clock + len(piece)) / SAMPLE_RATE_HZ))
            clock += len(piece)
            pieces.append(piece)
        heard = engine.channel(np.concatenate(pieces), spans, Role(role))
        for at, (sentiment, _) in zip(mine, heard, strict=True):
            found[at] = sentiment
    return found


def _refuse_seen(labels: Labels, settings: SentimentSettings, *, words: bool, voice: bool) -> None:
    folders: list[tuple[str, Path]] = []
    if words and settings.text.engine is TextEngine.SKLEARN:
        chosen = settings.text.sklearn
        folders += [("words", model_folder(one, SHIPPED_TEXT)) for one in (chosen.agent_model, chosen.client_model)]
    if voice and settings.acoustic.engine is AcousticEngine.SKLEARN:
        folders.append(("voice", model_folder(settings.acoustic.agent_model, SHIPPED_AGENT)))
        folders.append(("voice", model_folder(settings.acoustic.client_model, SHIPPED_CLIENT)))
    for side, folder in folders:
        if not (folder / CARD_FILE).is_file():
            continue
        if read_card(folder).data.get("labels_sha256") == labels.sha256:
            raise ConfigurationError(
                f"{labels.path}: the {side} model {folder} was trained on these very labels, its answers are not held "
                f"out; give --{side}-held-out {folder / 'held_out.csv'}"
            )


# ------------------------------------------------------------------------------------------- evaluate


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Words, voice and both, side by side."""

    items: int
    words: Scores | None
    voice: Scores | None
    fused: Scores | None
    both: int
    """Items with a value from both sides, on which the comparison is made."""
    against: str | None
    """The better single side on those items."""
    gain: Comparison | None
    """Fused minus that side, paired."""
    verdict: str


def evaluate_sentiment(sides: BothSides, settings: SentimentSettings, seed: int = 0) -> Evaluation:
    """Figures of each side on the items it has a value for; of fusion on all (one side alone where one is missing)."""
    items = sides.labels.items
    fusion = build_fusion(settings)
    fused: list[Sentiment | None] = []
    for item, words, voice in zip(items, sides.words, sides.voice, strict=True):
        if words is not None and voice is not None:
            fused.append(fusion.join(words, voice, Role(item.role)) if fusion else None)
        else:
            fused.append((words or voice) if fusion else None)
    both = sides.complete()
    scores = {
        "words": _scores(items, sides.words, seed),
        "voice": _scores(items, sides.voice, seed),
        "fused": _scores(items, fused, seed),
    }
    against, gain = None, None
    if both and fusion is not None:
        against = max(("words", "voice"), key=lambda side: _recall(items, getattr(sides, side), both))
        truth, groups = _truth(items, both)
        gain = compare(truth, _rows(fused, both), _rows(getattr(sides, against), both), groups, seed)
    return Evaluation(
        items=len(items),
        words=scores["words"],
        voice=scores["voice"],
        fused=scores["fused"],
        both=len(both),
        against=against,
        gain=gain,
        verdict=_verdict(against, gain, fusion is not None),
    )


def _verdict(against: str | None, gain: Comparison | None, fusing: bool) -> str:
    if not fusing:
        return "Fusion is switched off (sentiment.fusion.method: off)."
    if gain is None:
        return "No item has a value from both sides: fusion has nothing to join."
    difference = f"UAR difference {gain.recall}"
    if gain.recall.low > 0:
        return f"Fusion helps: better than {against} alone ({difference})."
    if gain.recall.high < 0:
        return (
            f"Fusion does not help, it harms: worse than {against} alone ({difference}); "
            "set sentiment.fusion.method: off, or train the weights (run.py train fusion)."
        )
    return (
        f"Fusion does not help: not told apart from {against} alone ({difference}); "
        "sentiment.fusion.method: off loses nothing here."
    )


def _truth(items: Sequence[LabelledItem], places: Sequence[int]) -> tuple[npt.NDArray[np.intp], list[str]]:
    truth = np.asarray([SENTIMENTS.index(items[at].label) for at in places], dtype=np.intp)
    return truth, [items[at].group for at in places]


def _rows(sentiments: Sequence[Sentiment | None], places: Sequence[int]) -> npt.NDArray[np.float64]:
    chosen = [sentiments[at] for at in places]
    return np.asarray([(one.negative, one.neutral, one.positive) for one in chosen if one is not None])


def _scores(items: Sequence[LabelledItem], sentiments: Sequence[Sentiment | None], seed: int) -> Scores | None:
    places = [at for at, one in enumerate(sentiments) if one is not None]
    if not places:
        return None
    truth, groups = _truth(items, places)
    return score(truth, _rows(sentiments, places), groups, seed)


def _recall(items: Sequence[LabelledItem], sentiments: Sequence[Sentiment | None], places: Sequence[int]) -> float:
    truth, groups = _truth(items, places)
    return score(truth, _rows(sentiments, places), groups, 0).recall.value
