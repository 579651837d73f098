"""Damaged files: both engines refuse, or both give the same finite answers; neither crashes nor hangs.

DRIFT_FOREST_MUTATIONS sets how many files are damaged; under sanitizers, see docs/forest-format.md.
"""

from __future__ import annotations

import importlib
import math
import os
import random

import numpy as np
import pytest
from drift_engine.forest import BadForest, Forest, _layout
from drift_engine.forest.writer import Tree, encode, trees_of

from tests.support.damage import cut, flip_bits, grow, lie_at, set_bytes

MUTATIONS = int(os.environ.get("DRIFT_FOREST_MUTATIONS", "3000"))
ROWS = [(0.0, 0.5, -0.5), (1e30, -1e30, 0.0), (3.0, 2.0, 1.0), (-1.0, 1e-40, 3.4e38)]
HEADER = 80
COUNTS = (8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60)


@pytest.fixture(scope="module")
def files(fitted) -> list[bytes]:
    """Forests of every layout: leaves coded or not, floats or ratios, missing directions, single leaves, a chain."""
    chain = Tree(
        [*range(1, 31), *[-1] * 31], [*range(31, 61), *[-1] * 31], [0] * 61, [-float(n) for n in range(61)],
        [float(n) for n in range(61)],
    )  # fmt: skip
    leaf = Tree([-1], [-1], [0], [0.0], [1.0])
    fits = [
        fitted("random", 1, 60, 3, n_estimators=6),
        fitted("extra", 2, 80, 3, n_estimators=4, min_samples_leaf=3),
        fitted("random", 3, 50, 3, n_estimators=3, max_depth=2),
        fitted("random", 5, 60, 3, whole=True, n_estimators=5, min_samples_leaf=2),
        fitted("random", 6, 30, 3, whole=True, n_estimators=9),
    ]
    holes, _ = fitted("random", 4, 60, 3, holes=0.2, n_estimators=5)
    return [
        *(encode(trees_of(estimator), features=3) for estimator, _ in fits),
        encode(trees_of(holes, missing=True), features=3),
        encode([chain, leaf, chain], features=3),
        encode([leaf] * 40, features=3),
    ]


def flip_body_bits(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 8))):
        data[chance.randrange(HEADER, len(data))] ^= 1 << chance.randrange(8)


def lie_in_the_header(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.choice(COUNTS)
        lie_at(data, place, chance)


def copy_within(data: bytearray, chance: random.Random) -> None:
    size = chance.randrange(1, 40)
    source, target = (chance.randrange(max(1, len(data) - size)) for _ in range(2))
    data[target : target + size] = data[source : source + size]


def swap_bytes(data: bytearray, chance: random.Random) -> None:
    one, other = (chance.randrange(HEADER, len(data)) for _ in range(2))
    data[one], data[other] = data[other], data[one]


KINDS = [
    *(flip_bits, flip_body_bits, flip_body_bits, set_bytes, lie_in_the_header),
    *(cut, grow, copy_within, swap_bytes),
]


def verdict(data: bytes, engine: str) -> list[float] | str:
    try:
        forest = Forest.from_bytes(data, engine=engine)
    except BadForest:
        return "refused"
    width = forest.features
    rows = [tuple(row[place % 3] for place in range(width)) for row in ROWS]
    answers = forest.predict_many(rows)
    assert answers == [forest.predict(row) for row in rows]
    assert all(map(math.isfinite, answers))
    return answers


@pytest.mark.no_cover
@pytest.mark.parametrize("batch", range(10))
def test_damaged_file(batch, files, engines):
    """A damaged file is refused, or answers the same in both engines."""
    chance = random.Random(batch)
    answered = 0
    for _ in range(MUTATIONS // 10):
        data = bytearray(chance.choice(files))
        chance.choice(KINDS)(data, chance)
        verdicts = [verdict(bytes(data), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)
        answered += verdicts[0] != "refused"
    assert 0 < answered < MUTATIONS // 10


def test_noise_is_refused(engines):
    """Random bytes are refused by both engines."""
    chance = random.Random(0)
    for _ in range(MUTATIONS // 10):
        noise = chance.randbytes(chance.randrange(400))
        assert {verdict(noise, engine) for engine in engines} == {"refused"}


def test_every_flipped_bit(engines):
    """Whichever bit of a small file flips, both engines behave the same."""
    stump = encode([Tree([1, -1, -1], [2, -1, -1], [1, 0, 0], [0.5, 0, 0], [0.0, 1.0, 2.0])], features=3)
    for bit in range(8 * len(stump)):
        data = bytearray(stump)
        data[bit // 8] ^= 1 << bit % 8
        verdicts = [verdict(bytes(data), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)


def test_structure_bits(engines):
    """Of all patterns of structure bits only whole trees are read."""
    tree = Tree([1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [0] * 5, np.arange(5.0), np.arange(5.0))
    data = encode([tree] * 2, features=3)
    structure = data.index(bytes((0b10100101, 0, 0, 0, 0, 0, 0, 0)), HEADER)  # of both trees
    read = 0
    for bits in range(2**10):
        verdicts = [
            verdict(data[:structure] + bits.to_bytes(8, "little") + data[structure + 8 :], engine) for engine in engines
        ]
        assert verdicts.count(verdicts[0]) == len(verdicts)
        read += verdicts[0] != "refused"
    assert read == 4, "a tree of two splits has two shapes, and there are two trees"


def test_compiled_checks_columns(files, engines):
    """The compiled engine checks the length and width of its columns, whatever calls it."""
    if "c" not in engines:
        pytest.skip("the compiled engine was not built on this machine")
    start = importlib.import_module("drift_engine.forest._kernel").Engine
    chance, started = random.Random(1), 0
    for _ in range(MUTATIONS):
        parts = _layout.split(memoryview(chance.choice(files)))
        numbers = list(parts.numbers.__dict__.values())
        columns = [bytearray(column) for column in parts.columns]
        for _ in range(chance.choice((1, 2))):
            if chance.random() < 0.3:
                numbers[chance.randrange(len(numbers))] = chance.choice(
                    (-(2**63), -(2**31), -1, 0, 1, 2, 3, 4, 7, 22, 32, 52, 64, 65_535, 2**31 - 1, 2**32, 2**63 - 1)
                )
            else:
                column = chance.choice(columns)
                chance.choice((cut, grow, flip_bits))(column, chance) if column else column.extend(b"\1")
        try:
            engine = start(*numbers, *columns)
        except (BadForest, OverflowError):  # the second where a number is none of C
            continue
        started += 1
        width = numbers[0]
        assert all(map(math.isfinite, engine.predict_many([[row[0]] * width for row in ROWS])))
    assert 0 < started < MUTATIONS
