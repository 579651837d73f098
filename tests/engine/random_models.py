"""Random models of every rule, rows that sit on their thresholds, and answers worked out naively."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from drift_engine.model import BadRow
from drift_engine.model.writer import Column, Model, Tree

if TYPE_CHECKING:
    import random

NAN = math.nan
LINKS = (
    *("identity", "sigmoid", "sigmoid32", "softmax", "softmax-pairwise", "softmax32"),
    *("exp", "exp32", "isolation", "square", "fast-exp", "fast-softmax"),
)


def single(number: float) -> float:
    """Return a number rounded to float32."""
    return array("f", [number])[0]


def make_column(chance: random.Random, features: int) -> Column:
    """Return an input of any rule."""
    source = chance.randrange(features)
    kind = chance.random()
    if kind < 0.25:
        return Column(source, categories=chance.choice((1, 2, 5, 40)), missing=chance.choice(("direction", "refuse")))
    lookup = None
    if kind < 0.4:
        lookup = [chance.choice((NAN, -1.0, 0.0, 2.5, chance.gauss(0, 1))) for _ in range(chance.randrange(3, 9))]
    zero = chance.choice(("keep", "keep", "tiny", "missing"))
    return Column(
        source,
        cast=chance.choice(("f64", "f32")),
        rule=chance.choice(("<=", "<")),
        zero=zero,
        missing="direction" if zero == "missing" else chance.choice(("direction", "direction", "zero", "refuse")),
        infinite=chance.choice(("keep", "refuse")),
        lookup=lookup,
    )


def make_threshold(chance: random.Random) -> float:
    """Return a threshold, the odd ones often."""
    odd = (0.0, -0.0, math.inf, -math.inf, 1e-35, -1e-35, 1e-300, 0.1, single(0.1), 1.0, 3e38, 1e39, 0.5)
    return chance.choice(odd) if chance.random() < 0.4 else chance.gauss(0, 1)


def make_tree(chance: random.Random, columns: list[Column], leaf, raws: int, deepest: int) -> Tree:
    """Return a random tree; `leaf` makes the value of one."""
    column, threshold, left, right, value, missing, sets = [], [], [], [], [], [], []

    def grow(depth: int) -> int:
        node = len(left)
        number = chance.randrange(len(columns)) if columns else -1
        column.append(number)
        threshold.append(make_threshold(chance))
        missing.append(chance.random() < 0.5)
        value.append(leaf())
        left.append(-1)
        right.append(-1)
        codes = None
        if columns and columns[number].categories:
            count = columns[number].categories + 1
            codes = frozenset(code for code in range(count) if chance.random() < 0.5)
        sets.append(codes)
        if columns and depth and chance.random() < 0.85:
            left[node] = grow(depth - 1)
            right[node] = grow(depth - 1)
        return node

    grow(deepest)
    return Tree(column, threshold, left, right, value, missing, sets, output=chance.randrange(raws))


def make_model(chance: random.Random, link: str | None = None) -> Model:
    """Return a random model."""
    link = link or chance.choice(LINKS)
    features = chance.randrange(1, 5)
    columns = [make_column(chance, features) for _ in range(chance.randrange(7))]
    sum_of = chance.choice(("f64", "f32"))
    raws = chance.choice((1, 1, 2, 3, 9))
    outputs = raws
    if raws == 1 and link.startswith("sigmoid"):
        outputs = chance.choice((1, 2))
    task = "classification" if outputs > 1 and chance.random() < 0.7 else "regression"
    decision = "argmax"
    if task == "classification" and outputs == 2:
        decision = chance.choice(("argmax", "above", "at-least", *(("raw-above", "raw-at-least") * (raws == 1))))
    elif task == "classification" and raws == outputs:
        decision = chance.choice(("argmax", "raw-argmax"))
    kind = chance.choice(("few", "ratio", "any"))

    def number() -> float:
        drawn = {"few": chance.choice((0.0, 0.25, 1.0)), "ratio": chance.randrange(200) / chance.randrange(1, 90)}
        drawn = drawn.get(kind, abs(chance.gauss(0, 1)))
        signed = drawn if link == "isolation" else drawn * chance.choice((1, -1))
        return single(signed) if sum_of == "f32" else signed

    of_vectors = chance.random() < 0.4
    trees = []
    for _ in range(chance.randrange(1, 25)):
        leaf = (lambda: [number() for _ in range(raws)]) if of_vectors else number
        trees.append(make_tree(chance, columns, leaf, raws, chance.choice((0, 1, 3, 5, 7))))
    parameters = ()
    if link == "sigmoid" and chance.random() < 0.5:
        parameters = (chance.choice((0.5, 2.0, 1.7)),)
    if link == "isolation":
        parameters = (chance.choice((3.3, 10.0)), chance.choice((0.0, -0.5)))
    return Model(
        features,
        task,
        outputs,
        columns,
        trees,
        start=[number() for _ in range(raws)],
        sum=sum_of,
        divisor=chance.choice((None, float(len(trees)))),
        link=link,
        parameters=parameters,
        decision=decision,
    )


def make_rows(chance: random.Random, model: Model, count: int) -> list[tuple[float, ...]]:
    """Return rows whose values sit on thresholds and beside them, are missing, infinite, or of any category."""
    values = [NAN, NAN, math.inf, -math.inf, 0.0, -0.0, 1e-35, 1e-36, 1e39, -1e300, -0.5, 41.0]
    values += [float(code) for code in range(7)]
    for tree in model.trees:
        for threshold in tree.threshold:
            if abs(threshold) <= 3e38:
                near = array("f", [threshold])[0]
                values += (threshold, near, math.nextafter(threshold, math.inf), math.nextafter(threshold, -math.inf))
    return [tuple(chance.choice(values) for _ in range(model.features)) for _ in range(count)]


def raw_scores(model: Model, row: tuple[float, ...]) -> tuple[float, ...]:
    """Return raw scores by walking the plain arrays. Raises BadRow."""
    seen = [_seen(column, row[column.source]) for column in model.columns]
    sums = list(model.start)
    for tree in model.trees:
        node = 0
        while tree.left[node] != -1:
            goes = _goes_left(model.columns[tree.column[node]], seen[tree.column[node]], tree, node)
            node = tree.left[node] if goes else tree.right[node]
        value = tree.value[node]
        for place, number in enumerate(value) if isinstance(value, list) else ((tree.output, value),):
            total = sums[place] + number
            sums[place] = single(total) if model.sum == "f32" else total
    return tuple(total / model.divisor for total in sums) if model.divisor else tuple(sums)


def _code(value: float, categories: int) -> int | None:
    if math.isnan(value):
        return None
    return math.trunc(value) if -1 < value < categories else categories


def _seen(column: Column, value: float) -> float | int | None:
    """Return what trees see: a code, a number, or None for missing. Raises BadRow."""
    if column.categories:
        code = _code(value, column.categories)
        if code is None and column.missing == "refuse":
            raise BadRow("missing")
        return code
    if column.lookup is not None:
        code = _code(value, len(column.lookup) - 2)
        value = column.lookup[-1 if code is None else code]
    if column.cast == "f32":
        value = single(value)
    if column.zero != "keep" and abs(value) <= single(1e-35):
        value = 0.0 if column.zero == "tiny" else NAN
    if math.isnan(value):
        if column.missing == "refuse":
            raise BadRow("missing")
        return 0.0 if column.missing == "zero" else None
    if math.isinf(value) and column.infinite == "refuse":
        raise BadRow("infinite")
    return value


def _goes_left(column: Column, value, tree: Tree, node: int) -> bool:
    if value is None:
        return bool(tree.missing_left[node])
    if column.categories:
        return value in tree.categories[node]
    threshold = tree.threshold[node]
    return value <= threshold if column.rule == "<=" else value < threshold
