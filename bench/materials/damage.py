"""Damaged copies of recordings: truncated, bit-flipped, headers forged, stretches zeroed, repeated or swapped."""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Mutation = Callable[[bytearray, random.Random], bytearray]
_LONGEST_BYTES = 400_000
"""Only the beginning of a long recording is kept: the damage matters, not the length."""


def truncated(content: bytearray, dice: random.Random) -> bytearray:
    return content[: dice.randint(0, len(content))]


def flipped(content: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.randint(1, 200)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return content


def head_flipped(content: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.randint(1, 12)):
        content[dice.randrange(min(128, len(content)))] = dice.randrange(256)
    return content


def forged_numbers(content: bytearray, dice: random.Random) -> bytearray:
    """A 32-bit number in the head replaced by an extreme one: sizes, rates, counts."""
    offset = dice.randrange(0, min(120, len(content) - 4))
    number = dice.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 3))
    content[offset : offset + 4] = struct.pack("<I", number)
    return content


def zeroed(content: bytearray, dice: random.Random) -> bytearray:
    start = dice.randrange(len(content))
    length = dice.randint(1, max(1, len(content) // 2))
    content[start : start + length] = bytes(min(length, len(content) - start))
    return content


def repeated(content: bytearray, dice: random.Random) -> bytearray:
    start = dice.randrange(len(content))
    return content[:start] + content[max(0, start - 4096) :]


def spliced(content: bytearray, dice: random.Random) -> bytearray:
    start = dice.randrange(len(content))
    return content[start:] + content[:start]


MUTATIONS: tuple[Mutation, ...] = (truncated, flipped, head_flipped, forged_numbers, zeroed, repeated, spliced)


def damaged_copies(sources: Sequence[Path], folder: Path, number: int, seed: int) -> None:
    """`number` files, each a source with one to three mutations; the names say which."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    contents = {path: path.read_bytes()[:_LONGEST_BYTES] for path in sources}
    old = time.time() - 3600
    for index in range(number):
        source = dice.choice(list(contents))
        content = bytearray(contents[source])
        names = []
        for mutation in dice.sample(MUTATIONS, dice.randint(1, 3)):
            if len(content) > 8:
                content = mutation(content, dice)
                names.append(mutation.__name__)
        path = folder / f"{index:04d}_{'+'.join(names)}{source.suffix}"
        path.write_bytes(content)
        os.utime(path, (old, old))
