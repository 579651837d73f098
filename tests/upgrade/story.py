"""The traffic of a saved state: three days before it is saved, and what comes afterwards.

`make_states` plays it and keeps every request; tests play the kept requests again, so that nothing
which draws random rows here has to stay as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_ml.training.sources import find_source

from tests.upgrade.saved import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_engine.bundle import Bundle

HOUSES, PATIENTS = "house-price", "diabetes"
MODELS = (HOUSES, PATIENTS)
#: Requests a minute and model.
RATE = 16
MINUTE = 60
DAY = 86_400
#: Monday, 2026-11-23, 10:00 UTC, in seconds since 1970.
BEGIN = 1_795_428_000
#: The feature that drifts when a model's traffic does.
MOVED = {HOUSES: "sqft", PATIENTS: "bmi"}


@dataclass(frozen=True)
class Stretch:
    """Minutes of even traffic.

    day: days after BEGIN. minutes: how many. houses, patients: how far the moved feature of each
    model lies from ordinary, in standard deviations.
    """

    day: int
    minutes: int
    houses: float = 0.0
    patients: float = 0.0


#: Houses drift on the second day and recover. On the third, patients drift, and houses begin to.
BEFORE = (
    Stretch(0, 6),
    Stretch(1, 4),
    Stretch(1, 5, houses=1.5),
    Stretch(1, 20),
    Stretch(2, 4),
    Stretch(2, 4, patients=1.5),
    Stretch(2, 2, patients=1.5, houses=0.6),
)
#: The houses' drift is proven, then both end.
AFTER = (Stretch(2, 5, patients=1.5, houses=0.6), Stretch(2, 30))


class Traffic:
    """Draws requests from each model's training rows, moved as a stretch says."""

    def __init__(self, bundles: Mapping[str, Bundle]) -> None:
        self._bundles = bundles
        self._random = np.random.default_rng(20_261_123)
        self._rows = {name: _rows(bundle) for name, bundle in bundles.items()}

    def minutes(
        self, stretches: tuple[Stretch, ...], *, after: int = BEGIN
    ) -> Iterator[list[Request]]:
        """Yield the requests of each minute, in the order of time.

        after: the stretches of a day that has begun go on from there, in seconds since 1970.
        """
        start = after
        for stretch in stretches:
            start = max(start, BEGIN + stretch.day * DAY)
            for _ in range(stretch.minutes):
                yield self._minute(start, stretch)
                start += MINUTE

    def _minute(self, start: int, stretch: Stretch) -> list[Request]:
        requests = []
        for index in range(RATE):
            at = start + index * MINUTE / RATE
            requests.append(self._request(at, HOUSES, stretch.houses))
            requests.append(self._request(at + 1, PATIENTS, stretch.patients))
        return requests

    def _request(self, at: float, model: str, shift: float) -> Request:
        bundle, rows = self._bundles[model], self._rows[model]
        features = dict(rows[int(self._random.integers(len(rows)))])
        name = MOVED[model]
        moved = features[name] + shift * bundle.baseline["features"][name]["std"]
        features[name] = type(features[name])(moved)
        return Request(at, model, features)


def _rows(bundle: Bundle) -> list[dict[str, Any]]:
    """Return rows as the model was trained on, each value of the feature's own type."""
    features = bundle.feature_set
    table = find_source(features.name, None)(features, 4_000, 8)
    kinds = {
        feature.name: int if feature.type == "integer" else float for feature in features.features
    }
    columns = {name: [kind(value) for value in table.columns[name]] for name, kind in kinds.items()}
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
