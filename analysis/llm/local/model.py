"""The local model inside its own process: loads, decodes many requests at once, each held to its grammar.

MLX runs only here (`analysis.llm.local.mlx_lm` says why).
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from analysis.llm.local.attention import use_vector_attention
from analysis.llm.local.decoding import BatchDecoder, Tokens, Writing
from analysis.llm.local.gates import use_vector_gates
from analysis.llm.local.grammar import Grammar
from analysis.llm.local.pace import Pace
from analysis.llm.local.scoring import Scorer
from analysis.llm.local.weights import find_model
from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.validation import plain
from analysis.llm.weighing import chosen
from pipeline.config.areas.llm import MlxLmSettings
from pipeline.errors import InvalidReply, ModelUnavailable

log = logging.getLogger(__name__)

_KEPT_PREFIXES = 4
_CPU_STEP_TOKENS = 512
"""A CPU computes as fast in such steps, and a short prompt is padded to its neighbour's step, not to all of it."""
_KEPT_GRAMMARS = 64
_OF_THE_LIMIT = 0.95
"""Within this share of it the replies are there; the rest is for their way back."""


Task = tuple[Sequence[LLMRequest], float]
"""Requests, and within how many seconds they are to be answered."""


def build_local_model(settings: MlxLmSettings) -> Callable[[Task], list[Reply]]:
    """For `Worker`: the first thing its process does."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # else it warns that PyTorch is not there
    # cuDNN plans attention anew for each length of a batch, 40 ms each; MLX's own takes no longer.
    os.environ.setdefault("MLX_CUDA_USE_CUDNN_SDPA", "0")
    use_vector_attention()
    use_vector_gates()
    model = LocalModel(settings)
    return lambda task: model(*task)


class LocalModel:
    """A model loaded by mlx-lm. Called with a batch of requests, answers with their replies in order."""

    def __init__(self, settings: MlxLmSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds that never run backwards.

        Raises ModelUnavailable when the files are missing, unreachable or damaged.
        """
        folder = find_model(settings)
        import mlx.core as mx
        from llguidance.hf import from_tokenizer
        from mlx.utils import tree_flatten
        from mlx_lm import load

        self._settings, self._clock = settings, clock
        self._model: Any
        self._tokenizer: Any
        try:
            self._model, self._tokenizer, *_ = load(
                str(folder),
                tokenizer_config={"trust_remote_code": settings.trust_remote_code},
                trust_remote_code=settings.trust_remote_code,
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ModelUnavailable(f"{folder}: the model cannot be loaded: {error}") from error
        on_cpu = mx.default_device().type == mx.DeviceType.cpu
        self._step = min(settings.prefill_step_tokens, _CPU_STEP_TOKENS) if on_cpu else settings.prefill_step_tokens
        if settings.float32_on_cpu and on_cpu:
            self._model.set_dtype(mx.float32)
        mx.eval(self._model.parameters())
        arrays: Any = tree_flatten(self._model.parameters())
        self.parameters = sum(array.size for _, array in arrays)
        self._ends = sorted(int(token) for token in self._tokenizer.eos_token_ids)
        self._grammar_tokenizer = from_tokenizer(self._tokenizer._tokenizer, eos_token=self._ends)
        self._grammars: OrderedDict[str, Grammar] = OrderedDict()
        self._prefixes: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()
        self._pace = Pace()
        self._decoder = BatchDecoder(self._model, settings, self._step, self._ends, (self._pace, clock))
        self._scorer = Scorer(self._model, self._render_turn, self._encode)
        log.info("%s: %.0f M parameters on %s", folder.name, self.parameters / 1e6, mx.default_device())

    @property
    def kept_prefixes(self) -> tuple[tuple[int, ...], ...]:
        """Tokens of the prompt beginnings whose reading is kept."""
        return tuple(self._prefixes)

    def __call__(self, requests: Sequence[LLMRequest], time_limit_s: float = math.inf) -> list[Reply]:
        """Raises nothing for a single request: one that cannot be asked gets an empty reply, the log says why.

        What cannot be read within the time is not begun (`unread`), and replies under way are brought to an end before
        it is over.
        """
        deadline = self._clock() + _OF_THE_LIMIT * time_limit_s
        replies = self._choose(requests)
        sequences: dict[int, Writing] = {}
        for index, request in enumerate(requests):
            if index in replies:
                continue
            try:
                sequences[index] = self._sequence(request)
            except InvalidReply as error:
                log.warning("%s: %s", request.key, error)
                replies[index] = Reply(key=request.key, text="", finish="refused")
        # Prompts of like length are read together with less padding.
        order = sorted(sequences, key=lambda index: (requests[index].need, sequences[index].unread))
        self._decoder.decode([sequences[index] for index in order], deadline)
        for index, sequence in sequences.items():
            replies[index] = self._reply(sequence)
        return [replies[index] for index in range(len(requests))]

    def _choose(self, requests: Sequence[LLMRequest]) -> dict[int, Reply]:
        """Replies to the requests that are choices, all weighed together."""
        asked = [(index, request.choice) for index, request in enumerate(requests) if request.choice is not None]
        found = self._scorer([choice for _, choice in asked], self._settings.max_prompt_tokens)
        replies: dict[int, Reply] = {}
        for (index, choice), scored in zip(asked, found, strict=True):
            key = requests[index].key
            if scored is None:
                limit = self._settings.max_prompt_tokens
                log.warning("%s: nothing to choose from, or over llm.mlx_lm.max_prompt_tokens (%d)", key, limit)
                replies[index] = Reply(key=key, text="", finish="refused")
                continue
            replies[index] = chosen(key, choice, scored)
        return replies

    def _render_turn(self, text: str) -> Tokens:
        tokens = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
            **self._settings.chat_template_options,
        )
        return [int(token) for token in tokens]

    def _encode(self, text: str) -> Tokens:
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False)]

    def _sequence(self, request: LLMRequest) -> Writing:
        prompt = self._render(request)
        if len(prompt) > self._settings.max_prompt_tokens:
            limit = self._settings.max_prompt_tokens
            raise InvalidReply(f"a prompt of {len(prompt)} tokens is over llm.mlx_lm.max_prompt_tokens ({limit})")
        constraint = self._grammar(request).start(request.max_tokens)
        forced = constraint.forced()
        shared = self._shared_prefix(request, prompt) if self._settings.share_prompt_prefix else 0
        read = self._prefixes[tuple(prompt[:shared])] if shared else None
        return Writing(
            request=request,
            prompt=[*prompt, *forced],
            forced=len(forced),
            shared=shared,
            read=read,
            constraint=constraint,
        )

    def _render(self, request: LLMRequest, user: str | None = None) -> Tokens:
        turns = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user if user is None else user},
        ]
        if user is None:
            turns.extend({"role": message.role, "content": message.text} for message in request.follow_up)
        tokens = self._tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=False, **self._settings.chat_template_options
        )
        return [int(token) for token in tokens]

    def _grammar(self, request: LLMRequest) -> Grammar:
        key = json.dumps(plain(request.schema), sort_keys=True)
        grammar = self._grammars.get(key)
        if grammar is None:
            settings = self._settings
            grammar = Grammar(
                request.schema, self._grammar_tokenizer, settings.max_string_chars, settings.max_list_items
            )
            _keep(self._grammars, key, grammar, _KEPT_GRAMMARS)
        return grammar

    def _shared_prefix(self, request: LLMRequest, prompt: Tokens) -> int:
        """Tokens up to where the user's text begins: what two prompts with different users' texts share."""
        length = _common(self._render(request, "a"), self._render(request, "Z"))
        length = min(_common(prompt[:length], self._render(request, "a")), len(prompt) - 1)
        if length < self._settings.min_shared_prefix_tokens:
            return 0
        prefix = tuple(prompt[:length])
        if prefix not in self._prefixes:
            _keep(self._prefixes, prefix, self._read_prefix(list(prefix)), _KEPT_PREFIXES)
        self._prefixes.move_to_end(prefix)
        return length

    def _read_prefix(self, prefix: Tokens) -> list[Any]:
        import mlx.core as mx
        from mlx_lm.models.cache import make_prompt_cache

        cache: list[Any] = make_prompt_cache(self._model)
        step = self._step
        for start in range(0, len(prefix), step):
            self._model(mx.array([prefix[start : start + step]]), cache=cache)
            mx.eval([layer.state for layer in cache])
        return cache

    def _reply(self, sequence: Writing) -> Reply:
        constraint, request = sequence.constraint, sequence.request
        if not sequence.begun:
            return Reply(key=request.key, text="", finish="unread")
        tokens = [token for token in constraint.tokens if token not in self._ends]
        pieces = [self._grammar_tokenizer.decode_bytes([token]) for token in tokens]
        if constraint.fault:
            log.warning("%s: the grammar gave up after %d tokens", request.key, len(constraint.tokens))
        ended = constraint.over and not constraint.fault
        if ended and not constraint.landed:
            self._pace.replied(request.purpose, len(constraint.tokens))
        return Reply(
            key=request.key,
            text=b"".join(pieces).decode(errors="replace"),
            tokens_in=len(sequence.prompt) - sequence.forced,
            tokens_out=len(constraint.tokens),
            finish="landed" if constraint.landed and ended else ("stop" if ended else "length"),
        )


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning."""
    length = 0
    for left, right in zip(first, second, strict=False):
        if left != right:
            break
        length += 1
    return length


def _keep(store: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    store[key] = value
    while len(store) > most:
        store.popitem(last=False)
