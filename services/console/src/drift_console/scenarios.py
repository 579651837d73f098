"""`python -m drift_console.scenarios`: does a deployment see drift where there is drift, and only there?"""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("drift_console.scenarios", brings="drift-console")

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click
import httpx
from drift_contracts import ContractError, DriftError, NotJson, documents, parse_json, schemas
from drift_contracts.commands import Command, FiniteRange
from drift_contracts.exits import FINDING, REFUSED, SUCCESS, UNREACHABLE
from drift_contracts.keywords import is_number
from drift_contracts.terminal import make_terminal
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from drift_console.suites import Scenario, Suite, read_suite, shipped_suites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console as Terminal
    from rich.console import JustifyMethod

_EPILOG = """
Examples:

\b
  python -m drift_console.scenarios                                     the console on this machine
  python -m drift_console.scenarios --url https://abc.example.com --model house-price

Exit codes: 0 detection works, 1 it does not, 2 wrong usage, 3 the deployment does not answer, 4 it says no or
serves none of the models; see docs/exit-codes.md.
"""
NOT_FOUND = 404
SUITE = "scenario.suite.v1"
NAME_WIDTH = 14
"""Names are broken at their hyphens, so that 80 columns hold the table and no word of it is cut."""


class Unreachable(DriftError):
    """The deployment does not answer."""

    exit_code = UNREACHABLE


class Refused(DriftError):
    """The deployment answers with something else than a prediction, or serves none of the models."""

    exit_code = REFUSED


@dataclass(frozen=True)
class Verdict:
    """What a scenario's answers say. failures: the expectations that do not hold, in words."""

    scenario: Scenario
    scores: tuple[float, ...]
    alerts: int
    drifted: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def average(self) -> float:
        """Mean drift score over the scenario's requests."""
        return sum(self.scores) / len(self.scores)


def judge(scenario: Scenario, answers: Sequence[Mapping[str, Any]], *, threshold: float) -> Verdict:
    """Hold the answers (prediction.response.v1) against what the scenario expects of them."""
    scores = tuple(float(answer["drift_score"]) for answer in answers)
    alerts = sum(score > threshold for score in scores)
    drifted = tuple(dict.fromkeys(name for answer in answers for name in answer["drift"]["drifted"]))
    average = sum(scores) / len(scores)
    expect = scenario.expect
    checks: dict[str, Callable[[Any], bool]] = {
        "average_below": lambda bound: average < bound,
        "average_from": lambda bound: average >= bound,
        "average_to": lambda bound: average <= bound,
        "average_above": lambda bound: average > bound,
        "alerts": lambda count: alerts == count,
        "drifted": lambda names: all(set(answer["drift"]["drifted"]) == set(names) for answer in answers),
    }
    failures = tuple(describe(rule, wanted) for rule, wanted in expect.items() if not checks[rule](wanted))
    return Verdict(scenario, scores, alerts, drifted, failures)


def describe(rule: str, wanted: Any) -> str:
    """An expectation in words.

    >>> describe("average_below", 1.0)
    'average < 1'
    """
    words = {
        "average_below": "average < {:g}",
        "average_from": "average >= {:g}",
        "average_to": "average <= {:g}",
        "average_above": "average > {:g}",
        "alerts": "{} alerts",
        "drifted": "only {}",
    }
    return words[rule].format(", ".join(wanted) if rule == "drifted" else wanted)


