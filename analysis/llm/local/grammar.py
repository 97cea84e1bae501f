"""JSON Schema as a grammar: bounded everywhere, held token by token, and brought to an end in time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.llm.provider import JsonSchema
from analysis.llm.validation import plain
from pipeline.errors import InvalidReply

_NUMBER_BYTES = 24
_LARGEST_NUMBER = 10**12
_LANDING_SLACK = 12
"""Tokens beyond the smallest reply: the rest of a character, an escape or a number under way."""
_LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As people and other programs write JSON. Small models write far worse between marks that they have never seen without
a space, and without end where white space is free."""
_ENDS_SENTENCE = frozenset(b".!?")
_LEAST_REPEATED = 12
"""Bytes. "Yes." may be said twice."""
_CLOSERS = (ord("}"), ord("]"), ord(","))
"""In order of preference; the comma ends a number that more must follow."""


def bounded(schema: JsonSchema, max_string_chars: int, max_list_items: int) -> dict[str, Any]:
    """The schema with `maxLength` and `maxItems` where it sets none, `additionalProperties` off where it says nothing.

    Numbers without bounds get 10^12 on either side. Strings held by `enum`, `const`, `pattern` or `format` keep what
    they have.
    """
    walked: dict[str, Any] = _walk(plain(schema), max_string_chars, max_list_items)
    return walked


def _walk(node: Any, chars: int, items: int) -> Any:
    if isinstance(node, list):
        return [_walk(part, chars, items) for part in node]
    if not isinstance(node, dict):
        return node
    walked = {
        key: value if key in {"enum", "const", "default", "examples"} else _walk_member(key, value, chars, items)
        for key, value in node.items()
    }
    kinds = node.get("type")
    kinds = set(kinds) if isinstance(kinds, list) else {kinds}
    free = not any(key in node for key in ("enum", "const", "pattern", "format"))
    if "string" in kinds and free:
        walked.setdefault("maxLength", chars)
    if "array" in kinds:
        walked.setdefault("maxItems", max(items, node.get("minItems", 0)))
    if kinds & {"integer", "number"} and free:
        # Digits without end are a loop like any other.
        for key, bound in (("minimum", -_LARGEST_NUMBER), ("maximum", _LARGEST_NUMBER)):
            if f"exclusive{key.title()}" not in node:
                walked.setdefault(key, bound)
    if "object" in kinds and "properties" in node:
        walked.setdefault("additionalProperties", False)
    return walked


def _walk_member(key: str, value: Any, chars: int, items: int) -> Any:
    if key in {"properties", "$defs", "definitions", "patternProperties"} and isinstance(value, dict):
        return {name: _walk(part, chars, items) for name, part in value.items()}
    return _walk(value, chars, items)


