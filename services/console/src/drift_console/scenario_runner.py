"""The page's scenarios: requests through the predict path, counted and logged like all others."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from drift_contracts.severity import severity

from drift_console import gateway
from drift_console.app import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.page_types import ScenarioResult
    from drift_console.suites import Features, Suite


class ScenarioRunner:
    """Sends the requests of a model's scenarios."""

    def __init__(self, handle: gateway.Handler, clock: Callable[[], float]) -> None:
        """Prepare to send.

        Args:
            handle: The Lambda edge.
            clock: Gives epoch seconds.
        """
        self._handle = handle
        self._clock = clock

    def run(self, model: str, suite: Suite | None, name: str) -> ScenarioResult:
        """Send a scenario's requests.

        Args:
            model: The one that is asked.
            suite: The model's; None for a model without scenarios.
            name: Of one of the scenarios.

        Raises:
            NotFound: For any other name.
        """
        scenarios = suite.scenarios if suite else ()
        choices = {scenario.name: scenario for scenario in scenarios}
        if suite is None or name not in choices:
            raise NotFound(f"scenario: expected one of {', '.join(choices) or 'none'}")
        answers = [self._predict(model, features) for features in choices[name].requests]
        scores = [float(answer["drift_score"]) for answer in answers]
        average = sum(scores) / len(scores)
        result: ScenarioResult = {
            "scenario": name,
            "sent": len(scores),
            "average_drift_score": average,
            "severity": severity(average, suite.threshold),
        }
        labels = Counter(answer["label"] for answer in answers if "label" in answer)
        if labels:
            result["labels"] = dict(labels.most_common())
        return result

    # Any: the answer is of this process's own predictor, whose tests hold its contract.
    def _predict(self, model: str, features: Features) -> Any:
        """Return what a request is answered with."""
        headers = {"content-type": "application/json", "host": "localhost"}
        scope = {
            "path": f"/models/{model}/predict",
            "query_string": b"",
            "method": "POST",
            "http_version": "1.1",
            "client": None,
        }
        body = json.dumps({"features": features}).encode()
        event = gateway.http_event(scope, headers, body, now=self._clock())
        context = gateway.Context(event["requestContext"]["requestId"])
        answer = gateway.http_response(self._handle(event, context))
        return json.loads(answer.body)
