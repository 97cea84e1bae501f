"""What the configured engines say about labelled items: for `evaluate sentiment`, and as material for fusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

import numpy as np

from analysis.encoder.vectors import EncoderChoice
from analysis.model_folder import CARD_FILE, read_card
from analysis.records import Sentiment
from analysis.sentiment.acoustic import SHIPPED_VOICE, build_acoustic
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.shipped_models import model_folder
from analysis.sentiment.text import build_text_engines
from analysis.sentiment.text_trained import text_model
from analysis.training.judging.held_out import HELD_OUT_FILE, held_out_sentiments, known_sentiments, read_held_out
from analysis.training.labelled.labels import SENTIMENTS, LabelFile, LabelledItem, Labels, read_labels
from analysis.training.labelled.recordings import ReadAudio, pieces_of
from pipeline.config.areas.sentiment import AcousticEngine, SentimentSettings, TextEngine
from pipeline.errors import ConfigurationError
from pipeline.records import SAMPLE_RATE_HZ, Role

_OPTIONS = {"text": "--words-held-out", "acoustic": "--voice-held-out"}


@dataclass(frozen=True, slots=True)
class BothSides:
    """Items, with what words and voice say about each; None where a side has no value."""

    labels: Labels
    words: Sequence[Sentiment | None]
    voice: Sequence[Sentiment | None]
    notes: tuple[str, ...] = ()
    """Remarks for the reader of the answers."""

    def complete(self) -> list[int]:
        """Indices of the items that have a value from words and from voice."""
        return [
            index
            for index, (words, voice) in enumerate(zip(self.words, self.voice, strict=True))
            if words is not None and voice is not None
        ]


def judge_both(
    file: LabelFile,
    settings: SentimentSettings,
    read_audio: ReadAudio,
    *,
    encoder: EncoderChoice,
    words_held_out: Path | None = None,
    voice_held_out: Path | None = None,
    needs: Sequence[str] = ("text", "audio"),
) -> BothSides:
    """Ask both engines about every item.

    For items a model was trained on, the answers it gave while they were held out are taken (`notes` of the result
    say how many).

    Args:
        words_held_out, voice_held_out: take these answers instead of asking at all.
        needs: what every row must have; None comes out where a side has nothing to judge.

    Raises ConfigurationError for bad labels and recordings that cannot be read, with row numbers, and for a model that
    was trained on these labels and kept no held-out answers.
    """
    labels = read_labels(file, needs=needs)
    notes: list[str] = []
    if words_held_out is not None:
        words = held_out_sentiments(words_held_out, labels.items, "text")
    else:
        words = judge_words(labels.items, settings, encoder)
        words = _unlearned(labels, words, "text", _text_folders(settings, encoder), notes)
    if voice_held_out is not None:
        voice = held_out_sentiments(voice_held_out, labels.items, "acoustic")
    else:
        voice = judge_voice(labels.items, settings, read_audio)
        voice = _unlearned(labels, voice, "acoustic", _acoustic_folders(settings), notes)
    return BothSides(labels, words, voice, tuple(notes))


def judge_words(
    items: Sequence[LabelledItem], settings: SentimentSettings, encoder: EncoderChoice
) -> list[Sentiment | None]:
    """None for items without text."""
    engines = build_text_engines(settings, encoder)
    found: list[Sentiment | None] = [None] * len(items)
    for role, engine in engines.items():
        indices = [index for index, item in enumerate(items) if item.text and Role(item.role) is role]
        answers = engine.predict([spoken_line(items[index]) for index in indices])
        for index, answer in zip(indices, answers, strict=True):
            found[index] = answer
    return found


def judge_voice(
    items: Sequence[LabelledItem], settings: SentimentSettings, read_audio: ReadAudio
) -> list[Sentiment | None]:
    """As in a run: items of one speaker are normalised against each other (`LabelledItem.voice`)."""
    engine = build_acoustic(settings)
    found: dict[int, Sentiment | None] = {}
    if engine is not None:
        voices: dict[tuple[object, ...], list[LabelledItem]] = {}
        for item in items:
            if item.audio is not None:
                voices.setdefault(item.voice, []).append(item)
        pieces = pieces_of(chain.from_iterable(voices.values()), read_audio)
        for _, of_one_voice in groupby(pieces, key=lambda pair: pair[0].voice):
            spoken, sounds = zip(*of_one_voice, strict=True)
            ends = np.cumsum([len(sound) for sound in sounds]) / SAMPLE_RATE_HZ
            spans = list(zip([0.0, *ends[:-1].tolist()], ends.tolist(), strict=True))
            heard = engine.channel(np.concatenate(sounds), spans, Role(spoken[0].role))
            found.update({item.row: sentiment for item, (sentiment, _) in zip(spoken, heard, strict=True)})
    return [found.get(item.row) for item in items]


def spoken_line(item: LabelledItem) -> SpokenLine:
    return SpokenLine(text=item.text or "", role=Role(item.role), before=item.before)


def _text_folders(settings: SentimentSettings, encoder: EncoderChoice) -> dict[Role, Path]:
    if settings.text.engine is not TextEngine.SKLEARN:
        return {}
    chosen, trusted = settings.text.sklearn, settings.trusted_models
    agent, client = (text_model(name, trusted, encoder)[0].path for name in (chosen.agent_model, chosen.client_model))
    return _per_role(agent, client)


def _acoustic_folders(settings: SentimentSettings) -> dict[Role, Path]:
    if settings.acoustic.engine is not AcousticEngine.SKLEARN:
        return {}
    chosen = settings.acoustic
    return _per_role(*(model_folder(name, SHIPPED_VOICE) for name in (chosen.agent_model, chosen.client_model)))


def _per_role(agent: Path, client: Path) -> dict[Role, Path]:
    return {Role.AGENT: agent, Role.CLIENT: client, Role.UNKNOWN: client}


def _unlearned(
    labels: Labels,
    answers: list[Sentiment | None],
    kind: str,
    folders: Mapping[Role, Path],
    notes: list[str],
) -> list[Sentiment | None]:
    """`answers`, with held-out ones where the model was trained on the item."""
    better = list(answers)
    for folder in sorted(folder for folder in set(folders.values()) if (folder / CARD_FILE).is_file()):
        rows = read_held_out(folder / HELD_OUT_FILE, SENTIMENTS)
        if not rows and read_card(folder).data.get("labels_sha256") == labels.sha256:
            raise ConfigurationError(
                f"{labels.path}: the {kind} model {folder} was trained on these very labels and keeps no held-out "
                f"answers; train it again, or give {_OPTIONS[kind]} FILE"
            )
        known = known_sentiments(rows, labels.items, kind)
        taken = 0
        for index, item in enumerate(labels.items):
            if folders[Role(item.role)] == folder and known[index] is not None and answers[index] is not None:
                better[index] = known[index]
                taken += 1
        if taken:
            notes.append(f"{kind}: {folder.name} was trained on {taken} of these items; its held-out answers are taken")
    return better
