"""`python -m drift_console.scenarios`: does a deployment see drift where it is, and only there?"""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("drift_console.scenarios", brings="drift-console")

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import click
from drift_client import BrokenResponse, Connection, RequestRefused
from drift_client.cli.authorization import auth_option, chosen_auth
from drift_contracts import (
    ContractError,
    DriftError,
    NotJson,
    Violation,
    documents,
    schemas,
)
from drift_contracts.commands import Command, FiniteRange
from drift_contracts.exits import FINDING, REFUSED, SUCCESS
from drift_contracts.terminal import make_terminal
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from drift_console.suites import Scenario, Suite, read_suite, shipped_suites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift_contracts.types import (
        PredictionResponseV1,
        PredictionResponseV2,
        ScenarioSuiteV1,
        ScenarioSuiteV1ScenarioExpect,
    )
    from rich.console import Console as Terminal
    from rich.console import JustifyMethod

    from drift_console.suites import Features

    Answer = PredictionResponseV1 | PredictionResponseV2

_EPILOG = """
Examples:

\b
  python -m drift_console.scenarios                                  the console on this machine
  python -m drift_console.scenarios --url https://abc.example.com --model house-price

Exit codes: 0 detection works, 1 it does not, 2 wrong usage, 3 the deployment does not answer, 4 it
refuses a request or serves none of the models; see docs/exit-codes.md.
"""
NOT_FOUND = 404
SUITE = "scenario.suite.v1"
CARD = "model.card.v2"
RESPONSES = ("prediction.response.v1", "prediction.response.v2")
#: Names are broken at their hyphens, so that 80 columns hold the table and no word of it is cut.
NAME_WIDTH = 14
HEADINGS = ("scenario", "average", "range", "alerts", "drifted", "expected", "holds")
#: Columns that hold names of features, which are not broken.
NAME_COLUMNS = ("drifted", "expected")


class NotServed(DriftError):
    """The deployment serves none of the models."""

    exit_code = REFUSED


@dataclass(frozen=True)
class Expectation:
    """One thing that a scenario expects of its answers."""

    words: str
    holds: bool


@dataclass(frozen=True)
class Verdict:
    """What a scenario's answers amount to."""

    scenario: Scenario
    #: Drift scores, one for each request.
    scores: tuple[float, ...]
    #: How many scores are above the suite's threshold.
    alerts: int
    #: Features that drifted in any answer, in the order in which they came.
    drifted: tuple[str, ...]
    expectations: tuple[Expectation, ...]

    @property
    def average(self) -> float:
        """Return the mean drift score over the scenario's requests."""
        return sum(self.scores) / len(self.scores)

    @property
    def holds(self) -> bool:
        """Return whether every expectation holds."""
        return all(expectation.holds for expectation in self.expectations)


def check_answers(
    scenario: Scenario,
    answers: Sequence[Answer],
    *,
    threshold: float,
) -> Verdict:
    """Return what the answers amount to, held against what the scenario expects.

    Args:
        scenario: Whose requests were sent.
        answers: One for each request.
        threshold: The drift score above which a request counts as drifted.
    """
    scores = tuple(answer["drift_score"] for answer in answers)
    drifted: dict[str, None] = {}
    for answer in answers:
        drifted |= dict.fromkeys(answer["drift"]["drifted"])
    average = sum(scores) / len(scores)
    alerts = sum(score > threshold for score in scores)
    return Verdict(
        scenario,
        scores,
        alerts,
        tuple(drifted),
        tuple(_expectations(scenario.expect, answers, average, alerts)),
    )


def _expectations(
    expect: ScenarioSuiteV1ScenarioExpect,
    answers: Sequence[Answer],
    average: float,
    alerts: int,
) -> Iterator[Expectation]:
    """Yield what is expected, and whether it holds."""
    if "average_below" in expect:
        bound = expect["average_below"]
        yield Expectation(f"average < {bound:g}", average < bound)
    if "average_from" in expect:
        bound = expect["average_from"]
        yield Expectation(f"average >= {bound:g}", average >= bound)
    if "average_to" in expect:
        bound = expect["average_to"]
        yield Expectation(f"average <= {bound:g}", average <= bound)
    if "average_above" in expect:
        bound = expect["average_above"]
        yield Expectation(f"average > {bound:g}", average > bound)
    if "alerts" in expect:
        count = expect["alerts"]
        yield Expectation(f"{count} alerts", alerts == count)
    if "drifted" in expect:
        names = expect["drifted"]
        holds = all(set(answer["drift"]["drifted"]) == set(names) for answer in answers)
        yield Expectation(f"only {', '.join(names)}", holds)


