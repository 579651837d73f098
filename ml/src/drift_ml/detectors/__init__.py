"""Detectors that people know, behind one small interface; none needs more than Python.

`drift_ml.evidence.MixtureDetector` has the same interface and watches all channels at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_ml.detectors._base import CONTRACT, Detector, DetectorError, Named, copied
from drift_ml.detectors.adwin import Adwin
from drift_ml.detectors.cusum import Cusum
from drift_ml.detectors.ks import WindowedKs
from drift_ml.detectors.mean_z import MeanAbsoluteZ
from drift_ml.detectors.page_hinkley import PageHinkley
from drift_ml.detectors.psi import WindowedPsi

if TYPE_CHECKING:
    from collections.abc import Mapping

DETECTORS: dict[str, type[Named]] = {
    cls.name: cls for cls in (Adwin, Cusum, MeanAbsoluteZ, PageHinkley, WindowedKs, WindowedPsi)
}

__all__ = [
    "DETECTORS",
    "Adwin",
    "Cusum",
    "Detector",
    "DetectorError",
    "MeanAbsoluteZ",
    "PageHinkley",
    "WindowedKs",
    "WindowedPsi",
    "detector_from_json",
]


def detector_from_json(document: Mapping[str, Any]) -> Named:
    """The detector that a state was taken from; it goes on as if never interrupted.

    Raises DetectorError for a document that is none or a name that nothing answers to.

    >>> detector_from_json(Cusum(mean=0.0, std=1.0).to_json()).state
    {'up': 0.0, 'down': 0.0}
    """
    if document.get("contract") != CONTRACT or document.get("detector") not in DETECTORS:
        raise DetectorError(f"{CONTRACT}: expected the state of one of {', '.join(sorted(DETECTORS))}")
    detector = DETECTORS[document["detector"]](**document["parameters"])
    detector.state, detector.reason = copied(document["state"]), document["reason"]
    return detector
