"""A window of traffic: integer counts per frozen bin and integer moments, so that adding is exact."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from drift_ml.baseline import PREDICTION, Baseline
from drift_ml.window._errors import WindowError
from drift_ml.window._moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from drift_ml.baseline import Plan

CONTRACT = "window.state.v1"


@dataclass(eq=False)
class Window:
    """Fixed-size state of any number of events against one baseline.

    `a + b` equals having observed both, exactly: associative, commutative, with `Window.empty(baseline)`
    as its zero. counts: one flat list over all channels (`baseline.offsets` says where each begins), and
    one last count for what is in no bin. first_ms, last_ms: of the events' timestamps, in milliseconds of
    Unix time.
    """

    baseline: Baseline
    model_version: str | None
    events: int
    first_ms: int | None
    last_ms: int | None
    counts: list[int]
    moments: list[Moments]

    @classmethod
    def empty(cls, baseline: Baseline, model_version: str | None = None) -> Window:
        """A window that has seen nothing."""
        plan = baseline.plan
        return cls(
            baseline,
            model_version,
            0,
            None,
            None,
            [0] * (plan.size + 1),
            [Moments() for _ in plan.sources],
        )

    def observe(
        self,
        features: Mapping[str, Any],
        prediction: float | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """Count one event, in plain Python.

        features: by name, as the event shows them; an absent, null or NaN feature is missing. Raises
        WindowError, with the window unchanged, if a value is not of its feature's type.
        """
        plan, counts, moments = self.baseline.plan, self.counts, self.moments
        codes, deviations = zip(*_read(plan, features, prediction), strict=True)
        bins = []
        for place, source in enumerate(plan.sources):
            code = codes[place]
            for position in source.positions[code]:
                counts[position] += 1
            bins.append(source.bins[code])
            if code != source.missing:
                moments[place].add(1, deviations[place], deviations[place] ** 2)
        for pair in plan.pairs:
            counts[pair.table[bins[pair.first] * pair.width + bins[pair.second]]] += 1
        if plan.summed:
            total = sum([plan.sources[place].squares[codes[place]] for place in plan.summed])
            counts[plan.sum_offset + bisect_left(plan.sum_edges, total)] += 1
        self._seen(1, timestamp_ms, timestamp_ms)

    def observe_rows(
        self,
        columns: Mapping[str, npt.ArrayLike],
        predictions: npt.ArrayLike | None = None,
        timestamps_ms: npt.ArrayLike | None = None,
    ) -> None:
        """Count many events at once; the same as `observe` row by row. Needs numpy.

        columns: per feature a vector of shape (rows,), as `fit_baseline` takes them; an absent
        column is missing in every row. predictions, timestamps_ms: shape (rows,). Raises WindowError, with
        the window unchanged, if lengths differ or numbers are none.
        """
        from drift_ml.window._rows import count_rows  # noqa: PLC0415 - single events must not need numpy

        found = count_rows(self.baseline, columns, predictions, timestamps_ms)
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, found.counts, strict=True)]
        for mine, theirs in zip(self.moments, found.moments, strict=True):
            mine.add(theirs.count, theirs.total, theirs.squares)
        self._seen(found.rows, found.first_ms, found.last_ms)

    def __add__(self, other: Window) -> Window:
        """The window that has seen both. Raises WindowError unless both are of one baseline and version."""
        if self.baseline.digest != other.baseline.digest:
            raise WindowError(
                "windows add only if they were counted against the same baseline; these are of"
                f" {self.baseline.digest[:12]} and {other.baseline.digest[:12]}"
            )
        if self.model_version != other.model_version:
            raise WindowError(
                "windows add only if they are of the same model version; these are of"
                f" {self.model_version} and {other.model_version}"
            )
        total = Window.empty(self.baseline, self.model_version)
        for part in (self, other):
            total.counts = [mine + theirs for mine, theirs in zip(total.counts, part.counts, strict=True)]
            for mine, theirs in zip(total.moments, part.moments, strict=True):
                mine.add(theirs.count, theirs.total, theirs.squares)
            total._seen(part.events, part.first_ms, part.last_ms)
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment] # a value that changes has no hash

    def channel_counts(self) -> dict[str, list[int]]:
        """Per channel, by name, the events in each bin."""
        offsets = self.baseline.offsets
        return {
            channel.name: self.counts[start:end]
            for channel, (start, end) in zip(self.baseline.channels, pairwise(offsets), strict=True)
        }

    def to_json(self) -> dict[str, Any]:
        """The state as a document under window.state.v1."""
        return {
            "contract": CONTRACT,
            "model": self.baseline.model,
            "model_version": self.model_version,
            "baseline": self.baseline.digest,
            "events": self.events,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "moments": {
                source.name: [moments.count, moments.total, moments.squares]
                for source, moments in zip(self.baseline.plan.sources, self.moments, strict=True)
            },
            "counts": self.channel_counts(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], baseline: Baseline) -> Window:
        """The window in a document under window.state.v1. Raises WindowError if it is of another baseline."""
        if document.get("contract") != CONTRACT:
            raise WindowError(f"{CONTRACT}: const at /contract: expected {CONTRACT!r}")
        if document.get("baseline") != baseline.digest:
            raise WindowError(f"{CONTRACT}: at /baseline: expected {baseline.digest[:12]}, the given baseline's")
        window = cls.empty(baseline, document.get("model_version"))
        try:
            counts = [document["counts"][channel.name] for channel in baseline.channels]
            moments = [Moments(*document["moments"][source.name]) for source in baseline.plan.sources]
            window._seen(document["events"], document["first_ms"], document["last_ms"])
        except (KeyError, TypeError) as error:
            raise WindowError(f"{CONTRACT}: not of the shape that the contract gives") from error
        if [len(bins) for bins in counts] != [len(channel.counts) for channel in baseline.channels]:
            raise WindowError(f"{CONTRACT}: at /counts: expected as many bins per channel as the baseline has")
        window.counts = [*chain.from_iterable(counts), 0]
        window.moments = moments
        return window

    def _seen(self, events: int, first_ms: int | None, last_ms: int | None) -> None:
        self.events += events
        if first_ms is not None:
            self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)
        if last_ms is not None:
            self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)


def _read(plan: Plan, features: Mapping[str, Any], prediction: float | None) -> list[tuple[int, int]]:
    """Each source's code and deviation; all are read before anything is counted."""
    found = []
    for source in plan.sources:
        value = prediction if source.name == PREDICTION else features.get(source.name)
        try:
            code = source.code(value)
            found.append((code, source.deviation(value) if source.scale and code != source.missing else 0))
        except (TypeError, ValueError, OverflowError) as error:
            where = source.name if source.name == PREDICTION else f"features/{source.name}"
            raise WindowError(f"type at /{where}: expected a value of the feature's type") from error
    return found
