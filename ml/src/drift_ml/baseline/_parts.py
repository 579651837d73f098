"""The parts of a baseline as frozen values, each with its JSON form."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import (
    TYPE_CHECKING,
    Literal,
    TypedDict,
)

from drift_engine.scale import usable_std

from drift_ml.figures import plain_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.types import (
        BaselineV1Summary,
        BaselineV2CalibrationItem,
        BaselineV2Channel,
    )

    ChannelKind = Literal[
        "values",
        "quantiles",
        "categories",
        "missing",
        "out_of_range",
        "new",
        "product",
        "sum_of_squares",
        "sum",
        "concordance",
    ]
    ColumnType = Literal["number", "integer", "boolean", "category"]

#: The name of the channel of predictions; no feature may have it.
PREDICTION = "prediction"

#: What a classifier's answer is counted by, in the order of the channels: its class, the number
#: that `prediction` is, how far the best class is ahead of the second, and how undecided it is.
Answer = Literal["label", "score", "margin", "entropy"]
ANSWERS: tuple[Answer, ...] = ("label", "score", "margin", "entropy")
#: Stands before such a name where a feature has it already.
ANSWER_PREFIX = "answer:"

#: Channels of one column that say whether something is so.
INDICATORS = frozenset({"missing", "out_of_range", "new"})

#: Channels whose bins lie between edges.
EDGED = frozenset({"quantiles", "product", "sum_of_squares", "sum"})

#: From here on not every integer is a float.
EXACT_INTEGERS = 2.0**53


class BinsDocument(TypedDict):
    """A histogram as baseline.v1 shows it."""

    edges: list[float]
    counts: list[int]


class _BinMembers(TypedDict, total=False):
    """What a channel of baseline.v1 says of its bins."""

    edges: list[float]
    values: list[float]
    categories: list[str | bool]
    bounds: list[float]
    #: Comes last in a document.
    scores: list[int]


@dataclass(frozen=True)
class Bins:
    """A histogram on frozen edges: bin k holds values above edges[k-1] and not above edges[k]."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def to_json(self) -> BinsDocument:
        """Return the members `edges` and `counts`."""
        return {"edges": numbers(self.edges), "counts": list(self.counts)}


@dataclass(frozen=True)
class Summary:
    """One column in figures; there is no mean, std, min or max of a category or of no value."""

    type: ColumnType
    #: Values that are there.
    count: int
    #: Values that are missing.
    missing: int
    mean: float | None = None
    #: Sample standard deviation (n - 1 in the denominator); 0 for a single value, and for one so
    #: small that it counts as none (`drift_engine.scale`).
    std: float | None = None
    min: float | None = None
    max: float | None = None
    #: Of the target and the error, which have no channel.
    bins: Bins | None = None

    @property
    def usable_std(self) -> float:
        """Return the standard deviation to divide by, 0.0 where the column counts as constant.

        Baselines that were fitted before there was a floor hold a std of some 1e-17 there.
        """
        return usable_std(
            self.std,
            self.min,
            self.max,
        )

    def to_json(self) -> BaselineV1Summary:
        """Return the summary as baseline.v1 shows it."""
        document: BaselineV1Summary = {
            "type": self.type,
            "count": self.count,
            "missing": self.missing,
            "mean": number(self.mean),
            "std": number(self.std),
            "min": number(self.min),
            "max": number(self.max),
        }
        if self.bins is not None:
            histogram = self.bins.to_json()
            document["edges"] = histogram["edges"]
            document["counts"] = histogram["counts"]
        return document

    @classmethod
    def from_json(cls, document: BaselineV1Summary) -> Summary:
        """Return the summary in a document."""
        bins = None
        if "edges" in document:
            bins = Bins(tuple(map(float, document["edges"])), tuple(document["counts"]))
        return cls(
            type=document["type"],
            count=document["count"],
            missing=document["missing"],
            mean=_float(document["mean"]),
            std=_float(document["std"]),
            min=_float(document["min"]),
            max=_float(document["max"]),
            bins=bins,
        )


@dataclass(frozen=True)
class CalibrationBin:
    """The held-out rows whose probability lies in one interval."""

    #: Ends of the interval; `high` belongs to it, and to the first bin `low` too.
    low: float
    high: float
    #: Rows, at least 1.
    count: int
    #: Mean of their probabilities.
    predicted: float
    #: The share of them that it was true of, with its 95 % interval (Wilson 1927).
    observed: float
    observed_low: float
    observed_high: float

    def to_json(self) -> BaselineV2CalibrationItem:
        """Return the bin as `calibration` of baseline.v2 and bundle.manifest.v2 lists it."""
        return {
            "low": self.low,
            "high": self.high,
            "count": self.count,
            "predicted": self.predicted,
            "observed": self.observed,
            "observed_low": self.observed_low,
            "observed_high": self.observed_high,
        }

    @classmethod
    def from_json(cls, document: BaselineV2CalibrationItem) -> CalibrationBin | None:
        """Return the bin in a document, None for one without a row."""
        predicted, observed = document["predicted"], document["observed"]
        low, high = document["observed_low"], document["observed_high"]
        if predicted is None or observed is None or low is None or high is None:
            return None
        return cls(
            low=document["low"],
            high=document["high"],
            count=document["count"],
            predicted=predicted,
            observed=observed,
            observed_low=low,
            observed_high=high,
        )


