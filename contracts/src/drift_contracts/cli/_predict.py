"""`driftctl predict`: its options are the features of the model, read from the feature set."""

from __future__ import annotations

from functools import partial
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from rich.table import Table
from rich.text import Text

from drift_contracts.cli._options import (
    connect,
    console,
    json_option,
    model_option,
    print_json,
    shown,
    timeout_option,
    url_option,
)
from drift_contracts.errors import NotJson
from drift_contracts.features import feature_set
from drift_contracts.parsing import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_contracts.client import Prediction
    from drift_contracts.features import Feature, FeatureSet

DEFAULT = "house-price"
PREFIX = "feature_"
COLOURS = {"normal": "green", "moderate": "yellow", "high": "red"}
EPILOG = """
Examples:

\b
  driftctl predict --bedrooms 3 --bathrooms 2 --sqft 2000 --age 10 --location-score 7
  driftctl predict --model diabetes --help
  driftctl predict --model flat-rent --feature-sets ./models --rooms 2 --json

A value outside the bounds is refused before anything is sent (exit code 2); one that is only unusual is answered,
and shows as drift.
"""


class Number(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A JSON number, so that 3 stays an integer and 3.0 a fraction written out."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number in a text."""
        try:
            number = parse_json(str(value))
        except NotJson:
            number = None
        if isinstance(number, bool) or not isinstance(number, int | float):
            self.fail("expected a number", param, ctx)
        return number


class PredictCommand(click.Command):
    """A command whose options depend on `--model` and `--feature-sets`, wherever they stand among its arguments."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read which model is meant, then parse with that model's options."""
        model, folder = _given(args, "--model") or DEFAULT, _given(args, "--feature-sets")
        own = feature_set(model, folder)
        taken = {text for param in self.params for text in (*param.opts, "--help")}
        command = click.Command(
            self.name,
            callback=partial(cast("Callable[..., None]", self.callback), own),
            params=[*(_option(feature, taken) for feature in own.features), *self.params],
            help=f"{cleandoc(self.help or '')}\n\n{_about(own)}",
            epilog=self.epilog,
        )
        return command.make_context(info_name, args, parent, **extra)


def _about(own: FeatureSet) -> str:
    return f"Model {own.name}: {own.description} Target: {own.target.name} in {own.target.unit}."


def _given(args: list[str], option: str) -> str | None:
    """The value of an option among unparsed arguments, the last one if given twice."""
    found = None
    for place, word in enumerate(args):
        if word == option and place + 1 < len(args):
            found = args[place + 1]
        elif word.startswith(f"{option}="):
            found = word.partition("=")[2]
    return found


def _option(feature: Feature, taken: set[str]) -> click.Option:
    name = "--" + feature.name.replace("_", "-")
    name = f"--feature-{name[2:]}" if name in taken else name
    switch = f"{name}/--no-{name[2:]}" if feature.type == "boolean" else name
    left_out: dict[str, Any] = {"default": None} if feature.nullable else {}
    return click.Option(
        [switch, PREFIX + feature.name],
        type=_type(feature),
        required=not feature.nullable,
        **left_out,
        help=_help(feature),
        metavar=None if feature.type == "boolean" else feature.unit.upper().replace(" ", "_"),
    )


def _type(feature: Feature) -> click.ParamType:  # type: ignore[type-arg]  # as above
    if feature.numeric:
        return Number()
    if feature.type == "boolean":
        return click.BOOL
    return click.STRING if feature.other else click.Choice(feature.categories)


def _help(feature: Feature) -> str:
    facts = [feature.description]
    low = [f"at least {shown(feature.minimum)}"] if feature.minimum is not None else []
    low += [f"more than {shown(feature.exclusive_minimum)}"] if feature.exclusive_minimum is not None else []
    high = [f"at most {shown(feature.maximum)}"] if feature.maximum is not None else []
    high += [f"less than {shown(feature.exclusive_maximum)}"] if feature.exclusive_maximum is not None else []
    bounds = ", ".join(low + high)
    facts += [f"{bounds[0].upper()}{bounds[1:]}."] if bounds else []
    facts += [f"Usually {shown(feature.usual[0])} to {shown(feature.usual[1])}."] if feature.usual else []
    facts += [f"Known: {', '.join(feature.categories)}; others are answered too."] if feature.other else []
    facts += ["May be left out."] if feature.nullable else []
    return " ".join([*facts, f"For example {shown(feature.example) or 'nothing'}."])


@click.command(cls=PredictCommand, epilog=EPILOG)
@model_option
@click.option(
    "--feature-sets",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with feature sets of your own, one NAME.json each.",
)
@click.option("--prediction-id", help="A UUID under which the prediction counts once; made for you if absent.")
@url_option
@timeout_option
@json_option
def predict(own: FeatureSet, /, **options: Any) -> None:
    """Predict one instance, with its drift.

    The drift score says how unlike the training data the instance is.
    """
    features = {name.removeprefix(PREFIX): value for name, value in options.items() if name.startswith(PREFIX)}
    with connect(options["url"], options["timeout"], own.name, own) as client:
        answer = client.predict({name: features[name] for name in own.names}, options["prediction_id"])
    if options["as_json"]:
        print_json(answer)
    else:
        _show(answer, own)


def _show(answer: Prediction, own: FeatureSet) -> None:
    colour = COLOURS[answer.drift.severity]
    table = Table("feature", "value", "unit", "usual", "z", title_justify="left")
    for feature in own.features:
        z = answer.drift.z.get(feature.name)
        usual = "" if feature.usual is None else f"{shown(feature.usual[0])} to {shown(feature.usual[1])}"
        marked = feature.name in answer.drift.drifted
        distance = "" if z is None else f"{z:+.2f}"
        cells = (feature.name, shown(answer.features[feature.name]), feature.unit, usual, distance)
        table.add_row(*(Text(cell, style="red" if marked else "") for cell in cells))
    table.title = f"{own.target.name}: {shown(answer.prediction)} {own.target.unit}"
    terminal = console()
    terminal.print(table)
    terminal.print(f"drift score {answer.drift_score:.2f}: [{colour}]{answer.drift.severity}[/{colour}]")
    terminal.print(f"{answer.model} {answer.model_version}, prediction {answer.prediction_id}", soft_wrap=True)
