"""Random programs of every step, and rows of every kind of number."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from drift_engine.model import _steps
from drift_engine.model.steps import Program, StepsModel

from tests.engine.random_models import make_model

if TYPE_CHECKING:
    import random

NAN = math.nan
#: CatBoost's, of hashes.
FACTOR = 0x4906BA494954CB65
ODD = (0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 1e-300, 1e300, 3e38, 1e39, 0.1, 7.0)
ARITHMETIC = ("add", "subtract", "multiply", "divide")
#: Kinds of steps, each a method below.
KINDS = (
    *("constant", "copy", "arithmetic", "of_two", "function", "is_number", "replace", "clip", "rank", "find"),
    *("lookup", "find_hash", "one_hot", "interpolate", "where", "dot", "sum", "link", "member", "refuse"),
)


def hash_of(numbers: tuple[int, ...]) -> int:
    """Return the hash of whole numbers together."""
    total = 0
    for number in numbers:
        total = FACTOR * (total + FACTOR * number) % 2**64
    return total


def make_codes(chance: random.Random, sources: list[int]) -> dict[int, int]:
    """Return codes of the hashes of small numbers, many of which rows hold, and of a few others."""
    listed = [hash_of(numbers) for numbers in product(range(-1, 6), repeat=len(sources))]
    keys = {key for key in listed if chance.random() < 0.8} | {chance.randrange(2**64) for _ in range(3)}
    most = chance.choice((1, 2, 5, 300, 2**32))
    codes = {key: chance.randrange(most) for key in keys}
    return codes if chance.random() < 0.8 else {key: place for place, key in enumerate(sorted(keys))}


class Maker:
    """A program that grows by random steps."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.program = Program(chance.randrange(1, 6))

    def number(self) -> float:
        """Return a number, an odd one often."""
        return self.chance.choice(ODD) if self.chance.random() < 0.5 else self.chance.gauss(0, 2)

    def source(self) -> int:
        """Return a register that is written."""
        return self.chance.randrange(self.program.registers)

    def sources(self, most: int = 6) -> list[int]:
        """Return some registers."""
        return [self.source() for _ in range(self.chance.randrange(1, most))]

    def sorted(self) -> list[float]:
        """Return ascending numbers, equal ones among them."""
        return sorted(self.number() for _ in range(self.chance.randrange(1, 9)))

    def numbers(self, count: int) -> list[float]:
        """Return so many numbers, missing ones among them."""
        return [NAN if self.chance.random() < 0.1 else self.number() for _ in range(count)]

    def add(self, kind: str) -> None:
        """Add a step of a kind."""
        chance, program = self.chance, self.program
        sources = self.sources()
        size = len(sources)
        pairs = list(zip(self.numbers(size), self.numbers(size), strict=True))
        table = self.sorted()
        rows = [self.numbers(size) for _ in range(chance.randrange(1, 4))]
        calls = {
            "constant": lambda: program.constant(self.number()),
            "copy": lambda: program.copy(sources),
            "arithmetic": lambda: program.arithmetic(chance.choice(ARITHMETIC), sources, self.numbers(size)),
            "of_two": lambda: program.of_two(chance.choice(ARITHMETIC), sources, [self.source() for _ in sources]),
            "function": lambda: program.function(chance.choice(_steps.FUNCTIONS), sources),
            "is_number": lambda: program.is_number(sources, self.numbers(size)),
            "replace": lambda: program.replace(sources, pairs),
            "clip": lambda: program.clip(sources, pairs),
            "rank": lambda: program.rank(sources[0], table, chance.choice(("left", "right"))),
            "find": lambda: program.find(sources[0], table),
            "lookup": lambda: program.lookup(sources[0], self.numbers(chance.randrange(3, 9))),
            "find_hash": lambda: program.find_hash(sources[:3], make_codes(chance, sources[:3])),
            "one_hot": lambda: program.one_hot(sources[0], chance.randrange(1, 7)),
            "interpolate": lambda: program.interpolate(sources[0], table, self.numbers(len(table))),
            "where": lambda: program.where(self.source(), self.source(), self.source()),
            "dot": lambda: program.dot(sources, rows, self.numbers(len(rows)), chance.choice(_steps.DOTS)),
            "sum": lambda: program.sum(self.sources(30), pairwise=chance.random() < 0.5),
            "link": self.link,
            "member": self.member,
            "refuse": lambda: program.refuse(sources, missing=chance.random() < 0.5, single=chance.random() < 0.5),
        }
        calls[kind]()

    def link(self) -> None:
        """Add a link."""
        sources = self.sources()
        name = self.chance.choice(_steps.LINKS)
        if name == "sigmoid" and self.chance.random() < 0.5:
            self.program.link(name, sources[:1], 2, self.chance.choice((1.0, 2.0, 0.5)))
        else:
            self.program.link(name, sources, len(sources))

    def member(self) -> None:
        """Add a model of trees."""
        model = make_model(self.chance)
        self.program.member(model, [self.source() for _ in range(model.features)])


def make_steps(chance: random.Random, kind: str) -> StepsModel:
    """Return a random model, with a step of a kind whose numbers it answers with."""
    maker = Maker(chance)
    for _ in range(chance.randrange(4)):
        maker.add(chance.choice(KINDS[:-3]))
    before = maker.program.registers
    maker.add(kind)
    written = list(range(before, maker.program.registers)) or [0]
    for _ in range(chance.randrange(3)):
        maker.add(chance.choice(KINDS))
    scores = [chance.choice(written) for _ in range(chance.randrange(2, 4))]
    if chance.random() < 0.5:
        scores = written
    task = "classification" if len(scores) > 1 and chance.random() < 0.5 else "regression"
    decision = "argmax"
    if task == "classification" and len(scores) == 2:
        decision = chance.choice(("argmax", "above", "at-least", "raw-above", "raw-at-least"))
    raws = [chance.choice(written)] if decision.startswith("raw-a") else scores
    return StepsModel(maker.program, task, raws, scores, decision)


def make_rows(chance: random.Random, features: int, count: int) -> list[tuple[float, ...]]:
    """Return rows of ordinary and of odd numbers."""
    values = [*ODD, *(float(code) for code in range(8)), *(chance.gauss(0, 2) for _ in range(8))]
    odd = [NAN, math.inf, -math.inf]
    rows = []
    for _ in range(count):
        pool = values + odd if chance.random() < 0.4 else values
        rows.append(tuple(chance.choice(pool) for _ in range(features)))
    return rows