@dataclass(frozen=True)
class Channel:
    """One frozen histogram of the reference, and all that it takes to find the bin of a new event.

    The kind says what is binned:

    - `values`: a number with few distinct values; bin k is the smallest of `values` that is not
      below it (the last bin also takes everything above).
    - `quantiles`: a number, `edges` between equally filled bins.
    - `categories`: bin k is `categories[k]`; any other value is in no bin.
    - `missing`, `out_of_range` (of `bounds`, inclusive), `new` (a value or category that the
      reference does not have): bin 1 if it is so, else bin 0.
    - `product`: the product of two features' scores, in thousandths rounded down; rows with either
      missing are in no bin.
    - `sum_of_squares`: the sum over features of the squared scores, each in thousandths rounded
      down; a missing one counts as its expectation, 1000.
    - `sum`: the sum over features of the scores, in thousandths; a missing one counts as 0.
    - `concordance`: bin 1 if the scores of two features lie on one side of 0, else bin 0; rows
      with either missing are in no bin.
    """

    name: str
    kind: ChannelKind
    #: The features, or the prediction.
    of: tuple[str, ...]
    #: Reference rows per bin. For `new`, and for `out_of_range` where the bounds are the data's,
    #: bin 1 is empty by construction; its count is then what as many fresh rows are expected to
    #: show (the number of values seen once: Good 1953).
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    categories: tuple[str | bool, ...] = ()
    bounds: tuple[float, float] | None = None
    #: Per bin, in thousandths, standardised under the counts: normal scores for `values`,
    #: `quantiles` and booleans, means for `product` and `sum_of_squares`.
    scores: tuple[int, ...] = ()

    @property
    def answer(self) -> Answer | None:
        """Return what of the answer is binned, None where features are; a prediction is a score.

        >>> Channel("margin", "quantiles", ("prediction",), (5, 5), edges=(0.5,)).answer
        'margin'
        """
        if self.of != (PREDICTION,):
            return None
        name = self.name.removeprefix(ANSWER_PREFIX)
        return next((answer for answer in ANSWERS if answer == name), "score")

    @property
    def source(self) -> str | None:
        """Return the column that the bins are of, None where they are of several."""
        if self.answer is not None:
            return self.name
        return self.of[0] if len(self.of) == 1 else None

    @property
    def ordered(self) -> bool:
        """Return whether the bins stand in the order of what they hold."""
        return self.kind in ("values", *EDGED)

    @property
    def cuts(self) -> tuple[float, ...]:
        """Return the upper ends of all bins but the last, for an ordered channel."""
        return self.values[:-1] if self.kind == "values" else self.edges

    @cached_property
    def codes(self) -> Mapping[object, int]:
        """Return the bin of each category: there may be 10,000 to look through."""
        return {category: code for code, category in enumerate(self.categories)}

    def bin(self, value: float) -> int:
        """Return the bin of a number in an ordered channel.

        >>> Channel("rooms", "values", ("rooms",), (5, 5), values=(1.0, 2.0)).bin(2)
        1
        """
        return bisect_left(self.cuts, value)

    @property
    def labels(self) -> list[str]:
        """Return a short text per bin, for tables and plots.

        >>> Channel("sqft", "quantiles", ("sqft",), (5, 5, 5), edges=(1500.0, 2000.0)).labels
        ['<= 1500', '1500 to 2000', '> 2000']
        """
        if self.kind == "values":
            return [plain_label(value) for value in self.values]
        if self.kind == "categories":
            return [_category_label(category) for category in self.categories]
        if self.kind in INDICATORS:
            return ["no", "yes"]
        if self.kind == "concordance":
            return ["apart", "together"]
        ends = [plain_label(edge) for edge in self.edges]
        if not ends:
            return ["all"]
        inner = [f"{low} to {high}" for low, high in pairwise(ends)]
        return [f"<= {ends[0]}", *inner, f"> {ends[-1]}"]

    def to_json(self) -> BaselineV2Channel:
        """Return the channel as baselines show it, without members that its kind has not."""
        # The order of members is that of every baseline so far: equal baselines have equal text.
        document: BaselineV2Channel = {
            "name": self.name,
            # Pairs that lie on one side are shown all at once (`_concordance`).
            "kind": self.kind,  # type: ignore[typeddict-item]
            "of": list(self.of),
            **self._bins_to_json(),
            "counts": list(self.counts),
        }
        if self.scores:
            document["scores"] = list(self.scores)
        return document

    def _bins_to_json(self) -> _BinMembers:
        document: _BinMembers = {}
        if self.kind in EDGED:
            document["edges"] = numbers(self.edges)
        if self.kind == "values":
            document["values"] = numbers(self.values)
        if self.kind == "categories":
            document["categories"] = list(self.categories)
        if self.bounds is not None:
            document["bounds"] = numbers(self.bounds)
        return document

    @classmethod
    def from_json(cls, document: BaselineV2Channel) -> Channel:
        """Return the channel in a document."""
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


def _category_label(category: str | bool) -> str:
    return str(category).lower() if isinstance(category, bool) else category


def _shortest(value: float) -> float:
    is_whole = abs(value) < EXACT_INTEGERS and float(value).is_integer()
    return int(value) if is_whole else float(value)


def number(value: float | None) -> float | None:
    """Return a number in its shortest JSON form: whole ones without a fraction.

    >>> number(2.0), number(0.5), number(None)
    (2, 0.5, None)
    """
    return None if value is None else _shortest(value)


def numbers(values: tuple[float, ...]) -> list[float]:
    """Return each of the numbers in its shortest JSON form."""
    return [_shortest(value) for value in values]


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
