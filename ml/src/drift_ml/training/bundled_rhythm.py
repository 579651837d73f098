"""The rhythm of the training rows, where they have times: it goes with the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_engine.bundle import load_bundle

from drift_ml.baseline import Baseline
from drift_ml.replay.answering import model_answers
from drift_ml.rhythm import Hours, Rhythm, RhythmError, add_rhythm, learn_rhythm

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet

    from drift_ml.tables import Table


def bundle_rhythm(folder: Path, feature_set: FeatureSet, table: Table) -> Rhythm | None:
    """Put the rhythm of a table into a bundle, and return it; None where it shows none.

    Rows without times, or of less than two weeks, show none. Predictions are the packed model's.

    Args:
        folder: Of the version that was packed.
        feature_set: What the rows are.
        table: All rows.
    """
    if table.times_ms is None:
        return None
    bundle = load_bundle(folder)
    baseline = Baseline.from_json(bundle.baseline)
    answers = model_answers(bundle, table.matrix(feature_set))
    hours = Hours(baseline)
    hours.take(
        table.columns,
        table.times_ms,
        answers.predictions,
        labels=answers.labels,
        margins=answers.margins,
        entropies=answers.entropies,
    )
    try:
        rhythm = learn_rhythm(baseline, hours.batches(), finer=hours.tens())
    except RhythmError:
        return None
    add_rhythm(folder, rhythm)
    return rhythm
