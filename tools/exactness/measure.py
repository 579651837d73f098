"""Prove every family with the libraries of this interpreter; print what was found as JSON.

`python -m tools.exactness.measure --rows 2000 --hard 20000 --trees 40`; it runs in environments of
other versions too, so it needs numpy and our rooms on the path, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import warnings
from contextlib import suppress
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import DriftError
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import convert, prove

from tools.exactness.cases import Case, booster_cases, refused_cases, scikit_cases
from tools.exactness.data import make_data
from tools.exactness.pipelines import pipeline_cases, refused_pipelines

if TYPE_CHECKING:
    from drift_ml.converters import Converted

    from tools.exactness.data import Data

MODULES = {"scikit-learn": "sklearn", "xgboost": "xgboost", "lightgbm": "lightgbm"}
#: How lignum is given each library's model.
FILES = {"xgboost": "model.ubj", "lightgbm": "model.txt"}


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("--rows", 1000), ("--hard", 20_000), ("--trees", 30)):
        parser.add_argument(name, type=int, default=number)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    libraries = _libraries()
    data = {
        nullable: make_data(options.rows, nullable=nullable, seed=1) for nullable in (True, False)
    }
    results = []
    cases = [*scikit_cases(), *booster_cases(), *refused_cases()]
    # Pipelines take their columns by name, out of a data frame.
    if find_spec("pandas") is not None:
        cases += [*pipeline_cases(), *refused_pipelines()]
    for case in cases:
        if case.library in libraries:
            version = _numbers(libraries["scikit-learn"])
            missing = case.missing_since is not None and version >= case.missing_since
            expected = case.refused or version < case.refused_before
            found = _result(case, data[missing], options.trees, options.hard)
            results.append({**found, "to_be_refused": expected})
    document = {"python": platform.python_version(), "libraries": libraries, "results": results}
    print(json.dumps(document))
    return 0


def _libraries() -> dict[str, str]:
    """Return the versions of the libraries that are there."""
    versions = {"numpy": np.__version__}
    for name, module in MODULES.items():
        with suppress(ImportError):
            versions[name] = import_module(module).__version__
    with suppress(metadata.PackageNotFoundError):
        versions["lignum"] = metadata.version("pylignum")
    return versions


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _result(case: Case, data: Data, trees: int, hard: int) -> dict[str, Any]:
    """Return what was found of a case, or the words of its refusal."""
    found: dict[str, Any] = {"family": case.family, "name": case.name, "library": case.library}
    found["missing"] = data.feature_set.features[0].nullable
    try:
        estimator = case.fit(data, trees)
        converted = convert(estimator, data.feature_set)
        packed = encode(converted.model)
        exactness = prove(packed, converted, data.feature_set, data.rows, hard=hard)
    except DriftError as error:
        return {**found, "refused": str(error)}
    found |= {"bytes": len(packed), **exactness.to_json()}
    if case.library in FILES:
        found["lignum"] = _against_lignum(estimator, converted, packed, data)
    return found


def _against_lignum(
    estimator: Any, converted: Converted, packed: bytes, data: Data
) -> dict[str, Any] | None:
    """Return on how many training rows lignum answers as the packed model; None without lignum."""
    try:
        lignum = import_module("lignum")
    except ImportError:
        return None
    booster = estimator.get_booster() if hasattr(estimator, "get_booster") else estimator.booster_
    library = sys.modules[type(booster).__module__.partition(".")[0]].__name__
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, FILES[library]))
        booster.save_model(path)
        try:
            theirs = lignum.load(path).predict(converted.inputs.matrix(data.rows))
        except Exception as error:
            return {"refuses": str(error)[:200]}
    model = PackedModel.from_bytes(packed)
    ours = np.array(model.scores_many(_encoded(data)))
    expected = np.asarray(theirs, dtype=np.float64).reshape(len(ours), -1)
    # Of two classes it gives the second's probability.
    same = (ours[:, -expected.shape[1] :] == expected).all(axis=1)
    return {"equal": int(same.sum()), "rows": len(ours)}


def _encoded(data: Data) -> list[list[float]]:
    rows: list[list[float]] = data.matrix.tolist()
    return rows


if __name__ == "__main__":
    sys.exit(main())
