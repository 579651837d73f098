"""One battery of laws for every named detector, then each one's own figures."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from drift_ml import effects
from drift_ml.baseline import Channel
from drift_ml.detectors import (
    DETECTORS,
    Adwin,
    Cusum,
    Detector,
    DetectorError,
    MeanAbsoluteZ,
    NamedDetector,
    PageHinkley,
    WindowedKs,
    WindowedPsi,
    detector_from_json,
)
from drift_ml.evidence import Budget, MixtureDetector, Settings
from hypothesis import given, settings
from hypothesis import strategies as st

COARSE = {"edges": [-1.0, 0.0, 1.0], "reference": [160, 340, 340, 160]}
MAKERS = {
    "adwin": lambda: Adwin(clock=4),
    "cusum": lambda: Cusum(mean=0.0, std=1.0, threshold=5.0),
    "page-hinkley": lambda: PageHinkley(threshold=10.0, fewest=5),
    "psi": lambda: WindowedPsi(**COARSE, size=20, threshold=1.0),
    "ks": lambda: WindowedKs(**COARSE, size=20, level=0.001),
    "mean-absolute-z": lambda: MeanAbsoluteZ(means=[0.0], stds=[1.0], size=10),
}
every = pytest.mark.parametrize("name", sorted(MAKERS))
values = st.lists(st.floats(-5, 5), max_size=60)


def shaped(name: str, numbers: list[float]) -> list:
    return [[number] for number in numbers] if name == "mean-absolute-z" else numbers


def test_all_detectors_tested() -> None:
    """These tests cover every detector."""
    assert set(MAKERS) == set(DETECTORS)


@every
def test_interface(name: str) -> None:
    """A new detector has its name and no reason for an alarm."""
    detector: Detector = MAKERS[name]()
    assert detector.name == name
    assert detector.reason is None


def test_mixture_interface() -> None:
    """The mixture detector has the same interface."""
    rooms = Channel("rooms", "values", ("rooms",), (50, 50))
    detector: Detector = MixtureDetector(Settings([rooms], Budget(1000)))
    assert detector.update({"rooms": [1, 1]}) is False
    detector.reset()
    assert detector.to_json()["detector"] == detector.name


@every
@settings(max_examples=25, deadline=None)
@given(before=values, after=values)
def test_json_continues(name: str, before: list[float], after: list[float]) -> None:
    """A detector that was restored from JSON continues equally."""
    detector = MAKERS[name]()
    detector.update(shaped(name, before))
    again = detector_from_json(json.loads(json.dumps(detector.to_json())))
    assert detector.update(shaped(name, after)) == again.update(shaped(name, after))
    assert detector.to_json() == again.to_json()


@every
@settings(max_examples=25, deadline=None)
@given(numbers=values, cut=st.integers(0, 60))
def test_batch_cut(name: str, numbers: list[float], cut: int) -> None:
    """How values are cut into batches does not matter."""
    whole, parts = MAKERS[name](), MAKERS[name]()
    whole.update(shaped(name, numbers))
    parts.update(shaped(name, numbers[:cut]))
    parts.update(shaped(name, numbers[cut:]))
    assert whole.to_json() == parts.to_json()


@every
def test_no_values(name: str) -> None:
    """An update without values changes nothing and is no alarm."""
    detector = MAKERS[name]()
    before = detector.to_json()
    assert detector.update([]) is False
    assert detector.to_json() == before


@every
def test_alarm_until_reset(name: str) -> None:
    """A large shift raises an alarm that stays until reset."""
    detector, random = MAKERS[name](), Random(7)
    fresh = detector.to_json()
    detector.update(shaped(name, [random.gauss() for _ in range(40)]))
    assert detector.update(shaped(name, [random.gauss() + 4 for _ in range(60)]))
    kept = detector.to_json()
    assert kept["reason"]
    assert detector.update(shaped(name, [0.0] * 10))
    assert detector.to_json() == kept
    detector.reset()
    assert detector.to_json() == fresh


@every
def test_state_is_copied(name: str) -> None:
    """A state that was read does not change with the detector."""
    detector = MAKERS[name]()
    taken = detector.to_json()
    text = json.dumps(taken)
    detector.update(shaped(name, [0.1] * 7))
    assert json.dumps(taken) == text


@pytest.mark.parametrize("document", [{}, {"contract": "detector.state.v1", "detector": "oracle"}])
def test_unknown_state(document: dict) -> None:
    """The state of an unknown detector is refused with the choices."""
    with pytest.raises(DetectorError, match="adwin, cusum"):
        detector_from_json(document)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Adwin(delta=0.0),
        lambda: Cusum(mean=0.0, std=0.0),
        lambda: PageHinkley(threshold=0.0),
        lambda: WindowedPsi(edges=[0.0], reference=[1], size=5),
        lambda: WindowedKs(edges=[1.0, 0.0], reference=[1, 1, 1], size=5),
        lambda: WindowedKs(**COARSE, level=1.0),
        lambda: MeanAbsoluteZ(means=[], stds=[]),
        lambda: MeanAbsoluteZ(means=[0.0], stds=[1.0], size=0),
    ],
)
def test_wrong_parameters(make) -> None:
    """Parameters that make no sense are refused."""
    with pytest.raises(DetectorError, match="expected"):
        make()


def test_abstract_base() -> None:
    """The shared base class cannot be used, as its steps are abstract."""
    with pytest.raises(TypeError, match="abstract"):
        NamedDetector(None)


def test_psi_by_hand() -> None:
    """The PSI detector fires just below a value worked by hand, and not above."""
    detector = WindowedPsi(edges=[0.0], reference=[50, 50], size=100, threshold=0.33)
    assert detector.update([-1.0] * 25 + [1.0] * 75) is False  # 0.27 with half an event added to each bin
    detector = WindowedPsi(edges=[0.0], reference=[50, 50], size=100, threshold=0.26)
    assert detector.update([-1.0] * 25 + [1.0] * 75) is True


@pytest.mark.parametrize("moved", range(0, 60, 4))
def test_same_effects_as_report(moved: int) -> None:
    """PSI and KS detectors fire where the report's figure passes their threshold."""
    reference, counts = [160, 340, 340, 160], [40 + moved, 60, 60, 40 - moved // 2]
    values = [value for value, count in zip([-2.0, -0.5, 0.5, 2.0], counts, strict=True) for _ in range(count)]
    psi = WindowedPsi(edges=[-1.0, 0.0, 1.0], reference=reference, size=len(values), threshold=0.05)
    ks = WindowedKs(edges=[-1.0, 0.0, 1.0], reference=reference, size=len(values), level=0.05)
    distance = effects.ks(reference, counts)
    assert psi.update(values) == (effects.psi(reference, counts) > 0.05)
    assert ks.update(values) == (effects.ks_p(distance, sum(reference), len(values)) < 0.05)


def test_cusum_by_hand() -> None:
    """The lower side of CUSUM has the value worked by hand."""
    detector = Cusum(mean=10.0, std=2.0, shift=1.0, threshold=4.0)
    detector.update([6.0, 6.0])
    assert detector.to_json()["state"] == {"up": 0.0, "down": 3.0}


def oracle() -> list[dict]:
    return json.loads((Path(__file__).parent / "data" / "river_alarms.json").read_text())["streams"]


@pytest.mark.parametrize("stream", oracle(), ids=lambda stream: f"seed {stream['seed']}")
@pytest.mark.parametrize("name", ["adwin", "page-hinkley"])
def test_alarms_of_river(stream: dict, name: str) -> None:
    """Alarms come at the events where those of river come."""
    random = Random(stream["seed"])
    numbers = [random.gauss() + stream["shift"] * (i >= 500) for i in range(1500)]
    detector = Adwin() if name == "adwin" else PageHinkley(threshold=30.0)
    found = next((i for i, number in enumerate(numbers) if detector.update([number])), None)
    assert found == stream[name]
