"""The parts of a baseline as frozen values, each with its JSON form."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from drift_engine.scale import usable_std

if TYPE_CHECKING:
    from collections.abc import Mapping

PREDICTION = "prediction"
"""The name of the channel of predictions; no feature may take it."""

EXACT_INTEGERS = 2.0**53


@dataclass(frozen=True)
class Bins:
    """A histogram on frozen edges: bin k holds the values above edges[k-1] and not above edges[k]."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The members `edges` and `counts`."""
        return {"edges": numbers(self.edges), "counts": list(self.counts)}


@dataclass(frozen=True)
class Summary:
    """One column in figures: how many values, how many missing, and moments where there are numbers.

    std is the sample standard deviation (n - 1 in the denominator), 0 for a single value and for a
    spread that counts as none (`drift_engine.scale`).
    mean, std, min and max are None for a category and for a column without a value. bins is given for
    the target and the error, which have no channel of their own.
    """

    type: str
    count: int
    missing: int
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    bins: Bins | None = None

    @property
    def usable_std(self) -> float:
        """Return the standard deviation to divide by, 0.0 where the column counts as constant.

        Baselines that were fitted before there was a floor hold a std of some 1e-17 there.
        """
        return usable_std(self.std, self.min, self.max)

    def to_json(self) -> dict[str, Any]:
        """The summary as baseline.v1 shows it."""
        facts = {name: number(getattr(self, name)) for name in ("mean", "std", "min", "max")}
        counted: dict[str, Any] = {"type": self.type, "count": self.count, "missing": self.missing}
        return counted | facts | (self.bins.to_json() if self.bins else {})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Summary:
        """The summary in a document."""
        facts = {name: _float(document[name]) for name in ("mean", "std", "min", "max")}
        bins = None
        if "edges" in document:
            bins = Bins(tuple(map(float, document["edges"])), tuple(document["counts"]))
        return cls(document["type"], document["count"], document["missing"], **facts, bins=bins)


@dataclass(frozen=True)
class Channel:
    """One frozen histogram of the reference, and all that is needed to find the bin of a new event.

    kind says what is binned (`of` names the features, or the prediction):

    - `values`: a number with few distinct values; bin k is the smallest of `values` that is not below it
      (the last bin also takes everything above).
    - `quantiles`: a number, `edges` between equally filled bins.
    - `categories`: bin k is `categories[k]`; any other value is in no bin.
    - `missing`, `out_of_range` (of `bounds`, inclusive), `new` (a value or category that the reference
      does not have): bin 1 if it is so, else bin 0.
    - `product`: the product of two features' scores, in thousandths rounded down; rows with either missing
      are in no bin.
    - `sum_of_squares`: the sum over features of the squared scores, each in thousandths rounded down; a
      missing one counts as its expectation, 1000.

    counts: reference rows per bin. For `new`, and for `out_of_range` where the bounds are the data's own,
    bin 1 is empty by construction; its count is then what as many fresh rows are expected to show (the
    number of values seen once: Good 1953). scores: per bin, in thousandths, standardised under the counts:
    normal scores for `values` and `quantiles` and booleans, means for `product` and `sum_of_squares`.
    """

    name: str
    kind: str
    of: tuple[str, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    categories: tuple[str | bool, ...] = ()
    bounds: tuple[float, float] | None = None
    scores: tuple[int, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether the bins stand in the order of what they hold."""
        return self.kind in ("values", "quantiles", "product", "sum_of_squares")

    @property
    def cuts(self) -> tuple[float, ...]:
        """The upper ends of all bins but the last, for an ordered channel."""
        return self.values[:-1] if self.kind == "values" else self.edges

    def bin(self, value: float) -> int:
        """The bin of a number in an ordered channel.

        >>> Channel("rooms", "values", ("rooms",), (5, 5), values=(1.0, 2.0)).bin(2)
        1
        """
        return bisect_left(self.cuts, value)

    @property
    def labels(self) -> list[str]:
        """A short text per bin, for tables and plots.

        >>> Channel("sqft", "quantiles", ("sqft",), (5, 5, 5), edges=(1500.0, 2000.0)).labels
        ['<= 1500', '1500 to 2000', '> 2000']
        """
        if self.kind == "values":
            return [f"{value:.6g}" for value in self.values]
        if self.kind == "categories":
            return [str(category).lower() if isinstance(category, bool) else category for category in self.categories]
        if self.kind in ("missing", "out_of_range", "new"):
            return ["no", "yes"]
        ends = [f"{edge:.6g}" for edge in self.edges]
        if not ends:
            return ["all"]
        inner = [f"{low} to {high}" for low, high in pairwise(ends)]
        return [f"<= {ends[0]}", *inner, f"> {ends[-1]}"]

    def to_json(self) -> dict[str, Any]:
        """The channel as baseline.v1 shows it; members that its kind does not have are left out."""
        document: dict[str, Any] = {"name": self.name, "kind": self.kind, "of": list(self.of)}
        if self.kind in ("quantiles", "product", "sum_of_squares"):
            document["edges"] = numbers(self.edges)
        if self.kind == "values":
            document["values"] = numbers(self.values)
        if self.kind == "categories":
            document["categories"] = list(self.categories)
        if self.bounds is not None:
            document["bounds"] = numbers(self.bounds)
        document["counts"] = list(self.counts)
        if self.scores:
            document["scores"] = list(self.scores)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Channel:
        """The channel in a document."""
        bounds = document.get("bounds")
        return cls(
            name=document["name"],
            kind=document["kind"],
            of=tuple(document["of"]),
            counts=tuple(document["counts"]),
            edges=tuple(map(float, document.get("edges", ()))),
            values=tuple(map(float, document.get("values", ()))),
            categories=tuple(document.get("categories", ())),
            bounds=None if bounds is None else (float(bounds[0]), float(bounds[1])),
            scores=tuple(document.get("scores", ())),
        )


def number(value: float | None) -> float | int | None:
    """A number in its shortest JSON form: whole ones without a fraction.

    >>> number(2.0), number(0.5), number(None)
    (2, 0.5, None)
    """
    if value is None:
        return None
    whole = abs(value) < EXACT_INTEGERS and float(value).is_integer()
    return int(value) if whole else float(value)


def numbers(values: tuple[float, ...]) -> list[float | int | None]:
    """Each of the numbers in its shortest JSON form."""
    return [number(value) for value in values]


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