def smallest_reply_bytes(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> int:
    """Upper bound, in bytes, of a reply without its optional parts and with its free strings empty."""
    root = root or schema
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            target = target[part]
        return smallest_reply_bytes(target, root)
    if "const" in schema:
        return _bytes(schema["const"])
    if "enum" in schema:
        return max(_bytes(value) for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return max(smallest_reply_bytes(part, root) for part in schema[choice])
    kinds = schema.get("type", "object")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return max(_smallest_of_kind(kind, schema, root) for kind in kinds)


def _smallest_of_kind(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any]) -> int:
    if kind == "object":
        properties = schema.get("properties", {})
        required = [name for name in schema.get("required", ()) if name in properties]
        return 2 + sum(_bytes(name) + 4 + smallest_reply_bytes(properties[name], root) for name in required)
    if kind == "array":
        least = int(schema.get("minItems", 0))
        return 2 + (least * (2 + smallest_reply_bytes(schema.get("items", {}), root)) if least else 0)
    if kind == "string":
        return 2 + 4 * int(schema.get("minLength", 0)) + (32 if "format" in schema or "pattern" in schema else 0)
    return _NUMBER_BYTES if kind in {"number", "integer"} else 5


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


class Grammar:
    """A schema compiled for one tokenizer; `start` gives each sequence its own state."""

    def __init__(self, schema: JsonSchema, tokenizer: Any, max_string_chars: int, max_list_items: int) -> None:
        """Raises InvalidReply when llguidance cannot hold a model to this schema."""
        from llguidance import LLMatcher

        self.landing_tokens = 0
        """That a reply takes to its end, from wherever it is, at most."""
        limited = bounded(schema, max_string_chars, max_list_items)
        self.reserve_tokens = smallest_reply_bytes(limited) + _LANDING_SLACK
        text = LLMatcher.grammar_from_json_schema(limited, overrides=_LAYOUT)
        self._matcher = LLMatcher(tokenizer, text)
        self.tokenizer = tokenizer
        if self._matcher.is_error():
            raise InvalidReply(f"the schema cannot be made a grammar: {self._matcher.get_error()}")
        singles = {}
        for letter in (ord('"'), *_CLOSERS):
            spelled = tokenizer.tokenize_str(chr(letter))
            if len(spelled) == 1:
                singles[letter] = spelled[0]
        self.singles: Mapping[int, int] = singles
        """Byte of `"` and of `_CLOSERS` -> the token that is just this byte, where there is one."""
        # What is under way in a list is longer than a list without items, which a reply could begin with.
        flat = '"array"' not in json.dumps(limited)
        self.landing_tokens = self._landing_tokens() if flat else self.reserve_tokens

    def _landing_tokens(self) -> int:
        """Of a reply that is hurried from its beginning, and some for what may be under way."""
        constraint = self.start(self.reserve_tokens)
        constraint.hurry()
        while not constraint.over and len(constraint.tokens) < self.reserve_tokens:
            allowed = np.flatnonzero(constraint.allowed())
            if len(allowed) == 1:
                constraint.take(int(allowed[0]))
            elif not constraint.forced():
                return self.reserve_tokens  # the model would have to choose
        return min(self.reserve_tokens, len(constraint.tokens) + _LANDING_SLACK)

    def start(self, max_tokens: int) -> Constraint:
        return Constraint(self, self._matcher.deep_copy(), max(max_tokens, self.reserve_tokens + 1))


class Constraint:
    """Holds one sequence to the grammar. Feed it each token taken; ask it for the mask of the next."""

    def __init__(self, grammar: Grammar, matcher: Any, max_tokens: int) -> None:
        self._grammar = grammar
        self._matcher = matcher
        self._words = (grammar.tokenizer.vocab_size + 31) // 32
        self.max_tokens = max_tokens
        self.tokens: list[int] = []
        self._quote = grammar.singles.get(ord('"'))
        self._repeats = False
        """The string under way has just said a sentence again: it is ended, for small models go on without end."""
        self._hurried = False
        self.landed = False
        """Brought to an end before the model had ended it."""

    @property
    def over(self) -> bool:
        """True when nothing but the end token can follow (or the grammar gave up: see `fault`)."""
        return bool(self._matcher.is_stopped())

    @property
    def fault(self) -> str | None:
        """Why the grammar gave up, if it did."""
        return self._matcher.get_error() if self._matcher.is_error() else None

    @property
    def landing_tokens(self) -> int:
        """Tokens that a valid end takes from here, at most."""
        return self._grammar.landing_tokens

    def hurry(self) -> None:
        """From the next token on the reply is brought to its end."""
        self._hurried = True

    def forced(self) -> list[int]:
        """The tokens that every reply begins with, taken at once: they are read with the prompt and not written."""
        tokens: list[int] = [] if self.over else self._matcher.compute_ff_tokens()
        for token in tokens:
            self.take(token)
        return tokens

    def take(self, token: int) -> None:
        """The token chosen last; ignored once the reply is over."""
        if not self.over:
            self._matcher.consume_token(token)
            self.tokens.append(token)
            if _ENDS_SENTENCE & set(self._grammar.tokenizer.decode_bytes([token])):
                self._repeats = self._quote is not None and repeats_itself(
                    self._grammar.tokenizer.decode_bytes(self.tokens)
                )
            elif self._repeats:
                self._repeats = False

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which tokens may come next: shape (vocabulary of the tokenizer,); an end token once the reply is over."""
        if self.over:
            ends = np.zeros(self._grammar.tokenizer.vocab_size, dtype=bool)
            ends[self._grammar.tokenizer.eos_token] = True
            return ends
        mask = np.zeros(self._words, dtype=np.int32)
        self._matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little").astype(bool)
        if self._repeats and bits[self._quote]:
            bits[:] = False
            bits[self._quote] = True
            return bits
        if self._hurried or len(self.tokens) >= self.max_tokens - self._grammar.landing_tokens:
            closer = self._closer(bits)
            if closer is not None:
                self.landed = True
                bits[:] = False
                bits[closer] = True
        return bits

    def _closer(self, bits: npt.NDArray[np.bool_]) -> int | None:
        """Near the token limit: the token that ends what is open, where the grammar takes it."""
        inside = ends_in_string(self._grammar.tokenizer.decode_bytes(self.tokens))
        letters = (ord('"'),) if inside else _CLOSERS
        for letter in letters:
            token = self._grammar.singles.get(letter)
            if token is not None and bits[token]:
                return token
        return None


def repeats_itself(text: bytes) -> bool:
    """Whether JSON that is cut here is cut in a string, behind a sentence that stands in it before."""
    if not ends_in_string(text):
        return False
    string = re.split(rb'(?<!\\)"', text)[-1]
    sentences = [part.strip() for part in re.split(rb"(?<=[.!?])(?:\s+|$)", string) if part.strip()]
    return len(sentences) > 1 and len(sentences[-1]) > _LEAST_REPEATED and sentences[-1] in sentences[:-1]


def ends_in_string(text: bytes) -> bool:
    """Whether JSON that is cut here is cut inside a string."""
    inside = escaped = False
    for byte in text:
        if escaped:
            escaped = False
        elif inside and byte == ord("\\"):
            escaped = True
        elif byte == ord('"'):
            inside = not inside
    return inside
