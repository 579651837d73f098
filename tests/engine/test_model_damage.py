"""Damaged packed models: both engines refuse, or both give the same finite answers; neither crashes nor hangs.

DRIFT_FOREST_MUTATIONS sets how many files are damaged; under sanitizers, see docs/model-format.md.
"""

from __future__ import annotations

import importlib
import math
import os
import random
import struct

import pytest
from drift_engine.model import ENGINES, BadModel, BadRow, PackedModel
from drift_engine.model import _layout as layout
from drift_engine.model.writer import Column, Model, Tree, encode

from tests.engine.random_models import LINKS, make_model
from tests.support.damage import cut, flip_bits, grow, lie_at, set_bytes

MUTATIONS = int(os.environ.get("DRIFT_FOREST_MUTATIONS", "3000"))
VALUES = (0.0, 0.5, -0.5, 1.0, 3.0, 1e30, 1e-40, math.nan, -1.0, 7.0)
#: Header and directory, then the shape.
BODY = 24 + 15 * 16
SHAPE = range(BODY, BODY + 92)


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """Models of every link, sum and layout, a chain of splits, and one with many leaves."""
    chance = random.Random(7)
    models = [make_model(chance, link) for link in LINKS for _ in range(2)]
    size = 30
    chain = Tree(
        [0] * (2 * size + 1),
        [-float(node) for node in range(2 * size + 1)],
        [*range(1, size + 1), *[-1] * (size + 1)],
        [*range(size + 1, 2 * size + 1), *[-1] * (size + 1)],
        [float(node) for node in range(2 * size + 1)],
    )
    models.append(Model(1, "regression", 1, [Column(0)], [chain, chain], start=[0.5]))
    return [encode(model) for model in models]


def flip_body_bits(data: bytearray, chance: random.Random) -> None:
    """Flip some bits behind the directory."""
    for _ in range(chance.choice((1, 2, 8))):
        data[chance.randrange(min(BODY, len(data) - 1), len(data))] ^= 1 << chance.randrange(8)


def flip_shape_bits(data: bytearray, chance: random.Random) -> None:
    """Flip a bit of the shape."""
    data[chance.choice(SHAPE) % len(data)] ^= 1 << chance.randrange(8)


def lie_in_a_word(data: bytearray, chance: random.Random) -> None:
    """Set an aligned word of shape or table to a number that asks for too much."""
    place = BODY + 4 * chance.randrange(60)
    place = min(place, len(data) - 4) if len(data) >= 4 else 0
    lie_at(data, place, chance)


def swap_bytes(data: bytearray, chance: random.Random) -> None:
    """Swap two bytes behind the directory."""
    first, second = (chance.randrange(BODY, len(data)) for _ in range(2))
    data[first], data[second] = data[second], data[first]


KINDS = [flip_bits, flip_body_bits, flip_body_bits, flip_shape_bits, set_bytes, lie_in_a_word, cut, grow, swap_bytes]


def rows_of(features: int) -> list[tuple[float, ...]]:
    """Return four rows of so many features."""
    return [tuple(VALUES[(place * step + step) % len(VALUES)] for place in range(features)) for step in (1, 3, 7, 10)]


def answers(call, rows):
    """Return the answer to each row, or what refused it."""
    found = []
    for row in rows:
        try:
            found.append(call(row))
        except BadRow as error:
            found.append(str(error))
    return found


def verdict(data: bytes, engine: str):
    """Return the answers of a file, or that it is refused."""
    try:
        model = PackedModel.from_bytes(data, engine=engine)
    except BadModel:
        return "refused"
    rows = rows_of(model.features)
    found = answers(model.decide, rows)
    assert all(math.isfinite(number) for answer in found if isinstance(answer, tuple) for number in answer[0])
    whole = [row for row, answer in zip(rows, found, strict=True) if isinstance(answer, tuple)]
    assert model.decide_many(whole) == [answer for answer in found if isinstance(answer, tuple)]
    return found, answers(model.raw, rows)


@pytest.mark.parametrize("batch", range(10))
def test_damaged_file(batch, files, engines):
    """A damaged file is refused by both engines, or answers the same in both."""
    chance = random.Random(batch)
    answered = 0
    for _ in range(MUTATIONS // 10):
        data = bytearray(chance.choice(files))
        chance.choice(KINDS)(data, chance)
        verdicts = [verdict(bytes(data), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)
        answered += verdicts[0] != "refused"
    assert 0 < answered < MUTATIONS // 10


def test_noise(engines):
    """Noise is refused."""
    chance = random.Random(0)
    for _ in range(MUTATIONS // 10):
        noise = chance.randbytes(chance.randrange(600))
        assert {verdict(noise, engine) for engine in engines} == {"refused"}


@pytest.mark.parametrize("cast", ["f32", "f64"])
def test_every_bit_flipped(cast, engines):
    """Every bit of a small file can flip."""
    stump = Tree(
        [0, 1, 0, 0, 0], [0.5, 0.0, 0, 0, 0], [1, 3, -1, -1, -1], [2, 4, -1, -1, -1], [0.0, 0.0, 1.0, 2.0, 0.1]
    )
    sets = [None, frozenset({0, 2}), None, None, None]
    tree = Tree(*(getattr(stump, name) for name in ("column", "threshold", "left", "right", "value")), categories=sets)
    data = encode(Model(2, "regression", 1, [Column(0, cast=cast), Column(1, categories=3)], [tree], start=[0.5]))
    for bit in range(8 * len(data)):
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        verdicts = [verdict(bytes(copy), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)


def test_every_length(files, engines):
    """A file that was cut anywhere is refused."""
    for size in range(len(files[0])):
        assert {verdict(files[0][:size], engine) for engine in engines} == {"refused"}


@pytest.mark.no_cover
def test_columns_checked_by_kernel(files):
    """The compiled engine checks the length and width of its columns, whatever calls it."""
    if "c" not in ENGINES:
        pytest.skip("the compiled engine was not built on this machine")
    start = importlib.import_module("drift_engine.model._kernel").Engine
    chance, started = random.Random(1), 0
    for _ in range(MUTATIONS):
        parts = layout.split(memoryview(chance.choice(files)))
        numbers = list(parts.shape.__dict__.values())
        columns = [bytearray(column) for column in parts.sections]
        for _ in range(chance.choice((1, 2))):
            if chance.random() < 0.3:
                lies = (-(2**63), -(2**31), -1, 0, 1, 2, 3, 4, 7, 22, 32, 52, 64, 65_535, 2**31 - 1, 2**32, 2**63 - 1)
                numbers[chance.randrange(len(numbers))] = chance.choice(lies)
            else:
                column = chance.choice(columns)
                chance.choice((cut, grow, flip_bits))(column, chance) if column else column.extend(b"\1")
        try:
            engine = start(*numbers, *columns)
        except (BadModel, OverflowError, MemoryError):  # the second where a number is none of C
            continue
        started += 1
        answers(engine.decide, rows_of(numbers[12]))
        answers(engine.scores_many, [rows_of(numbers[12])])
    assert 0 < started < MUTATIONS


def test_shape_is_where_it_is_said():
    """The shape begins behind header and directory, as the tests above lean on."""
    tree = Tree([0], [0.0], [-1], [-1], [1.0])
    data = encode(Model(77, "regression", 1, [Column(0)], [tree], start=[0.0]))
    assert struct.unpack_from("<I", data, BODY + 12) == (77,)
