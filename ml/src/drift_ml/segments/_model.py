"""Segments as values: JSON in, JSON out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from drift_contracts import ContractError, DriftError, documents, violations

from drift_ml.baseline import Baseline
from drift_ml.segments._guarantee import BudgetShares
from drift_ml.segments._levels import OTHER, Levels, levels_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts.types import SegmentsV1, SegmentsV1Cut, SegmentsV1Segment

CONTRACT: Final = "segments.v1"
#: Training rows that a segment must have to be watched: of fewer the reference is too uncertain to
#: keep the promise on false alarms.
FEWEST_ROWS = 500
#: Hex digits by which stores name a segment.
CODE_DIGITS = 10


class SegmentsError(DriftError, ValueError):
    """Segments of another baseline, or a document that is none of segments.v1."""


@dataclass(frozen=True)
class Segment:
    """One part of the traffic, and what it looked like in training."""

    #: That cuts the traffic.
    feature: str
    #: The level of it: a category, true or false, a bin in words, or `other`.
    value: str
    #: Of training.
    rows: int
    #: The part of all training rows, 0 to 1.
    share: float
    #: Of these rows; None where they are too few, so that the segment is not watched.
    baseline: Baseline | None

    @cached_property
    def code(self) -> str:
        """Return what stores name the segment by; equal names have equal codes."""
        text = f"{self.feature}\0{self.value}"
        return hashlib.sha256(text.encode()).hexdigest()[:CODE_DIGITS]

    def __str__(self) -> str:
        """Return the segment in words, as alerts name it."""
        return f"{self.feature} {self.value}"


@dataclass(frozen=True)
class CutSegments:
    """The segments that one feature cuts the traffic into; every event is in one of them."""

    levels: Levels
    #: In the order of the levels, `other` last.
    segments: tuple[Segment, ...]

    @cached_property
    def _by_value(self) -> Mapping[str, Segment]:
        return {segment.value: segment for segment in self.segments}

    def segment_of(self, features: Mapping[str, object]) -> Segment:
        """Return the segment of an event.

        Args:
            features: By name, as the event shows them.
        """
        return self._by_value[self.levels.level(features.get(self.levels.feature))]


@dataclass(frozen=True)
class Segments:
    """All segments of a model."""

    #: Digest of the baseline of all rows.
    baseline: str
    cuts: tuple[CutSegments, ...]

    def __iter__(self) -> Iterator[Segment]:
        """Yield every segment, watched or not."""
        for cut in self.cuts:
            yield from cut.segments

    @cached_property
    def watched(self) -> tuple[Segment, ...]:
        """Return the segments that have a baseline of their own."""
        return tuple(segment for segment in self if segment.baseline is not None)

    @property
    def shares(self) -> BudgetShares:
        """Return how the whole and its segments share one budget."""
        cutting = {segment.feature for segment in self.watched}
        return BudgetShares(len(cutting))

    def of_event(self, features: Mapping[str, object]) -> list[Segment]:
        """Return the watched segments of an event, at most one of each feature that cuts.

        Args:
            features: By name, as the event shows them.
        """
        segments = [cut.segment_of(features) for cut in self.cuts]
        return [segment for segment in segments if segment.baseline is not None]

    def named(
        self,
        feature: str,
        value: str,
    ) -> Segment:
        """Return the segment of that name. Raises SegmentsError with the choices."""
        for segment in self:
            if (segment.feature, segment.value) == (feature, value):
                return segment
        choices = ", ".join(map(str, self))
        raise SegmentsError(f"there is no such segment; there is {choices}")

    def __str__(self) -> str:
        """Return how many are watched and how many are not, in words."""
        listed = list(self)
        few = sum(segment.baseline is None and segment.rows > 0 for segment in listed)
        names = ", ".join(cut.levels.feature for cut in self.cuts)
        words = f"{len(self.watched)} watched, by {names}"
        if not few:
            return words
        return f"{words}; {few} not, with fewer than {FEWEST_ROWS} training rows"

    def to_json(self) -> SegmentsV1:
        """Return the segments as a document of segments.v1."""
        cuts = [_cut_to_json(cut) for cut in self.cuts]
        return {"contract": CONTRACT, "baseline": self.baseline, "cuts": cuts}

    @classmethod
    # Any: what is stored or in a file is of whoever wrote it.
    def from_json(
        cls,
        document: Any,
        *,
        baseline: str,
    ) -> Segments:
        """Return the segments in a document.

        Args:
            document: Of segments.v1.
            baseline: Digest of the baseline that they must be of.

        Raises:
            SegmentsError: it breaks its contract, or is of another baseline.
        """
        # By the plain validator: an image of the monitor has no other.
        broken = list(violations(documents.schema(CONTRACT), document))
        try:
            if broken:
                raise ContractError(CONTRACT, broken)
            if document["baseline"] != baseline:
                expected = "expected the digest of this model's baseline; train or pack it anew"
                raise SegmentsError(f"{CONTRACT}: const at /baseline: {expected}")
            cuts = tuple([_cut_of(cut) for cut in document["cuts"]])
        except ContractError as error:
            raise SegmentsError(str(error)) from error
        return cls(baseline, cuts)


def _cut_to_json(cut: CutSegments) -> SegmentsV1Cut:
    listed = [_segment_to_json(segment) for segment in cut.segments]
    document: SegmentsV1Cut = {"feature": cut.levels.feature, "segments": listed}
    if cut.levels.cuts:
        document["cuts"] = list(cut.levels.cuts)
    return document


def _segment_to_json(segment: Segment) -> SegmentsV1Segment:
    document: SegmentsV1Segment = {"value": segment.value, "rows": segment.rows}
    if segment.baseline is not None:
        # Any: of either version of the baseline's contract, which this one does not repeat.
        held: Any = segment.baseline.to_json()
        document["baseline"] = held
    return document


# Any: the document of one cut, which the schema has accepted.
def _cut_of(document: Any) -> CutSegments:
    feature, cuts = document["feature"], tuple(document.get("cuts", ()))
    total = sum(item["rows"] for item in document["segments"]) or 1
    segments = []
    for item in document["segments"]:
        held = Baseline.from_json(item["baseline"]) if "baseline" in item else None
        share = item["rows"] / total
        segments.append(Segment(feature, item["value"], item["rows"], share, held))
    names = [segment.value for segment in segments if segment.value != OTHER]
    if cuts:
        return CutSegments(levels_of(feature, cuts=cuts), tuple(segments))
    return CutSegments(Levels(feature, (), tuple(names)), tuple(segments))
