"""The synthetic check: a normal and a drifted request, and whether the service tells them apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_contracts.types import (
        PredictionRequestV1,
        ScenarioSuiteV1,
        ScenarioSuiteV1Scenario,
    )

    #: Return the service's answer to a request, whatever it is; raise where there is none.
    Call = Callable[[PredictionRequestV1], object]

HIGH = "high"


@dataclass(frozen=True)
class ProbeResult:
    """Whether each of the two requests was answered as it should be."""

    normal: bool
    drifted: bool
    #: Why not, for the log.
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    """The part of a prediction that the probe checks."""

    drift_score: float
    severity: str


def probe(
    suite: ScenarioSuiteV1,
    call: Call,
    healthy: Callable[[], bool] = lambda: True,
) -> ProbeResult:
    """Send the first request of the suite's `baseline` and of its `high` scenario.

    The normal one must score under the suite's threshold; the drifted one over it, with the
    severity `high`. Both are marked as synthetic: they go through everything that a request goes
    through, and are in no metric or window that is watched.

    Args:
        suite: requests and threshold.
        call: sends one request.
        healthy: whether the API answers, where `call` does not go through it; if not, the normal
            request counts as not answered.
    """
    scenarios = {scenario["name"]: scenario for scenario in suite["scenarios"]}
    threshold = suite["threshold"]
    reasons: list[str] = []
    normal = _ask(call, scenarios["baseline"], reasons)
    drifted = _ask(call, scenarios[HIGH], reasons)
    answers = _api_answers(healthy, reasons)
    scores_low = normal is not None and normal.drift_score < threshold
    scores_high = (
        drifted is not None and drifted.drift_score > threshold and drifted.severity == HIGH
    )
    return ProbeResult(answers and scores_low, scores_high, tuple(reasons))


def _api_answers(
    healthy: Callable[[], bool],
    reasons: list[str],
) -> bool:
    try:
        answers = healthy()
    except Exception as error:
        # The type alone: the message may hold the address.
        reasons.append(f"{type(error).__name__}: the API does not answer")
        return False
    if not answers:
        reasons.append("the API does not answer as it should")
    return answers


def _ask(
    call: Call,
    scenario: ScenarioSuiteV1Scenario,
    reasons: list[str],
) -> _Answer | None:
    try:
        return _parse(call({"features": scenario["requests"][0], "synthetic": True}))
    except Exception as error:
        # The type alone, as above; a probe that fails is a measurement, so nothing is raised.
        reasons.append(f"{type(error).__name__}: no usable answer")
        return None


def _parse(document: object) -> _Answer:
    """Return the answer in a document. Raises KeyError, TypeError or ValueError."""
    if not isinstance(document, dict):
        raise TypeError
    return _Answer(float(document["drift_score"]), str(document["drift"]["severity"]))


def over_http(
    send: Callable[[str, bytes, Mapping[str, str]], bytes],
    url: str,
) -> Call:
    """Return a call over HTTP.

    Args:
        send: posts a body with headers to an address, and returns the body of a 200.
        url: of the API, with or without a slash at its end.
    """

    def call(request: PredictionRequestV1) -> object:
        headers = {"content-type": "application/json"}
        body = send(f"{url.rstrip('/')}/predict", json.dumps(request).encode(), headers)
        document: object = json.loads(body)
        return document

    return call
