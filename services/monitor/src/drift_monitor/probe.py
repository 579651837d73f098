"""The synthetic check: a normal and a drifted request, and whether the service tells them apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """A prediction request to its answer; raises when there is none."""


class Seen(NamedTuple):
    """normal, drifted: whether each was answered as it should be. said: why not, for the log."""

    normal: bool
    drifted: bool
    said: tuple[str, ...]


def probe(suite: Mapping[str, Any], call: Call, healthy: Callable[[], bool] = lambda: True) -> Seen:
    """Send the first request of the suite's `baseline` and of its `high` scenario.

    healthy: whether the API answers, where `call` goes past it; if not, the normal request is not answered as normal.

    The normal one must score under the suite's threshold; the drifted one over it and be called high. Both are marked
    as synthetic: they take the whole way of a request, and stay out of the metrics and windows that are watched.
    """
    scenarios = {scenario["name"]: scenario["requests"][0] for scenario in suite["scenarios"]}
    threshold = suite["threshold"]
    said: list[str] = []
    normal = _ask(call, scenarios["baseline"], said)
    drifted = _ask(call, scenarios["high"], said)
    answers = _answers(healthy, said)
    return Seen(
        answers and normal is not None and normal["drift_score"] < threshold,
        drifted is not None and drifted["drift_score"] > threshold and drifted["drift"]["severity"] == "high",
        tuple(said),
    )


def _answers(healthy: Callable[[], bool], said: list[str]) -> bool:
    try:
        answers = healthy()
    except Exception as error:
        said.append(f"{type(error).__name__}: the API does not answer")
        return False
    if not answers:
        said.append("the API does not answer as it should")
    return answers


def _ask(call: Call, features: Mapping[str, Any], said: list[str]) -> Mapping[str, Any] | None:
    try:
        answer = call({"features": features, "synthetic": True})
        float(answer["drift_score"])
        str(answer["drift"]["severity"])
    except Exception as error:
        said.append(f"{type(error).__name__}: no usable answer")
        return None
    return answer


def over_http(send: Callable[[str, bytes, Mapping[str, str]], bytes], url: str) -> Call:
    """A call over HTTP; `send` posts a body with headers to an address and gives the body of a 200."""

    def call(request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = send(f"{url.rstrip('/')}/predict", json.dumps(request).encode(), {"content-type": "application/json"})
        found: Mapping[str, Any] = json.loads(answer)
        return found

    return call
