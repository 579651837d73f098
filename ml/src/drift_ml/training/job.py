"""The whole training job: rows in, bundle and estimator out."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import extract_tb
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import DriftError
from drift_engine.bundle import load_bundle
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no stubs

from drift_ml.baseline import Baseline
from drift_ml.packing import use_version
from drift_ml.segments import read_segments
from drift_ml.tables import CellFinding, DataError, read_table

from .bundled_rhythm import bundle_rhythm
from .data_warnings import find_warnings
from .errors import TrainingError, WarningsFound
from .fitting import fit, split
from .labels import as_places
from .pack import pack
from .recipes import ROWS, recipe_of
from .sources import find_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from drift_contracts import FeatureSet
    from drift_contracts.features import Target
    from drift_contracts.types import BundleManifestV2

    from drift_ml.rhythm import Rhythm
    from drift_ml.segments import Segments
    from drift_ml.tables import ReadOptions, Table, Unlabelled

    from .fitting import Progress
    from .recipes import Recipe
    from .sources import Source

#: Fewer rows are refused.
MINIMUM_ROWS = 20
#: Rows from which on histograms are worth more than one thread. Below, threads wait for each other:
#: beside other work 18,000 rows took them 20 times as long.
THREADS_FROM = 200_000


@dataclass(frozen=True)
class Trained:
    """Where the bundle and the estimator lie, and the manifest."""

    #: The folder of the version that was trained.
    bundle: Path
    #: The file of the estimator.
    estimator: Path
    manifest: BundleManifestV2
    #: Of the rows, where they have times; it is in the bundle.
    rhythm: Rhythm | None = None
    #: Of the rows, where the feature set names them; they are in the bundle.
    segments: Segments | None = None


def load_rows(  # noqa: PLR0913 - where rows come from, and how they are read
    feature_set: FeatureSet,
    *,
    data: Path | None = None,
    ignore: Sequence[str] = (),
    options: ReadOptions | None = None,
    time_column: str | None = None,
    source: str | None = None,
    rows: int = ROWS,
    seed: int = 7,
    unlabelled: Unlabelled | None = None,
) -> Table:
    """Return rows from a file or folder if there is one, else from a source.

    Args:
        feature_set: What the rows must be.
        data: A file or folder.
        ignore: Columns to leave out, beside those of `options`.
        options: How to read the file.
        time_column: Of the file, when each row was: the last rows are held out then.
        source: `module:function` of a source of the user's own; the one that ships, if absent.
        rows: How many a source makes.
        seed: Of the source.
        unlabelled: Counts the rows of a file that have no target, which are left out then.

    Raises:
        DataError: rows break the feature set, or are too few.
        TrainingError: there is no source, or the user's own fails.
    """
    if data is not None:
        try:
            table = read_table(
                data,
                feature_set,
                ignore=ignore,
                options=options,
                time_column=time_column,
                unlabelled=unlabelled,
            )
        except DataError as error:
            raise _with_way_out(error, data, feature_set.target) from error.__cause__
    elif source is None:
        table = find_source(feature_set.name)(feature_set, rows, seed)
    else:
        table = _made(find_source(feature_set.name, source), feature_set, rows, seed)
    if table.rows < MINIMUM_ROWS:
        expected = f"at least {MINIMUM_ROWS} rows to train on"
        raise DataError(table.source, (CellFinding("(file)", "rows", expected),))
    return table


def _with_way_out(
    error: DataError,
    data: Path,
    target: Target,
) -> DataError:
    """Return an error whose findings of missing targets say how to leave such rows out."""
    hint = "--drop-unlabelled leaves such rows out"
    findings = []
    for finding in error.findings:
        is_target = finding.column in (target.name, target.column)
        lacks = is_target and finding.rule == "missing"
        findings.append(replace(finding, hint=hint) if lacks else finding)
    return DataError(data.name, tuple(findings))


def _made(
    source: Source,
    feature_set: FeatureSet,
    rows: int,
    seed: int,
) -> Table:
    """Return the table of a source of the user's own. Raises TrainingError where it fails."""
    try:
        table = source(feature_set, rows, seed)
        if feature_set.target.is_class:
            places = as_places(feature_set, np.asarray(table.target), table.source)
            table = replace(table, target=places)
    except DriftError:
        raise
    except Exception as error:
        # Not the error's own words: they may hold values of the data.
        place = extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        kind = type(error).__name__
        raise TrainingError(
            f"--source: expected a table, but the function raised {kind} in {where}"
        ) from error
    return table


def train(
    feature_set: FeatureSet,
    table: Table,
    build: Path,
    *,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
    strict: bool = False,
    rhythm: bool = False,
) -> Trained:
    """Fit, evaluate and pack.

    Writes build/bundles/MODEL/VERSION and build/estimators/MODEL.joblib. At the end the new version
    becomes the current one; older ones stay beside it. The estimator is for retraining and
    comparison; nothing at serving time reads it.

    Args:
        feature_set: What the rows are.
        table: The rows.
        build: The folder for bundles/ and estimators/.
        recipe: What decides the model besides its data; that of the model, if absent.
        progress: Called after every few trees.
        strict: Whether a warning about the data ends the job before anything is fitted.
        rhythm: Whether the rhythm of rows with times goes into the bundle: right where the service
            will be asked at the times of such rows.

    Raises:
        TrainingError: the model is not good enough; nothing was written.
    """
    if feature_set.target.outputs:
        raise TrainingError(
            "target: expected one output; hand over a model of several by drift_ml.export"
        )
    recipe = recipe or recipe_of(feature_set.name)
    matrix = table.matrix(feature_set)
    sides = split(table.rows, recipe, table.times_ms)
    warnings = find_warnings(feature_set, matrix, table.target, sides)
    if strict and warnings:
        raise WarningsFound(table.source, tuple(warning.words for warning in warnings))
    with _threads(table.rows):
        fitted = fit(feature_set, matrix, table.target, recipe, progress, sides)
        manifest = pack(feature_set, table, fitted, recipe, build / "bundles", warnings)
        version = build / "bundles" / feature_set.name / manifest["model_version"]
        learned = bundle_rhythm(version, feature_set, table) if rhythm else None
    estimator = build / "estimators" / f"{feature_set.name}.joblib"
    _keep_estimator(fitted.estimator, estimator)
    model = build / "bundles" / feature_set.name
    # Last, so that a training which is killed changes nothing that is served.
    use_version(model, manifest["model_version"])
    segments = None
    if feature_set.segments:
        baseline = Baseline.from_json(load_bundle(version).baseline)
        segments = read_segments(version, manifest, baseline)
    return Trained(version, estimator, manifest, learned, segments)


def _threads(rows: int) -> AbstractContextManager[object]:
    """Return a context in which scikit-learn's histograms have one thread, if rows are few."""
    # Only what is loaded can be limited.
    import sklearn.ensemble  # noqa: F401, PLC0415 - seconds that reading a file need not pay

    return threadpool_limits(1, "openmp") if rows < THREADS_FROM else nullcontext()


def _keep_estimator(estimator: Any, path: Path) -> None:
    """Write an estimator by one rename, so that simultaneous trainings do not mix their bytes."""
    import joblib  # noqa: PLC0415 - it is slow to import, and only training needs it

    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        fresh = Path(folder, path.name)
        joblib.dump(estimator, fresh)
        fresh.replace(path)
