"""Damaged models of steps: both engines refuse, or both give the same finite answers; neither crashes nor hangs."""

from __future__ import annotations

import importlib
import os
import random
import struct

import pytest
from drift_engine.model import ENGINES, BadModel, PackedModel
from drift_engine.model import _layout as layout
from drift_engine.model import _steps as steps
from drift_engine.model.steps import Program, StepsModel
from drift_engine.model.writer import Column, Model, Tree, encode

from tests.engine.random_steps import KINDS, make_steps
from tests.engine.test_model_damage import answers, rows_of, verdict
from tests.support.damage import cut, flip_bits, grow, lie_at, set_bytes

MUTATIONS = int(os.environ.get("DRIFT_FOREST_MUTATIONS", "3000"))
#: Header and directory, then the shape, then the words.
SHAPE = 24 + 5 * 16
WORDS = SHAPE + 40
STUMP = Tree([0, -1, -1], [0.5, 0, 0], [1, -1, -1], [2, -1, -1], [0.0, 1.0, 2.0])


def small() -> StepsModel:
    """Return a model that scales a number, asks a stump, and makes probabilities of its answer."""
    program = Program(2)
    program.refuse([0, 1], missing=True)
    scaled = program.arithmetic("divide", program.arithmetic("subtract", [0, 1], [0.5, 1.0]), [2.0, 4.0])
    member = Model(2, "regression", 1, [Column(0), Column(1)], [STUMP], start=[0.0])
    _, answer = program.member(member, scaled)
    raws = program.dot([*answer, *scaled], [[1.0, 0.5, -0.5]], [0.25], "nearest")
    return StepsModel(program, "classification", raws, program.link("sigmoid", raws, 2), "raw-above")


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """Models with every kind of step."""
    chance = random.Random(3)
    return [encode(make_steps(chance, kind)) for kind in KINDS for _ in range(2)]


def lie_in_a_word(data: bytearray, chance: random.Random) -> None:
    """Set a word of the shape or of the steps to a number that asks for too much."""
    place = SHAPE + 4 * chance.randrange(60)
    place = min(place, len(data) - 4) if len(data) >= 4 else 0
    lie_at(data, place, chance)


def flip_step_bits(data: bytearray, chance: random.Random) -> None:
    """Flip a bit of a step."""
    data[min(WORDS + chance.randrange(200), len(data) - 1)] ^= 1 << chance.randrange(4)


DAMAGE = [flip_bits, flip_step_bits, flip_step_bits, lie_in_a_word, lie_in_a_word, set_bytes, cut, grow]


