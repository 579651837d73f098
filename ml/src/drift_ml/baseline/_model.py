"""The baseline as one value: JSON in, JSON out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from drift_contracts import ContractError
from drift_contracts.baseline_rules import CONTRACT, broken_baseline

from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._parts import Channel, Summary
from drift_ml.baseline._plan import Plan, compile_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import (
        BaselineV1,
        BaselineV1Summary,
    )


class _OptionalSummaries(TypedDict, total=False):
    """The columns that a baseline.v1 may lack."""

    target: BaselineV1Summary
    prediction: BaselineV1Summary
    error: BaselineV1Summary


@dataclass(frozen=True)
class Baseline:
    """The training data in a few kilobytes: figures per column, correlations, frozen histograms."""

    model: str
    #: The sample size: a baseline is an estimate, and what reads it must allow for that.
    rows: int
    features: Mapping[str, Summary]
    target: Summary | None
    #: Of the held-out rows.
    prediction: Summary | None
    #: Of the held-out rows.
    error: Summary | None
    #: The numeric and boolean features.
    correlation_names: tuple[str, ...]
    #: Between them; None where a column is constant.
    correlation: tuple[tuple[float | None, ...], ...]
    channels: tuple[Channel, ...]

    @classmethod
    def from_json(cls, document: BaselineV1) -> Baseline:
        """Return the baseline in a parsed document, all of it checked.

        Raises ContractError with every violation of baseline.v1.
        """
        broken = broken_baseline(document)
        if broken:
            raise ContractError(CONTRACT, broken)
        features = document["features"]
        matrix = document["correlation"]["matrix"]
        return cls(
            model=document["model"],
            rows=document["rows"],
            features={name: Summary.from_json(item) for name, item in features.items()},
            target=_summary(document.get("target")),
            prediction=_summary(document.get("prediction")),
            error=_summary(document.get("error")),
            correlation_names=tuple(document["correlation"]["names"]),
            correlation=tuple(tuple(row) for row in matrix),
            channels=tuple(Channel.from_json(item) for item in document["channels"]),
        )

    def to_json(self) -> BaselineV1:
        """Return the document.

        Equal baselines give equal text, and `from_json` reads back an equal baseline.
        """
        return {
            "contract": "baseline.v1",
            "model": self.model,
            "rows": self.rows,
            "features": {name: summary.to_json() for name, summary in self.features.items()},
            **self._optional_to_json(),
            "correlation": {
                "names": list(self.correlation_names),
                "matrix": [list(row) for row in self.correlation],
            },
            "channels": [channel.to_json() for channel in self.channels],
        }

    def _optional_to_json(self) -> _OptionalSummaries:
        document: _OptionalSummaries = {}
        if self.target is not None:
            document["target"] = self.target.to_json()
        if self.prediction is not None:
            document["prediction"] = self.prediction.to_json()
        if self.error is not None:
            document["error"] = self.error.to_json()
        return document

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the document in canonical form, by which windows name their baseline."""
        text = json.dumps(
            self.to_json(),
            sort_keys=True,
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def offsets(self) -> Sequence[int]:
        """Offsets of each channel's counts in one list of all counts; the end comes last."""
        ends = [0]
        for channel in self.channels:
            ends.append(ends[-1] + len(channel.counts))
        return tuple(ends)

    @cached_property
    def plan(self) -> Plan:
        """Bins compiled for observing events."""
        return compile_plan(
            self.channels,
            self.features,
            self.prediction,
        )

    def channel(self, name: str) -> Channel:
        """Return the channel of that name. Raises BaselineError with the choices."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        choices = ", ".join(channel.name for channel in self.channels)
        raise BaselineError(f"there is no such channel; there is {choices}")


def _summary(document: BaselineV1Summary | None) -> Summary | None:
    return None if document is None else Summary.from_json(document)
