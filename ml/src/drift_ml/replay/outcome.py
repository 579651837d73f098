"""What a replay comes to: the report over the right events, as a page, as JSON and as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from drift_ml.replay.evidence import Replay, window_since
from drift_ml.replay.page import Facts, render_report
from drift_ml.replay.texts import place
from drift_ml.replay.training_rows import KIND
from drift_ml.report import window_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts import FeatureSet
    from drift_contracts.types import WindowReportV1

    from drift_ml.baseline import Baseline
    from drift_ml.replay.detectors import Firing
    from drift_ml.replay.training_rows import TrainingRows
    from drift_ml.window import Window

NO_DRIFT, DRIFT = 0, 1


@dataclass(frozen=True)
class Outcome:
    """A replay with its report.

    report: a window.report.v1 document over the events since the onset of the drift that stands at the end,
    over all where none does; `compared` says which. not_run: why some detectors are missing, "" if none is.
    training_rows: what the file has in common with the training data, None where there is no file.
    """

    replay: Replay
    firings: tuple[Firing, ...]
    report: WindowReportV1
    compared: str
    not_run: str = ""
    training_rows: TrainingRows | None = None

    @property
    def warnings(self) -> list[str]:
        """Return what a careful colleague would say of this replay, each in sentences."""
        if self.training_rows is None or not self.training_rows.warns:
            return []
        return [f"{self.training_rows.words}."]

    @property
    def exit_code(self) -> int:
        """1 if an alarm was raised, also one that was taken back later; else 0."""
        return DRIFT if self.replay.alarms else NO_DRIFT

    def to_json(self) -> dict[str, Any]:
        """Everything as one JSON document."""
        return {
            "drift": bool(self.replay.alarms),
            "compared": self.compared,
            "detectors": [
                {**asdict(each), "at_ms": None if each.row is None else self.replay.at(each.row)}
                for each in self.firings
            ],
            "not_run": self.not_run,
            "warnings": [{"kind": KIND, "words": words} for words in self.warnings],
            "training_rows": None if self.training_rows is None else self.training_rows.to_json(),
            "replay": self.replay.to_json(),
            "report": self.report,
        }


def conclude(
    baseline: Baseline,
    windows: Sequence[Window],
    replay: Replay,
    firings: tuple[Firing, ...] = (),
    not_run: str = "",
    training_rows: TrainingRows | None = None,
) -> Outcome:
    """The outcome of a replay over these windows; there must be an event in them."""
    alarm = replay.standing
    row = alarm.since_row if alarm else 0
    events = f"{replay.events - row:,} events"
    compared = f"{events} since {place(row, alarm.since_ms)}" if alarm else f"all {events}"
    report = window_report(baseline, window_since(windows, row))
    return Outcome(replay, firings, report, compared, not_run, training_rows)


def page(
    outcome: Outcome, baseline: Baseline, feature_set: FeatureSet, *, source: str, made: str, predicted: bool = False
) -> str:
    """The outcome as HTML."""
    units = {feature.name: feature.unit for feature in feature_set.features}
    facts = Facts(source, outcome.compared, made, predicted, units, outcome.not_run, outcome.training_rows)
    return render_report(outcome.report, outcome.replay, outcome.firings, baseline, facts)
