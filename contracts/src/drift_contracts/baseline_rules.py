"""What a baseline must hold beyond its schema: figures that agree, lists as long as their bins.

The predictor reads the figures only and starts cold, so it leaves out the channels and the
correlation, which take several times as long.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

from drift_contracts import documents
from drift_contracts.errors import Violation
from drift_contracts.keywords import GREATEST, join_pointer, violations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from drift_contracts.types import BaselineV1Summary, BaselineV2, BaselineV2Channel

CONTRACT = "baseline.v1"
#: The version that knows classifiers; whatever the first has, it has too.
SECOND = "baseline.v2"
#: Summaries of columns that are no features.
SUMMARIES = ("target", "prediction", "error", "label", "margin", "entropy")
LEFT_OUT = ("correlation", "channels", "concordance")
#: Below it a float loses digits (it is denormal), and a share says nothing of its rounding.
SMALLEST = 2.2250738585072014e-308
#: How far, as a share, sums of floats may lie from what holds for the exact ones.
ROUNDING = 1e-6
#: Kinds of channels that count two things: that something holds, and that it does not.
PAIR_KINDS = ("missing", "out_of_range", "new")
PAIR = 2


def contract_of(document: object) -> str:
    """Return the contract that a baseline follows: the one that it names, else the first."""
    named = isinstance(document, dict) and document.get("contract") == SECOND
    return SECOND if named else CONTRACT


def broken_figures(document: object) -> list[Violation]:
    """Return every violation in a baseline but for its channels and its correlation."""
    schema = documents.schema(contract_of(document))
    properties = {**schema["properties"]}
    for name in LEFT_OUT:
        # an empty schema allows anything
        properties[name] = {}
    broken = list(violations({**schema, "properties": properties}, document, root=schema))
    return broken or list(_figures(_baseline(document)))


def broken_baseline(document: object) -> list[Violation]:
    """Return every violation in a whole baseline; it takes some 2 ms for five features."""
    broken = list(violations(documents.schema(contract_of(document)), document))
    if broken:
        # the rules below read members that a document which breaks the schema may not have
        return broken
    baseline = _baseline(document)
    return [
        *_figures(baseline),
        *_correlation(baseline),
        *_channels(baseline),
        *_concordance(baseline),
    ]


# mypy cannot know that the schema has been checked; a cast would import typing. The second version
# has every member of the first
def _baseline(document: object) -> BaselineV2:
    return document  # type: ignore[return-value]


def _figures(document: BaselineV2) -> Iterator[Violation]:
    for name, summary in document["features"].items():
        yield from _summary(summary, join_pointer("/features", name))
    for name in SUMMARIES:
        if name in document:
            # a name of the tuple is a member that holds a summary
            yield from _summary(document[name], f"/{name}")  # type: ignore[literal-required]
    for name in document.get("importances", ()):
        if name not in document["features"]:
            yield Violation("/importances", "enum", "names of features")
            return


def _summary(summary: BaselineV1Summary, pointer: str) -> Iterator[Violation]:
    """Find figures that no column has: a mean out of order, a deviation that its extremes exclude.

    Source: P. A. Samuelson, "How Deviant Can You Be?" (1968): no value is further from the mean of
    n than (n - 1) / sqrt(n) sample standard deviations.
    """
    mean, std = summary["mean"], summary["std"]
    low, high = summary["min"], summary["max"]
    if mean is None and std is None and low is None and high is None:
        return
    if mean is None or std is None or low is None or high is None:
        expected = "mean, std, min and max to be numbers, or all of them null"
        yield Violation(pointer, "figures", expected)
        return
    # as floats: JSON writes 3.0 as 3 where a language has one kind of number, and sums of integers
    # have no rounding to allow for
    mean, std = float(mean), float(std)
    low, high = float(low), float(high)
    slack = max(ROUNDING * max(abs(low), abs(high)), SMALLEST)
    if not low - slack <= mean <= high + slack:
        yield Violation(f"{pointer}/mean", "order", "a mean between min and max")
        return
    furthest = max(high - mean, mean - low)
    if not _possible(std, furthest, high - low, summary["count"], slack):
        expected = "a standard deviation that fits count, mean, min and max"
        yield Violation(f"{pointer}/std", "spread", expected)


def _possible(
    std: float,
    furthest: float,
    width: float,
    count: int,
    slack: float,
) -> bool:
    """Return whether a column can have a standard deviation.

    Args:
        std: The sample standard deviation (n - 1).
        furthest: The distance of the mean from the extreme that is further away.
        width: The distance of the extremes.
        count: The number of values.
        slack: What rounding may add to a distance.
    """
    if std > width:
        return False
    # a column as wide as floats has the greatest float as its deviation, or an infinite width
    if width > GREATEST:
        return True
    deviations = (count - 1) / sqrt(count) if count else 0.0
    return furthest <= std * deviations * (1 + ROUNDING) + slack


def _correlation(document: BaselineV2) -> Iterator[Violation]:
    names = document["correlation"]["names"]
    matrix = document["correlation"]["matrix"]
    if not set(names) <= document["features"].keys():
        yield Violation("/correlation/names", "enum", "names of features")
    sizes = {len(matrix), *map(len, matrix)}
    if sizes != {len(names)}:
        yield Violation("/correlation/matrix", "size", "a row and a column for each name")


def _concordance(document: BaselineV2) -> Iterator[Violation]:
    if "concordance" not in document:
        return
    names = document["concordance"]["names"]
    if not set(names) <= document["features"].keys():
        yield Violation("/concordance/names", "enum", "names of features")
    # two counts for each pair, and a pair for each two names
    counts = len(names) * (len(names) - 1)
    if len(document["concordance"]["counts"]) != counts:
        yield Violation("/concordance/counts", "size", f"{counts} counts, two for each pair")


def _channels(document: BaselineV2) -> Iterator[Violation]:
    names: set[str] = set()
    columns = {*document["features"], "prediction"}
    for index, channel in enumerate(document["channels"]):
        pointer = f"/channels/{index}"
        if channel["name"] in names:
            yield Violation(f"{pointer}/name", "unique", "a name that no other channel has")
        names.add(channel["name"])
        if not set(channel["of"]) <= columns:
            yield Violation(f"{pointer}/of", "enum", "names of features, or prediction")
        yield from _bins(channel, pointer)


def _bins(channel: BaselineV2Channel, pointer: str) -> Iterator[Violation]:
    """Find limits out of order, and lists that are not as long as there are bins."""
    kind = channel["kind"]
    member: Literal["values", "edges"] = "values" if kind == "values" else "edges"
    limits = channel.get(member, [])
    if any(low > high for low, high in pairwise(limits)):
        yield Violation(f"{pointer}/{member}", "order", "numbers in ascending order")
    bins = _bin_count(channel, len(limits))
    counts = channel["counts"]
    if len(counts) != bins:
        yield Violation(f"{pointer}/counts", "size", f"{bins} counts, one for each bin")
    if len(channel.get("scores", counts)) != len(counts):
        yield Violation(f"{pointer}/scores", "size", "a score for each count, or none")


def _bin_count(channel: BaselineV2Channel, limits: int) -> int:
    """Return how many bins a channel has, given how many values or edges it lists."""
    kind = channel["kind"]
    if kind == "values":
        return limits
    if kind == "categories":
        return len(channel["categories"])
    if kind in PAIR_KINDS:
        return PAIR
    # edges part the numbers; the first and the last bin are open
    return limits + 1
