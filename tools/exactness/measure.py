"""Prove every family with the libraries of this interpreter; print what was found as JSON.

`python -m tools.exactness.measure --rows 2000 --hard 20000 --trees 40`; it runs in environments of
other versions too, so it needs numpy, pandas and our rooms on the path, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import DriftError
from drift_engine.model.writer import encode
from drift_ml.converters import convert, prove

from tools.exactness import lignum
from tools.exactness.cases import booster_cases, refused_cases, scikit_cases
from tools.exactness.catboost_cases import catboost_cases
from tools.exactness.data import make_data
from tools.exactness.pipelines import pipeline_cases, refused_pipelines
from tools.exactness.recorder import Recorder

if TYPE_CHECKING:
    from tools.exactness.cases import Case
    from tools.exactness.data import Data

MODULES = {"scikit-learn": "sklearn", "xgboost": "xgboost", "lightgbm": "lightgbm"}
#: Pipelines take their columns by name, out of a data frame.
NEEDED = (*MODULES, "pandas")
#: Characters of an unexpected error that are kept.
LONGEST = 500


@dataclass(frozen=True)
class Settings:
    """How much is measured, and with which versions."""

    #: Trees of a model.
    trees: int
    #: Hard rows of a proof.
    hard: int
    #: Where estimators are saved for `handed_over`; None to save none.
    files: Path | None
    #: Version of scikit-learn.
    scikit: tuple[int, int]


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (
        ("--rows", 1000),
        ("--hard", 20_000),
        ("--trees", 30),
    ):
        parser.add_argument(name, type=int, default=number)
    parser.add_argument("--files", type=Path, help="a folder that estimators are saved in")
    parser.add_argument("--family", help="this one alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    libraries = _libraries()
    version = _numbers(libraries["scikit-learn"])
    settings = Settings(
        options.trees,
        options.hard,
        options.files,
        version,
    )
    data = {
        nullable: make_data(
            options.rows,
            nullable=nullable,
            seed=1,
        )
        for nullable in (True, False)
    }
    cases = [
        *scikit_cases(),
        *booster_cases(),
        *catboost_cases(),
        *pipeline_cases(),
    ]
    cases += [*refused_cases(), *refused_pipelines()]
    results = []
    for place, case in enumerate(cases):
        if options.family not in (None, case.family):
            continue
        # The page counts by library what the pinned versions tried and these did not.
        if case.library not in libraries:
            continue
        is_missing = case.missing_since is not None and version >= case.missing_since
        start = time.perf_counter()
        result = _result(case, data[is_missing], settings, f"{place:03}")
        seconds = round(time.perf_counter() - start, 2)
        print(f"{case.name}: {seconds} s", file=sys.stderr, flush=True)
        results.append({**result, "seconds": seconds})
    document = {
        "python": platform.python_version(),
        "libraries": libraries,
        "results": results,
    }
    print(json.dumps(document))
    return 0


def _libraries() -> dict[str, str]:
    """Return the versions of the libraries. Raises ImportError where one is not installed."""
    versions = {"numpy": np.__version__}
    for name in NEEDED:
        versions[name] = import_module(
            MODULES.get(
                name,
                name,
            )
        ).__version__
    # Not in every combination.
    for name, distribution in (("catboost", "catboost"), ("lignum", "pylignum")):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(distribution)
    return versions


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _result(
    case: Case,
    data: Data,
    settings: Settings,
    stem: str,
) -> dict[str, Any]:
    """Return what was found of a case; a refusal, a lack and a failure are named.

    Args:
        case: What is fitted.
        data: What it is fitted on.
        settings: How much is measured.
        stem: Of the names of its files.
    """
    result: dict[str, Any] = {
        "family": case.family,
        "name": case.name,
        "library": case.library,
        "missing": data.feature_set.features[0].nullable,
        "to_be_refused": case.refused or settings.scikit < case.refused_before,
    }
    if settings.scikit < case.since:
        major, minor = case.since
        return {**result, "needs": f"scikit-learn {major}.{minor}"}
    try:
        return {
            **result,
            **_proven(case, data, settings, stem),
        }
    except DriftError as error:
        return {**result, "refused": str(error)}
    # What a version does otherwise than was expected is a finding, and not the end of the others.
    except Exception as error:
        return {**result, "failed": f"{type(error).__name__}: {error}"[:LONGEST]}


def _proven(
    case: Case,
    data: Data,
    settings: Settings,
    stem: str,
) -> dict[str, Any]:
    """Return the grade of a case. Raises DriftError where it is refused."""
    estimator = case.fit(data, settings.trees)
    converted = convert(estimator, data.feature_set)
    packed = encode(converted.model)
    recorder = Recorder(converted.reference.scores)
    recorded = replace(
        converted,
        reference=replace(converted.reference, scores=recorder),
    )
    exactness = prove(
        packed,
        recorded,
        data.feature_set,
        data.rows,
        hard=settings.hard,
    )
    result: dict[str, Any] = {
        "bytes": len(packed),
        **exactness.to_json(),
    }
    if case.library in lignum.FILES:
        result["lignum"] = lignum.compare(
            estimator,
            converted,
            packed,
            data,
        )
    if settings.files is not None:
        recorder.save(
            estimator,
            data.feature_set,
            settings.files / stem,
        )
        result |= {"file": stem, "file_to_be_refused": case.refused_from_file}
    return result


if __name__ == "__main__":
    sys.exit(main())
