"""Ways to damage a file of bytes, each drawn by a generator of random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

#: Counts that ask for too much, or lie at the edge of what a field holds.
HUGE = (0, 1, 2, 255, 65_535, 65_536, 2**22, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)


def flip_bits(data: bytearray, chance: random.Random) -> None:
    """Flip some bits anywhere."""
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def set_bytes(data: bytearray, chance: random.Random) -> None:
    """Overwrite some bytes that follow each other."""
    start = chance.randrange(len(data))
    for place in range(start, min(len(data), start + chance.choice((1, 2, 4, 8, 32)))):
        data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def cut(data: bytearray, chance: random.Random) -> None:
    """Cut the end off."""
    del data[chance.randrange(len(data)) :]


def grow(data: bytearray, chance: random.Random) -> None:
    """Append noise."""
    data += chance.randbytes(chance.choice((1, 8, 64)))


def lie_at(data: bytearray, place: int, chance: random.Random) -> None:
    """Set a word of 32 bits to a number near its own, or to one that asks for too much."""
    known = int.from_bytes(data[place : place + 4], "little")
    lie = chance.choice((*HUGE, (known + 1) % 2**32, abs(known - 1), chance.getrandbits(32)))
    data[place : place + 4] = lie.to_bytes(4, "little")