class Deployment:
    """A running prediction API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def path_of(self, model: str) -> str | None:
        """Return where the model is asked; None where it is not served. Raises ClientError."""
        prefix = f"/models/{quote(model, safe='')}"
        if self._card(f"{prefix}/model") is not None:
            return f"{prefix}/predict"
        # A deployment of one model may answer at its root alone.
        card = self._card("/model")
        if card is not None and card.get("model") == model:
            return "/predict"
        return None

    def _card(self, path: str) -> dict[str, object] | None:
        """Return what is served at a path, None for nothing. Raises ClientError."""
        operation = f"GET {path}"
        try:
            document = self._connection.request(operation)
        except RequestRefused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        if not isinstance(document, dict):
            raise BrokenResponse(operation, CARD, [Violation("", "type", "an object")])
        return document

    def predict(self, path: str, features: Features) -> Answer:
        """Return the answer to one request.

        Args:
            path: As `path_of` returns it.
            features: A value for each feature of the model.

        Raises:
            ClientError: Where no answer came, or one that breaks its contract.
        """
        body = {"features": features}
        answer: Answer = self._connection.request(f"POST {path}", RESPONSES, body)
        return answer


def run_suite(suite: Suite, deployment: Deployment, path: str) -> list[Verdict]:
    """Send every scenario of a suite and check the answers.

    Args:
        suite: Of a model that the deployment serves.
        deployment: That is asked.
        path: Where the model is asked.

    Raises:
        ClientError: Where the deployment does not answer, or refuses.
    """
    verdicts = []
    for scenario in suite.scenarios:
        answers = [deployment.predict(path, features) for features in scenario.requests]
        verdicts.append(check_answers(scenario, answers, threshold=suite.threshold))
    return verdicts


def show_verdicts(suite: Suite, verdicts: Sequence[Verdict], terminal: Terminal) -> None:
    """Print a table; of the expectations, those that do not hold are marked.

    Args:
        suite: That was run.
        verdicts: One for each scenario.
        terminal: Where people read.
    """
    # Names of models and features are others' words: as Text, nothing in them is taken for markup.
    title = Text(f"{suite.model}: drift threshold {suite.threshold:g}", style="table.title")
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
    )
    table.pad_edge = False
    longest = _longest_name(verdicts)
    for heading in HEADINGS:
        justify: JustifyMethod = "right" if heading == "average" else "left"
        width = longest if heading in NAME_COLUMNS else len(heading)
        table.add_column(heading, justify=justify, overflow="fold", min_width=width)
    for verdict in verdicts:
        holds = "[green]yes[/]" if verdict.holds else "[red]no[/]"
        table.add_row(
            Text(fill(verdict.scenario.name, NAME_WIDTH)),
            f"{verdict.average:.2f}",
            f"{min(verdict.scores):.1f}-{max(verdict.scores):.1f}",
            f"{verdict.alerts} of {len(verdict.scores)}",
            Text(", ".join(verdict.drifted) or "none"),
            Text(", ").join(map(_marked, verdict.expectations)),
            holds,
        )
    terminal.print(table)


def _marked(expectation: Expectation) -> Text:
    if expectation.holds:
        return Text(expectation.words)
    return Text(f"✗ {expectation.words}", style="red")


def _longest_name(verdicts: Sequence[Verdict]) -> int:
    names: list[str] = []
    for verdict in verdicts:
        names += verdict.drifted
        names += verdict.scenario.expect.get("drifted", ())
    return max(map(len, names), default=0)


@click.command(cls=Command, epilog=_EPILOG)
@auth_option
@click.option(
    "--url",
    default="http://127.0.0.1:8123",
    show_default=True,
    help="Root of the prediction API.",
)
@click.option(
    "--model",
    help="Run this model's suite. Default: every suite whose model the deployment serves.",
)
@click.option(
    "--suite",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of a suite of yours.",
)
@click.option(
    "--timeout",
    type=FiniteRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Seconds for one attempt; a request that fails is repeated.",
)
def main(url: str, model: str | None, file: Path | None, timeout: float) -> None:
    """Send the drift scenarios to a deployment and check that detection works.

    A gate after any release.
    """
    terminal = make_terminal()
    suites = _suites(model, file)
    with _connection(url, timeout) as connection:
        results = _run(suites, Deployment(connection), terminal)
    if not results:
        models = ", ".join(suite.model for suite in suites)
        raise NotServed(f"--url: expected a deployment that serves one of {models}")
    if all(results):
        terminal.print("[green]Detection works.[/]")
        raise click.exceptions.Exit(SUCCESS)
    terminal.print("[bold red]Detection does not work.[/]")
    raise click.exceptions.Exit(FINDING)


def _connection(url: str, timeout: float) -> Connection:
    """Return a connection to an address. Raises BadParameter for a text that is none."""
    try:
        return Connection(url, timeout=timeout, auth=chosen_auth(url))
    except ValueError as error:
        expected = "expected a URL such as https://abc.example.com"
        raise click.BadParameter(expected, param_hint="--url") from error


def _suites(model: str | None, file: Path | None) -> list[Suite]:
    suites = shipped_suites() if file is None else _suite_in(file)
    if model is None:
        return list(suites.values())
    if model not in suites:
        raise click.UsageError(f"--model: expected one of {', '.join(suites)}")
    return [suites[model]]


def _suite_in(file: Path) -> dict[str, Suite]:
    """Return the suite in a file, by its model.

    Raises ContractError, or BadParameter if the file cannot be read.
    """
    try:
        document = documents.read(file)
    except NotJson as error:
        raise click.BadParameter(f"expected strict JSON: {error}", param_hint="--suite") from error
    except OSError as error:
        expected = f"expected a file that can be read ({error.strerror})"
        raise click.BadParameter(expected, param_hint="--suite") from error
    try:
        schemas.check(SUITE, document)
    except ContractError as error:
        source = f"--suite {file.name}"
        raise ContractError(SUITE, error.violations, source=source) from error
    suite = read_suite(cast("ScenarioSuiteV1", document))
    return {suite.model: suite}


def _run(suites: Sequence[Suite], deployment: Deployment, terminal: Terminal) -> list[bool]:
    """Print the verdicts of what could be run; return whether all of each suite holds."""
    results = []
    for suite in suites:
        path = deployment.path_of(suite.model)
        if path is not None:
            verdicts = run_suite(suite, deployment, path)
            show_verdicts(suite, verdicts, terminal)
            results.append(all(verdict.holds for verdict in verdicts))
    return results
