"""The baseline as one value: JSON in, JSON out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from drift_contracts import ContractError
from drift_contracts.baseline_rules import broken_baseline, contract_of

from drift_ml.baseline._concordance import (
    CONCORDANCE,
    concordance_channels,
    concordance_to_json,
    paired_names,
)
from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._parts import CalibrationBin, Channel, Summary
from drift_ml.baseline._plan import Plan, compile_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import (
        BaselineV1,
        BaselineV1Summary,
        BaselineV2,
        BaselineV2CalibrationItem,
        BaselineV2Concordance,
        BaselineV2Importance,
    )

    from drift_ml.baseline._parts import Answer


class _OptionalSummaries(TypedDict, total=False):
    """The columns that a baseline.v1 may lack."""

    target: BaselineV1Summary
    prediction: BaselineV1Summary
    error: BaselineV1Summary


class _SecondVersion(TypedDict, total=False):
    """The members that baseline.v2 has beside those of baseline.v1."""

    label: BaselineV1Summary
    margin: BaselineV1Summary
    entropy: BaselineV1Summary
    classes: list[str]
    calibration: list[BaselineV2CalibrationItem]
    importances: dict[str, BaselineV2Importance]
    concordance: BaselineV2Concordance
    tie_rate: float


@dataclass(frozen=True)
class Baseline:
    """The training data in a few kilobytes: figures per column, correlations, frozen histograms."""

    model: str
    #: The sample size: a baseline is an estimate, and what reads it must allow for that.
    rows: int
    features: Mapping[str, Summary]
    target: Summary | None
    #: Of the held-out rows; of a classifier, its scores.
    prediction: Summary | None
    #: Of the held-out rows.
    error: Summary | None
    #: The numeric and boolean features.
    correlation_names: tuple[str, ...]
    #: Between them; None where a column is constant.
    correlation: tuple[tuple[float | None, ...], ...]
    channels: tuple[Channel, ...]
    #: Of the held-out rows of a classifier, as the next two are.
    label: Summary | None = None
    margin: Summary | None = None
    entropy: Summary | None = None
    #: In the model's order; empty for a regressor.
    classes: tuple[str, ...] = ()
    #: On the held-out rows; empty for a regressor.
    calibration: tuple[CalibrationBin, ...] = ()
    #: By feature: how much worse the model is without it; empty where nobody measured.
    importances: Mapping[str, BaselineV2Importance] = field(default_factory=dict)
    #: Share of the pairs of two rows that are equal; None where nobody measured.
    tie_rate: float | None = None

    # Any: a document of either version, which have no common type.
    @classmethod
    def from_json(cls, document: Any) -> Baseline:
        """Return the baseline in a parsed document of either version, all of it checked.

        Raises ContractError with every violation of its contract.
        """
        broken = broken_baseline(document)
        if broken:
            raise ContractError(contract_of(document), broken)
        read = map(CalibrationBin.from_json, document.get("calibration", ()))
        features = document["features"]
        channels = [Channel.from_json(item) for item in document["channels"]]
        if "concordance" in document:
            channels += concordance_channels(**document["concordance"])
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
            channels=tuple(channels),
            label=_summary(document.get("label")),
            margin=_summary(document.get("margin")),
            entropy=_summary(document.get("entropy")),
            classes=tuple(document.get("classes", ())),
            calibration=tuple(filled for filled in read if filled is not None),
            importances=document.get("importances", {}),
            tie_rate=document.get("tie_rate"),
        )

    def to_json(self) -> BaselineV1 | BaselineV2:
        """Return the document: of the first version unless something needs the second.

        Equal baselines give equal text, and `from_json` reads back an equal baseline.
        """
        second = self._second_version()
        first = self._first_version()
        # The first version does not know a channel of sums either.
        if second or any(channel.kind == "sum" for channel in self.channels):
            # Whatever the first version has, the second has too.
            return {**first, "contract": "baseline.v2", **second}  # type: ignore[typeddict-item]
        return first

    def _first_version(self) -> BaselineV1:
        listed = [channel for channel in self.channels if channel.kind != CONCORDANCE]
        # Any: the kinds that only the second version has are in documents of that version alone.
        channels: list[Any] = [channel.to_json() for channel in listed]
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
            "channels": channels,
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

    def _second_version(self) -> _SecondVersion:
        document: _SecondVersion = {}
        if self.label is not None:
            document["label"] = self.label.to_json()
        if self.margin is not None:
            document["margin"] = self.margin.to_json()
        if self.entropy is not None:
            document["entropy"] = self.entropy.to_json()
        if self.classes:
            document["classes"] = list(self.classes)
        if self.calibration:
            document["calibration"] = [filled.to_json() for filled in self.calibration]
        if self.importances:
            document["importances"] = {**self.importances}
        if self.tie_rate is not None:
            document["tie_rate"] = self.tie_rate
        if self.paired:
            document["concordance"] = concordance_to_json(self.channels)
        return document

    @cached_property
    def answers(self) -> Mapping[Answer, Summary]:
        """Return the summaries of the held-out answers that there are, in the channels' order.

        A regressor has its predictions, as `score`.
        """
        summaries: dict[Answer, Summary | None] = {
            "label": self.label,
            "score": self.prediction,
            "margin": self.margin,
            "entropy": self.entropy,
        }
        return {name: summary for name, summary in summaries.items() if summary is not None}

    @cached_property
    def paired(self) -> tuple[str, ...]:
        """Return the features of which all pairs are watched for lying on one side."""
        return paired_names(self.channels)

    def summary_of(self, channel: Channel) -> Summary | None:
        """Return the summary of the column that a channel bins; None where it bins several."""
        if channel.answer is not None:
            return self.answers.get(channel.answer)
        return self.features.get(channel.name)

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
            self.answers,
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
