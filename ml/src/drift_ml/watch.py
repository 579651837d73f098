"""Drift in five lines: compare a data frame with the training data, or watch a stream in a loop."""

from __future__ import annotations

from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Protocol,
    TypedDict,
)

import numpy as np
from drift_engine.bundle import load_bundle

from drift_ml.answers import undecided
from drift_ml.baseline import Baseline
from drift_ml.evidence import (
    Budget,
    MixtureDetector,
    Settings,
    observe_window,
)
from drift_ml.report import window_report
from drift_ml.window import Window, WindowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from drift_contracts.types import (
        DetectorStateV1Mixture,
        DetectorStateV2,
        WindowReportV1,
        WindowStateV1,
        WindowStateV2,
    )

    from drift_ml.evidence import DriftFinding

BATCH = 20
DAYS = 30.0
EVENTS_PER_DAY = 10_000.0


class WatchState(TypedDict):
    """What a watch keeps as JSON, to go on as if never interrupted."""

    detector: DetectorStateV1Mixture | DetectorStateV2
    window: WindowStateV1 | WindowStateV2
    batch: int


class Frame(Protocol):
    """Columns by name: a data frame of pandas or polars, a table of Arrow, or a mapping."""

    def __getitem__(self, name: str, /) -> npt.ArrayLike:
        """Return a column. Raises KeyError, or the library's error, where it is not there."""


def baseline_of(source: Baseline | Path | str) -> Baseline:
    """Return a baseline, read from a bundle's folder where it is not one already.

    Raises:
        DriftError: the folder is no bundle, or its files are not those that were packed.
    """
    if isinstance(source, Baseline):
        return source
    return Baseline.from_json(load_bundle(Path(source)).baseline)


def compare(
    source: Baseline | Path | str,
    frame: Frame,
    *,
    predictions: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    probabilities: npt.ArrayLike | None = None,
) -> WindowReportV1:
    """Return how rows differ from the training data, as a document under window.report.v1.

    Args:
        source: a baseline, or the folder of a bundle.
        frame: a column for each feature of the model, all of one length.
        predictions: what the model answered for the rows, shape (rows,); of a classifier the
            number beside the label.
        labels: the classes that a classifier answered, shape (rows,).
        probabilities: of its classes, in their order, shape (rows, classes).

    Raises:
        WindowError: a feature's column is absent, or holds what the feature cannot be.
        ValueError: the probabilities are of another shape.

    >>> import numpy as np
    >>> from drift_contracts import feature_set
    >>> from drift_ml.baseline.fit import fit_baseline
    >>> houses = feature_set("house-price")
    >>> rows = {name: np.arange(1.0, 501.0) for name in houses.names}
    >>> baseline = fit_baseline(houses, rows)
    >>> compare(baseline, rows)["verdict"]["level"]
    'none'
    >>> compare(baseline, rows | {"age": rows["age"] + 250})["verdict"]["level"]
    'large'
    """
    baseline = baseline_of(source)
    columns = {name: _column(frame, name) for name in baseline.features}
    doubt = None if probabilities is None else undecided(probabilities)
    window = Window.empty(baseline)
    window.observe_rows(
        columns,
        predictions,
        labels=labels,
        margins=None if doubt is None else doubt.margins,
        entropies=None if doubt is None else doubt.entropies,
    )
    return window_report(baseline, window)


def _column(
    frame: Frame,
    name: str,
) -> npt.NDArray[Any]:
    """Return a column as a vector in which missing values are None or NaN."""
    try:
        column: Any = frame[name]
    except Exception as error:
        # Each library has an error of its own for a name that is not there.
        raise WindowError(f"expected a column {name!r}, a feature of the model") from error
    if not hasattr(column, "isna"):
        return np.asarray(column)
    # pandas marks missing values in four ways; one of them answers no comparison.
    values: npt.NDArray[Any] = np.array(column, dtype=object)
    values[np.asarray(column.isna())] = None
    return values


