"""The token prompt around the audio, and the language that the model's reply names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "mk": "Macedonian", "ms": "Malay", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tl": "Filipino", "tr": "Turkish", "vi": "Vietnamese", "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip
"""ISO 639 code -> name in the prompt: the 30 languages of the Qwen3-ASR model card."""
_CODES = {name.casefold(): code for code, name in LANGUAGES.items()}


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens before the audio (shared by all segments of one context) and after it."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LanguageQuestion:
    """A prompt that ends where the name of the language would follow."""

    prompt: Prompt
    codes: Mapping[int, str]
    """First token of a language's name -> its ISO 639 code. A token with which several names begin is not in it."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the decoded tokens say."""

    text: str
    language: str | None
    """ISO 639 code; None when the model named none, or one without a code here."""
    text_tokens: slice
    """Which tokens are text, the language announcement left out."""


class Prompter:
    """The package's prompt template and reply format.

    Args:
        tokenizer: `mlx_qwen3_asr.tokenizer.Tokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        marker = tokenizer.encode("<asr_text>")
        self._marker = int(marker[0]) if len(marker) == 1 else None
        self._known: dict[tuple[str, str | None], Prompt] = {}
        self._question: LanguageQuestion | None = None

    def prompt(self, context: str, language: str | None) -> Prompt:
        """`language` is an ISO code of LANGUAGES, or None to let the model say."""
        key = (context, language)
        if key not in self._known:
            name = None if language is None else LANGUAGES[language]
            tokens = self._tokenizer.build_prompt_tokens(n_audio_tokens=1, language=name, context=context)
            # the template puts <|audio_start|><|audio_pad|>…<|audio_end|> after the context: take the last of them
            index = len(tokens) - 1 - tokens[::-1].index(self._tokenizer.AUDIO_TOKEN_ID)
            if len(self._known) > 64:
                self._known.clear()
            self._known[key] = Prompt(tuple(tokens[:index]), tuple(tokens[index + 1 :]))
        return self._known[key]

    def language_question(self) -> LanguageQuestion:
        """Told from the prompts that name a language: what they have in common beyond the one that names none."""
        if self._question is None:
            open_ended = self.prompt("", None)
            named = {code: self.prompt("", code).suffix for code in LANGUAGES}
            shared = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*named.values(), strict=False)))
            first = {code: suffix[shared] for code, suffix in named.items()}
            times = Counter(first.values())
            self._question = LanguageQuestion(
                Prompt(open_ended.prefix, next(iter(named.values()))[:shared]),
                {token: code for code, token in first.items() if times[token] == 1},
            )
        return self._question

    def parse(self, tokens: Sequence[int], language: str | None) -> Parsed:
        """Text and language of a finished row, by the package's rules."""
        from mlx_qwen3_asr.tokenizer import parse_asr_output

        name = None if language is None else LANGUAGES[language]
        said, text = parse_asr_output(self._tokenizer.decode(list(tokens)), user_language=name)
        first = 0
        if self._marker is not None and self._marker in tokens:
            first = list(tokens).index(self._marker) + 1
        return Parsed(
            text=text,
            language=language if language is not None else _CODES.get(said.strip().casefold()),
            text_tokens=slice(first, None),
        )