@pytest.mark.parametrize("batch", range(5))
def test_damaged_file(batch, files, engines):
    """A damaged file is refused by both engines, or answers the same in both."""
    chance = random.Random(batch)
    answered = 0
    for _ in range(MUTATIONS // 10):
        data = bytearray(chance.choice(files))
        chance.choice(DAMAGE)(data, chance)
        verdicts = [verdict(bytes(data), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)
        answered += verdicts[0] != "refused"
    assert 0 < answered < MUTATIONS // 10


@pytest.mark.no_cover
def test_every_bit_flipped(engines):
    """Every bit of a small file can flip."""
    data = encode(small())
    for bit in range(8 * len(data)):
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        verdicts = [verdict(bytes(copy), engine) for engine in engines]
        assert verdicts.count(verdicts[0]) == len(verdicts)


def test_every_length(engines):
    """A file that was cut anywhere is refused."""
    data = encode(small())
    for size in range(len(data)):
        assert {verdict(data[:size], engine) for engine in engines} == {"refused"}


@pytest.mark.no_cover
def test_words_checked_by_kernel(files):
    """The compiled engine checks shape, words and constants, whatever calls it."""
    if "c" not in ENGINES:
        pytest.skip("the compiled engine was not built on this machine")
    kernel = importlib.import_module("drift_engine.model._kernel")
    chance, started = random.Random(1), 0
    for _ in range(MUTATIONS):
        parts = steps.split(memoryview(chance.choice(files)))
        members = tuple(kernel.Engine(*m.shape.__dict__.values(), *m.sections) for m in parts.members)
        numbers = list(parts.shape.__dict__.values())
        columns = [bytearray(parts.words), bytearray(parts.constants), bytearray(parts.keys)]
        damage = chance.random()
        if damage < 0.3:
            lies = (-(2**63), -1, 0, 1, 2, 3, 1000, 65_535, 2**20, 2**31 - 1, 2**32, 2**63 - 1)
            numbers[chance.randrange(len(numbers))] = chance.choice(lies)
        elif damage < 0.4:
            members = chance.choice((members[1:], (*members, *members), (*members, 1.0)))
        else:
            column = chance.choice(columns)
            lie = chance.choice((cut, grow, flip_bits, lie_aligned))
            lie(column, chance) if column else column.extend(b"\1")
        try:
            engine = kernel.Steps(*numbers, *columns[:2], members, columns[2])
        except (BadModel, OverflowError, MemoryError):
            continue
        started += 1
        answers(engine.decide, rows_of(numbers[2]))
        answers(engine.scores_many, [rows_of(numbers[2])])
    assert 0 < started < MUTATIONS


def lie_aligned(data: bytearray, chance: random.Random) -> None:
    """Set one word to a number that asks for too much."""
    lie_at(data, 4 * chance.randrange(max(1, len(data) // 4)), chance)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"task": 9}, "task"),
        ({"decision": 9}, "decision"),
        ({"features": 0}, "features"),
        ({"registers": 1}, "registers"),
        ({"raws": 0}, "outputs"),
        ({"score_first": 99}, "outputs"),
        ({"members": 1001}, "members"),
        ({"members": 2}, "members"),
        ({"threshold": float("nan")}, "threshold"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_shape_refused(change, place):
    """A shape that does not fit is refused, and named."""
    data = encode(small())
    parts = steps.split(memoryview(data))
    shape = layout.StepsShape(**parts.shape.__dict__ | change)
    member = encode(small().program.members[0])
    with pytest.raises(BadModel, match=f"model: {place}"):
        steps.split(memoryview(steps.join(shape, bytes(parts.words), bytes(parts.constants), [member])))


def word(name: str, sources: tuple[int, ...], *operands: int) -> bytes:
    """Return the words of a step."""
    words = (steps.STEPS.index(name), len(sources), *sources, *operands)
    return struct.pack(f"<{len(words)}I", *words)


#: Steps that need what is not there, in a model of two numbers a row and four constants.
WRONG = {
    "constant": [word("constant", (0,), 0), word("constant", (), 4)],
    "copy": [word("copy", (2,)), word("copy", ())],
    "add": [word("add", (0, 1), 3)],
    "divide-two": [word("divide-two", (0,))],
    "function": [word("function", (0,), 99)],
    "clip": [word("clip", (0, 1), 1)],
    "rank": [word("rank", (0, 1), 0, 2, 0), word("rank", (0,), 0, 2, 2), word("rank", (0,), 2, 2, 0)],
    "find": [word("find", (0,), 0, 5)],
    "lookup": [word("lookup", (0,), 0, 3), word("lookup", (0, 1), 0, 1)],
    "one-hot": [word("one-hot", (0,), 0), word("one-hot", (0,), 2**30), word("one-hot", (0, 1), 2)],
    "interpolate": [word("interpolate", (0,), 0, 0), word("interpolate", (0,), 0, 3)],
    "where": [word("where", (0, 1))],
    "dot": [word("dot", (0,), 0, 0, 0), word("dot", (0,), 0, 3, 0), word("dot", (0,), 0, 1, 2)],
    "sum": [word("sum", (0,), 2), word("sum", (0,) * 1001, 0)],
    "link": [word("link", (0,), 9, 1, 0), word("link", (0,), 0, 2, 0), word("link", (0,), 1, 1, 9)],
    "member": [word("member", (0,), 0)],
    "finite": [word("finite", (0,), 4)],
    "find-hash": [
        word("find-hash", (0,), 0, 1, 0),
        word("find-hash", (0,), 1, 0, 0),
        word("find-hash", (0,), 0, 0, 33),
    ],
    "steps": [word("copy", (0,))[:-4], struct.pack("<I", 1), struct.pack("<II", 99, 0)],
}


@pytest.mark.parametrize("name", WRONG)
def test_step_refused(name):
    """A step that needs what is not there is refused, and named, by both checks."""
    for words in WRONG[name]:
        constants = struct.pack("<4d", 1.0, 2.0, 5.0, 3.0)
        shape = layout.StepsShape(0, 0, 2, 2, 1, 0, 1, 0, 0, 0.5)
        with pytest.raises(BadModel, match=f"model: {name}"):
            steps.split(memoryview(steps.join(shape, words, constants, [])))
        if "c" in ENGINES:
            start = importlib.import_module("drift_engine.model._kernel").Steps
            with pytest.raises(BadModel, match="model: steps"):
                start(*shape.__dict__.values(), words, constants, ())


@pytest.mark.parametrize(
    ("keys", "operands", "place"),
    [
        ((5, 5), (0, 2, 0), "find-hash"),
        ((7, 5), (0, 2, 0), "find-hash"),
        ((5, 7), (0, 2, 1), "find-hash"),
        ((5, 7, 1), (0, 2, 0), "keys"),
        ((5, 7, 1), (1, 2, 0), "find-hash"),
    ],
)
def test_keys_refused(keys, operands, place):
    """Keys that do not ascend, and keys or codes that are too few or too many, are refused by both checks."""
    words, content = word("find-hash", (0,), *operands), struct.pack(f"<{len(keys)}Q", *keys)
    shape = layout.StepsShape(0, 0, 1, 2, 1, 0, 1, 0, 0, 0.5)
    with pytest.raises(BadModel, match=f"model: {place}"):
        steps.split(memoryview(steps.join(shape, words, b"", [], content)))
    if "c" in ENGINES:
        with pytest.raises(BadModel, match="model: steps"):
            importlib.import_module("drift_engine.model._kernel").Steps(
                *shape.__dict__.values(), words, b"", (), content
            )


def test_keys_cut():
    """A section of keys is whole numbers, and stands behind all others."""
    words = word("find-hash", (0,), 0, 1, 0)
    shape = layout.StepsShape(0, 0, 1, 2, 1, 0, 1, 0, 0, 0.5)
    data = steps.join(shape, words, b"", [], bytes(7))
    with pytest.raises(BadModel, match="model: keys"):
        steps.split(memoryview(data))
    # Without the section of members there are as many sections as a model without keys has.
    whole = bytearray(steps.join(shape, words, b"", [], bytes(8)))
    members = 24 + 4 * 16
    assert whole[members] == 5
    del whole[members : members + 16]
    whole[10] -= 1
    whole[16:24] = struct.pack("<Q", len(whole))
    with pytest.raises(BadModel, match="model: directory"):
        steps.split(memoryview(bytes(whole)))


def test_too_much_work(monkeypatch):
    """A file that asks for more numbers than any model needs is refused."""
    program = Program(1)
    wide = program.one_hot(0, 1 << 19)
    program.copy(wide)
    with pytest.raises(BadModel, match="registers"):
        encode(StepsModel(program, "regression", [0], [0]))
    # The real limit takes a file of half a gigabyte.
    monkeypatch.setattr("drift_engine.model._steps.MAX_WORK", 10_000)
    program = Program(1)
    wide = program.one_hot(0, 700)
    for _ in range(14):
        program.refuse(wide, missing=False)
    with pytest.raises(BadModel, match="steps"):
        encode(StepsModel(program, "regression", [0], [0]))


def test_writer_refuses():
    """The writer refuses functions that there are not, and numbers that are not one for each source."""
    with pytest.raises(BadModel, match="function"):
        Program(1).function("log", [0])
    with pytest.raises(BadModel, match="add"):
        Program(1).arithmetic("add", [0], [1.0, 2.0])
    program = Program(1)
    program.refuse(program.copy([]), missing=True)
    assert program.steps == []
    model = PackedModel.from_bytes(encode(small()))
    assert (model.trees, model.nodes, model.features, model.outputs, model.raws) == (1, 3, 2, 2, 1)