class DriftWatch:
    """Watches events one by one, and says when their distribution differs from the training data's.

    >>> import numpy as np
    >>> from drift_contracts import FeatureSet
    >>> from drift_ml.baseline.fit import fit_baseline
    >>> feature = {"name": "x", "type": "number", "unit": "m", "example": 0}
    >>> feature["description"] = "A length."
    >>> target = {"name": "y", "unit": "m", "description": "Another."}
    >>> head = {"contract": "feature-set.v1", "name": "line", "version": "1.0.0"}
    >>> head["description"] = "One feature."
    >>> features = FeatureSet.from_json({**head, "target": target, "features": [feature]})
    >>> baseline = fit_baseline(features, {"x": np.linspace(-2, 2, 1000)})
    >>> watch = DriftWatch(baseline, Budget(10_000))
    >>> raised = [watch.observe({"x": 1.9}) for _ in range(60)]
    >>> raised.count(True), watch.alarm.channel
    (1, 'x')
    """

    def __init__(
        self,
        baseline: Baseline,
        budget: Budget | None = None,
        *,
        batch: int = BATCH,
        repeats: bool = False,
    ) -> None:
        """Begin with no evidence.

        Args:
            baseline: of the training data.
            budget: how often the watch may be wrong; one false alarm in 300,000 events by default.
            batch: after so many events evidence is added up; an alarm waits for its end.
            repeats: whether events whose rows or sessions repeat count for less, as in a service
                whose callers send a request again.
        """
        if batch < 1:
            raise WindowError("batch: expected at least 1 event")
        self._baseline = baseline
        self._batch = batch
        chosen = budget or Budget.per_days(DAYS, EVENTS_PER_DAY)
        self._settings = Settings(
            baseline.channels, chosen, repeats=repeats, tie_rate=baseline.tie_rate
        )
        self._detector = MixtureDetector(self._settings)
        self._window = Window.empty(baseline)

    @classmethod
    def of(
        cls,
        source: Baseline | Path | str,
        *,
        days: float = DAYS,
        events_per_day: float = EVENTS_PER_DAY,
        batch: int = BATCH,
    ) -> DriftWatch:
        """Return a watch that is wrong once in so many days on average.

        Args:
            source: a baseline, or the folder of a bundle.
            days: between two false alarms while nothing changes.
            events_per_day: the traffic that is expected.
            batch: after so many events evidence is added up.
        """
        return cls(
            baseline_of(source),
            Budget.per_days(days, events_per_day),
            batch=batch,
        )

    @property
    def alarm(self) -> DriftFinding | None:
        """Return the drift that stands, the oldest of several; None while there is none."""
        return self._detector.alarm

    @property
    def alarms(self) -> tuple[DriftFinding, ...]:
        """Return every drift that stands, each of another cause, the oldest first."""
        return tuple(alarm.finding for alarm in self._detector.alarms)

    @property
    def reason(self) -> str | None:
        """Return the alarm in one line, or None."""
        return self._detector.reason

    def observe(
        self,
        features: Mapping[str, Any],
        prediction: float | None = None,
        *,
        label: str | None = None,
        probabilities: Mapping[str, float] | None = None,
        session: str | None = None,
    ) -> bool:
        """Take one event in; return whether it raised an alarm.

        An alarm stands until there is as much evidence that its drift is over as raised it; another
        cause raises another alarm beside it.

        Args:
            features: by name; an absent, None or NaN feature is missing.
            prediction: what the model answered.
            label: the class that a classifier answered.
            probabilities: of all its classes, by class, as an answer of the service has them.
            session: what its session is called, whose events are taken to be alike.

        Raises:
            WindowError: a value is not of its feature's type; nothing was counted.
            ValueError: the probabilities are of fewer than two classes.
        """
        margin = entropy = None
        if probabilities is not None:
            doubt = undecided([[*probabilities.values()]])
            margin, entropy = float(doubt.margins[0]), float(doubt.entropies[0])
        self._window.observe(
            features, prediction, label=label, margin=margin, entropy=entropy, session=session
        )
        if self._window.events < self._batch:
            return False
        window, self._window = self._window, Window.empty(self._baseline)
        counts = window.channel_counts()
        transition = observe_window(
            self._detector,
            counts,
            events=window.events,
            timestamp_s=self._detector.events,
            sketches=window.sketches,
        )
        return bool(transition.raised)

    def to_json(self) -> WatchState:
        """Return the state, by which `from_json` goes on; it holds counts and no values."""
        return {
            "detector": self._detector.to_json(),
            "window": self._window.to_json(),
            "batch": self._batch,
        }

    @classmethod
    def from_json(
        cls,
        document: WatchState,
        source: Baseline | Path | str,
        budget: Budget | None = None,
    ) -> DriftWatch:
        """Return the watch that a state was taken from.

        Args:
            document: what `to_json` returned.
            source: the same baseline, or the folder of the same bundle.
            budget: the same budget.

        Raises:
            EvidenceError: the settings are others.
            WindowError: the baseline is another.
        """
        baseline = baseline_of(source)
        watch = cls(
            baseline,
            budget,
            batch=document["batch"],
        )
        watch._detector = MixtureDetector.from_json(document["detector"], watch._settings)
        watch._window = Window.from_json(document["window"], baseline)
        return watch
