"""Detectors that people know, behind one small interface; none needs more than Python.

`drift_ml.evidence.MixtureDetector` has the same interface and watches all channels at once. The
same alarms over whole vectors, by numpy, are found by `drift_ml.detectors.vectorised`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_ml.detectors._base import (
    CONTRACT,
    Detector,
    DetectorError,
    NamedDetector,
)
from drift_ml.detectors.adwin import Adwin
from drift_ml.detectors.cusum import Cusum
from drift_ml.detectors.ks import WindowedKs
from drift_ml.detectors.mean_z import MeanAbsoluteZ
from drift_ml.detectors.page_hinkley import PageHinkley
from drift_ml.detectors.psi import WindowedPsi

if TYPE_CHECKING:
    from drift_contracts.types import DetectorStateV1Named

    AnyDetector = NamedDetector[Any, Any, Any]

#: The class of each named detector, by its name in state documents.
DETECTORS: dict[str, type[AnyDetector]] = {
    detector.name: detector
    for detector in (Adwin, Cusum, MeanAbsoluteZ, PageHinkley, WindowedKs, WindowedPsi)
}

__all__ = [
    "DETECTORS",
    "Adwin",
    "Cusum",
    "Detector",
    "DetectorError",
    "MeanAbsoluteZ",
    "NamedDetector",
    "PageHinkley",
    "WindowedKs",
    "WindowedPsi",
    "detector_from_json",
]


def detector_from_json(document: DetectorStateV1Named) -> AnyDetector:
    """Return the detector that a state was taken from; it goes on as if never interrupted.

    Raises DetectorError for a document that is none, or of a detector that is not among these.

    >>> detector_from_json(Cusum(mean=0.0, std=1.0).to_json()).state
    CusumState(up=0.0, down=0.0)
    """
    if document.get("contract") != CONTRACT or document.get("detector") not in DETECTORS:
        names = ", ".join(sorted(DETECTORS))
        raise DetectorError(f"{CONTRACT}: expected the state of one of {names}")
    detector = DETECTORS[document["detector"]](**document["parameters"])
    detector.restore(document["state"], document["reason"])
    return detector
