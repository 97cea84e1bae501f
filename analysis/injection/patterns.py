"""Marks and words that only a language model is spoken to with: they are known by their form, in any language."""

from __future__ import annotations

import re

_ORDERS = re.compile(
    "|".join(
        (
            r"<\|\w+\|>|</?(?:s|transcript|account|notes|label|topic|system|assistant|user|quotes?|question)>",
            r"#\d+ (?:agent|client)\b",
            r"\[/?(?:INST|SYS|SYSTEM)\]|[{}]|```|###",
            r"\b(?:system|assistant|developer|user)(?: message)?\s*:",
            r"\b(?:agent|client|customer|caller|operator|speaker (?:one|two|[12ab]))\s*(?::|\bcolon\b)",
            r"\b(?:open|close|left|right) (?:curly |square )?(?:brace|bracket)s?\b",
            r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|rules?|glossary|prompt)\b",
            r"\b(?:ignorez|oubliez)\b.{0,40}\b(?:instructions|consignes|règles)\b",
            r"\b(?:previous|new|your) instructions?\b|\bsystem prompt\b|\blanguage model\b|\bas an ai\b",
            r"\bif you are a machine\b|\b(?:correct|right) answer is\b|\banswer to (?:every|all|any) questions?\b",
            r"\b(?:report|summary|sentence|answer)\b.{0,20}\b(?:must|has to|should) (?:say|state|read|be)\b",
            r"\bfree (?:of|from) (?:all |any )?(?:your )?rules\b",
            r"\b(?:label|topic|étiquette)\b.{0,20}\b(?:is|to|as)\b|\b(?:label|topic|category)\b.{0,20}\b(?:must|should)\b",
            r"\b(?:choose|output|the) (?:the )?label\b|\bfile (?:this|every|the) calls? as\b",
            r"\b(?:classif|tag)\w* (?:this|the|it|every|accordingly|as)\b",
            r"\b(?:answer|reply|respond|répondez) (?:only )?(?:with|avec)\b",
            r"\b(\w+ \w+)(?: \1){2,}\b",
        )
    ),
    re.IGNORECASE,
)
"""How people speak to a language model, and not to an agent; English and French."""


def gives_orders(text: str) -> bool:
    """Whether what is said seems to be meant for the model that reads it: a doubt to be told, not a verdict."""
    return _ORDERS.search(text) is not None


def orders_at(text: str) -> list[tuple[int, int]]:
    """From where to where such words go in the text."""
    return [found.span() for found in _ORDERS.finditer(text)]
