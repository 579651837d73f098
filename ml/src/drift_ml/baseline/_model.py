"""The baseline as one value: JSON in, JSON out, made from training columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from drift_contracts import ContractError
from drift_contracts.baseline_rules import CONTRACT, broken_baseline

from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._parts import Channel, Summary
from drift_ml.baseline._plan import Plan, compile_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Baseline:
    """The training data in a few kilobytes: figures per column, correlations, and frozen histograms.

    rows: the sample size; a baseline is an estimate, and what reads it must allow for that. correlation:
    of the numeric and boolean features named in correlation_names, None where a column is constant.
    """

    model: str
    rows: int
    features: Mapping[str, Summary]
    target: Summary | None
    prediction: Summary | None
    error: Summary | None
    correlation_names: tuple[str, ...]
    correlation: tuple[tuple[float | None, ...], ...]
    channels: tuple[Channel, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Baseline:
        """Return the baseline in a parsed document, all of it checked.

        Raises ContractError with every violation of baseline.v1.
        """
        broken = broken_baseline(document)
        if broken:
            raise ContractError(CONTRACT, broken)
        return cls(
            model=document["model"],
            rows=document["rows"],
            features={name: Summary.from_json(item) for name, item in document["features"].items()},
            target=_summary(document.get("target")),
            prediction=_summary(document.get("prediction")),
            error=_summary(document.get("error")),
            correlation_names=tuple(document["correlation"]["names"]),
            correlation=tuple(tuple(row) for row in document["correlation"]["matrix"]),
            channels=tuple(Channel.from_json(item) for item in document["channels"]),
        )

    def to_json(self) -> dict[str, Any]:
        """The document; equal baselines give equal text, and `from_json` reads back an equal baseline."""
        document: dict[str, Any] = {"contract": CONTRACT, "model": self.model, "rows": self.rows}
        document["features"] = {name: summary.to_json() for name, summary in self.features.items()}
        for name in ("target", "prediction", "error"):
            summary: Summary | None = getattr(self, name)
            if summary is not None:
                document[name] = summary.to_json()
        document["correlation"] = {
            "names": list(self.correlation_names),
            "matrix": [list(row) for row in self.correlation],
        }
        document["channels"] = [channel.to_json() for channel in self.channels]
        return document

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the document in canonical form: what a window says it was counted against."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def offsets(self) -> Sequence[int]:
        """Where each channel's counts begin when all stand in one list; the end comes last."""
        ends = [0]
        for channel in self.channels:
            ends.append(ends[-1] + len(channel.counts))
        return tuple(ends)

    @cached_property
    def plan(self) -> Plan:
        """The bins compiled for observing events."""
        return compile_plan(self.channels, self.features, self.prediction)

    def channel(self, name: str) -> Channel:
        """The channel of that name. Raises BaselineError with the choices."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        choices = ", ".join(channel.name for channel in self.channels)
        raise BaselineError(f"there is no such channel; there is {choices}")


def _summary(document: Mapping[str, Any] | None) -> Summary | None:
    return None if document is None else Summary.from_json(document)