class Deployment:
    """A running prediction API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def path_of(self, model: str) -> str | None:
        """Where the model is asked; None where it is not served. Raises Unreachable or Refused."""
        if self._get(f"/models/{model}/model") is not None:
            return f"/models/{model}/predict"
        default = self._get("/model")
        return "/predict" if default is not None and default.get("model") == model else None

    def _get(self, path: str) -> dict[str, Any] | None:
        response = self._send("GET", path, None)
        if response.status_code == NOT_FOUND:
            return None
        return self._read(response, path)

    def predict(self, path: str, features: Mapping[str, Any]) -> dict[str, Any]:
        """One answer, with the members that `judge` reads. Raises Unreachable or Refused."""
        answer = self._read(self._send("POST", path, {"features": features}), path)
        drift = answer.get("drift")
        drifted = drift.get("drifted") if isinstance(drift, dict) else None
        if not is_number(answer.get("drift_score")):
            raise Refused(f"POST {path}: type at /drift_score: expected a finite number")
        if not isinstance(drifted, list) or not all(isinstance(name, str) for name in drifted):
            raise Refused(f"POST {path}: type at /drift/drifted: expected the names of features")
        return answer

    def _send(self, method: str, path: str, body: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{method} {path}: {type(error).__name__}") from error

    def _read(self, response: httpx.Response, path: str) -> dict[str, Any]:
        if not response.is_success:
            raise Refused(f"{path}: expected status 200, got {response.status_code}")
        try:
            document = parse_json(response.content)
        except NotJson as error:
            raise Refused(f"{path}: expected JSON: {error}") from error
        if not isinstance(document, dict):
            raise Refused(f"{path}: expected a JSON object")
        return document


def run_suite(suite: Suite, deployment: Deployment, path: str) -> list[Verdict]:
    """Send every scenario of the suite and judge the answers."""
    return [
        judge(
            scenario,
            [deployment.predict(path, request) for request in scenario.requests],
            threshold=suite.threshold,
        )
        for scenario in suite.scenarios
    ]


def show(suite: Suite, verdicts: Sequence[Verdict], terminal: Terminal) -> None:
    """A table for people; of the expectations, those that do not hold are marked."""
    # names of models and features are others' words: as Text, nothing in them is taken for markup
    title = Text(f"{suite.model}: drift threshold {suite.threshold:g}", style="table.title")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    table.pad_edge = False
    longest = max((len(name) for verdict in verdicts for name in _names(verdict)), default=0)
    for heading in ("scenario", "average", "range", "alerts", "drifted", "expected", "holds"):
        justify: JustifyMethod = "right" if heading == "average" else "left"
        least = longest if heading in ("drifted", "expected") else len(heading)
        table.add_column(heading, justify=justify, overflow="fold", min_width=least)
    for verdict in verdicts:
        expected = [describe(rule, wanted) for rule, wanted in verdict.scenario.expect.items()]
        table.add_row(
            Text(fill(verdict.scenario.name, NAME_WIDTH)),
            f"{verdict.average:.2f}",
            f"{min(verdict.scores):.1f}-{max(verdict.scores):.1f}",
            f"{verdict.alerts} of {len(verdict.scores)}",
            Text(", ".join(verdict.drifted) or "none"),
            _expectations(expected, verdict.failures),
            "[red]no[/]" if verdict.failures else "[green]yes[/]",
        )
    terminal.print(table)


def _expectations(expected: Sequence[str], failures: Sequence[str]) -> Text:
    """Return the expectations in one line, those that do not hold marked."""
    marked = [Text(f"✗ {each}", style="red") if each in failures else Text(each) for each in expected]
    return Text(", ").join(marked)


def _names(verdict: Verdict) -> tuple[str, ...]:
    return (*verdict.drifted, *verdict.scenario.expect.get("drifted", ()))


@click.command(cls=Command, epilog=_EPILOG)
@click.option("--url", default="http://127.0.0.1:8123", show_default=True, help="Root of the prediction API.")
@click.option("--model", help="Run this model's suite. Default: every suite whose model the deployment serves.")
@click.option(
    "--suite",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A suite of your own.",
)
@click.option("--timeout", type=FiniteRange(min=0.1), default=10.0, show_default=True, help="Seconds per request.")
def main(url: str, model: str | None, file: Path | None, timeout: float) -> None:
    """Send the drift scenarios to a deployment and check that detection works: a gate after any release."""
    terminal = make_terminal()
    suites = _suites(model, file)
    with httpx.Client(base_url=_address(url), timeout=timeout) as client:
        held = _run(suites, Deployment(client), terminal)
    if held is None:
        raise Refused(f"cannot tell: {url} serves none of {', '.join(suite.model for suite in suites)}")
    terminal.print("[green]Detection works.[/]" if held else "[bold red]Detection does not work.[/]")
    raise click.exceptions.Exit(SUCCESS if held else FINDING)


def _address(url: str) -> httpx.URL:
    """Return the address in a text. Raises BadParameter."""
    with suppress(httpx.InvalidURL):
        address = httpx.URL(url)
        if address.scheme in ("http", "https") and address.host:
            return address
    raise click.BadParameter("expected a URL such as https://abc.example.com", param_hint="--url")


def _suites(model: str | None, file: Path | None) -> list[Suite]:
    suites = shipped_suites() if file is None else _own_suite(file)
    if model is None:
        return list(suites.values())
    if model not in suites:
        raise click.UsageError(f"--model: expected one of {', '.join(suites)}")
    return [suites[model]]


def _own_suite(file: Path) -> dict[str, Suite]:
    """Return the suite in a file, by its model. Raises ContractError, or BadParameter if it cannot be read."""
    try:
        document = documents.read(file)
    except NotJson as error:
        raise click.BadParameter(f"expected strict JSON: {error}", param_hint="--suite") from error
    except OSError as error:
        raise click.BadParameter(
            f"expected a file that can be read ({error.strerror})", param_hint="--suite"
        ) from error
    try:
        schemas.check(SUITE, document)
    except ContractError as error:
        raise ContractError(SUITE, error.violations, source=f"--suite {file.name}") from error
    suite = read_suite(document)
    return {suite.model: suite}


def _run(suites: Sequence[Suite], deployment: Deployment, terminal: Terminal) -> bool | None:
    """Whether all that could be run holds; None where nothing could be run."""
    held = None
    for suite in suites:
        path = deployment.path_of(suite.model)
        if path is not None:
            verdicts = run_suite(suite, deployment, path)
            show(suite, verdicts, terminal)
            held = held is not False and not any(verdict.failures for verdict in verdicts)
    return held
