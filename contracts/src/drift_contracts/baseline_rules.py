"""What a baseline must hold beyond its schema: figures that agree, channels whose lists are as long as their bins.

The predictor reads the figures only and starts cold, so it leaves out the channels and the correlation, which take
several times as long.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

from drift_contracts import documents
from drift_contracts.errors import Violation
from drift_contracts.keywords import GREATEST, step, violations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from drift_contracts.keywords import Schema

CONTRACT = "baseline.v1"
LEFT_OUT = ("correlation", "channels")
FIGURES = ("mean", "std", "min", "max")
COLUMNS = ("target", "prediction", "error")
SMALLEST = 2.2250738585072014e-308
"""Below it a float loses digits (it is denormal), and a share says nothing of its rounding."""
ROUNDING = 1e-6
"""How far, as a share, sums of floats may lie from what holds for the exact ones."""
PAIR = 2


def broken_figures(document: Any) -> list[Violation]:
    """Return every violation of the contract in a baseline but for its channels and its correlation."""
    schema = documents.schema(CONTRACT)
    anything: Schema = {name: {} for name in LEFT_OUT}
    figures = {**schema, "properties": {**schema["properties"], **anything}}
    return list(violations(figures, document, root=schema)) or list(_figures(document))


def broken_baseline(document: Any) -> list[Violation]:
    """Return every violation of the contract in a whole baseline; takes some 2 ms for five features."""
    broken = list(violations(documents.schema(CONTRACT), document))
    return broken or [*_figures(document), *_correlation(document), *_channels(document)]


def _figures(document: Mapping[str, Any]) -> Iterator[Violation]:
    columns = {name: document[name] for name in COLUMNS if name in document}
    for name, facts in document["features"].items():
        yield from _summary(facts, step("/features", name))
    for name, facts in columns.items():
        yield from _summary(facts, step("", name))


def _summary(facts: Mapping[str, Any], pointer: str) -> Iterator[Violation]:
    """Find figures that no column has: mean out of order, a deviation that its own extremes contradict.

    Source: P. A. Samuelson, "How Deviant Can You Be?" (1968): no value is further from the mean of n than
    (n - 1) / sqrt(n) sample standard deviations.
    """
    numbers = [facts[name] for name in FIGURES if facts[name] is not None]
    if not numbers:
        return
    if len(numbers) < len(FIGURES):
        yield Violation(pointer, "figures", "mean, std, min and max to be numbers, or all of them null")
        return
    mean, std, low, high = map(float, numbers)
    slack = max(ROUNDING * max(abs(low), abs(high)), SMALLEST)
    if not low - slack <= mean <= high + slack:
        yield Violation(step(pointer, "mean"), "order", "a mean between min and max")
    elif not _possible(std, max(high - mean, mean - low), high - low, facts["count"], slack):
        yield Violation(step(pointer, "std"), "spread", "a standard deviation that fits count, mean, min and max")


def _possible(std: float, furthest: float, width: float, count: int, slack: float) -> bool:
    most = (count - 1) / sqrt(count) if count else 0.0
    # A column as wide as floats has the greatest float as its deviation, or an infinite width: nothing contradicts it.
    return std <= width and (furthest <= std * most * (1 + ROUNDING) + slack or width > GREATEST)


def _correlation(document: Mapping[str, Any]) -> Iterator[Violation]:
    names, matrix = document["correlation"]["names"], document["correlation"]["matrix"]
    if not set(names) <= document["features"].keys():
        yield Violation("/correlation/names", "enum", "names of features")
    if len(matrix) != len(names) or any(len(row) != len(names) for row in matrix):
        yield Violation("/correlation/matrix", "size", "a row and a column for each name")


def _channels(document: Mapping[str, Any]) -> Iterator[Violation]:
    taken = set()
    columns = {*document["features"], "prediction"}
    for number, channel in enumerate(document["channels"]):
        pointer = f"/channels/{number}"
        if channel["name"] in taken:
            yield Violation(step(pointer, "name"), "unique", "a name that no other channel has")
        taken.add(channel["name"])
        if not set(channel["of"]) <= columns:
            yield Violation(step(pointer, "of"), "enum", "names of features, or prediction")
        yield from _bins(channel, pointer)


def _bins(channel: Mapping[str, Any], pointer: str) -> Iterator[Violation]:
    kind, counts = channel["kind"], channel["counts"]
    limits = channel.get("values" if kind == "values" else "edges", [])
    if any(low > high for low, high in pairwise(limits)):
        yield Violation(step(pointer, "values" if kind == "values" else "edges"), "order", "numbers in ascending order")
    if kind == "values":
        bins = len(limits)
    elif kind == "categories":
        bins = len(channel["categories"])
    else:
        bins = PAIR if kind in ("missing", "out_of_range", "new") else len(limits) + 1
    if len(counts) != bins:
        yield Violation(step(pointer, "counts"), "size", f"{bins} counts, one for each bin")
    if len(channel.get("scores", counts)) != len(counts):
        yield Violation(step(pointer, "scores"), "size", "a score for each count, or none")
