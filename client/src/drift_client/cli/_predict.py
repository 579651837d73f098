"""`driftctl predict`: its options are the features of the model, as the service or a feature set says."""

from __future__ import annotations

from functools import partial
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from drift_contracts.commands import Command
from drift_contracts.errors import NotJson
from drift_contracts.features import feature_set
from drift_contracts.parsing import parse_json
from drift_contracts.printable import printable
from rich.table import Table
from rich.text import Text

from drift_client.cli._options import (
    connect,
    console,
    json_option,
    model_option,
    print_json,
    shown,
    timeout_option,
    url_option,
)
from drift_client.cli._served import SHIPPED, Served, asked, described

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_contracts.features import Feature, FeatureSet

    from drift_client import Prediction

PREFIX = "feature_"
SHOWN = 10
"""Categories in a help or a refusal, at most."""

COLOURS = {"normal": "green", "moderate": "yellow", "high": "red"}
EPILOG = """
Examples:

\b
  driftctl predict --bedrooms 3 --bathrooms 2 --sqft 2000 --age 10 --location-score 7
  driftctl predict --model diabetes --help
  driftctl predict --model flat-rent --feature-sets ./models --rooms 2 --json

The service says which features its models have; --feature-sets reads them from a folder instead. A value outside the
bounds is refused before anything is predicted (exit code 2); one that is only unusual is answered, and shows as drift.
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


class Category(click.ParamType):  # type: ignore[type-arg]  # as above
    """One of the closed categories of a feature; a refusal names at most ten of them."""

    name = "category"

    def __init__(self, feature: Feature) -> None:
        self._feature = feature

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the category that a text names."""
        if value not in self._feature.categories:
            self.fail(f"expected one of {_first(self._feature)}", param, ctx)
        return str(value)


class PredictCommand(Command):
    """A command whose options depend on the model, which the service or `--feature-sets` describes."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Find which model is meant, wherever that stands among the words; then parse with its options."""
        first = self._first_look(info_name, args, parent)
        served = _served(first, wants_help=not {"-h", "--help"}.isdisjoint(args))
        own = served.feature_set
        taken = {text for param in self.params for text in (*param.opts, "-h", "--help")}
        command = Command(
            self.name,
            callback=partial(cast("Callable[..., None]", self.callback), own),
            params=[*(_option(feature, taken) for feature in own.features), *map(_with(served), self.params)],
            help=printable(f"{cleandoc(self.help or '')}\n\n{_about(served)}"),
            epilog=self.epilog,
        )
        return command.make_context(info_name, args, parent, **extra)

    def _first_look(self, info_name: str | None, args: list[str], parent: click.Context | None) -> dict[str, Any]:
        """Return the values of the options that every model has; those of features pass unread."""
        look = Command(self.name, params=self.params, add_help_option=False)
        settings = {"ignore_unknown_options": True, "allow_extra_args": True}
        return look.make_context(info_name, list(args), parent, **settings).params


def _served(options: dict[str, Any], *, wants_help: bool) -> Served:
    """Return the model that the options name. Raises as `asked`, and UnknownName for a folder without it."""
    if options["feature_sets"] is not None:
        return Served(feature_set(options["model"] or SHIPPED, options["feature_sets"]))
    look = described if wants_help else asked
    return look(options["url"], options["timeout"], options["model"])


def _with(served: Served) -> Callable[[click.Parameter], click.Parameter]:
    """Return what gives the option `--model` the names to choose from, for its help."""

    def named(param: click.Parameter) -> click.Parameter:
        if param.name != "model" or not served.models:
            return param
        names = ", ".join(served.models)
        help_text = f"Which model to ask: {names}; the service's default if absent."
        return click.Option([*param.opts, param.name], help=printable(help_text))

    return named


def _about(served: Served) -> str:
    own = served.feature_set
    about = f"Model {own.name}: {own.description} Target: {own.target.name} in {own.target.unit}."
    return f"{about} {served.note}".rstrip()


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
        help=printable(_help(feature)),
        metavar=None if feature.type == "boolean" else printable(_metavar(feature)),
    )


def _metavar(feature: Feature) -> str:
    if feature.categories and not feature.other and len(feature.categories) <= SHOWN:
        return f"[{'|'.join(feature.categories)}]"
    return feature.unit.upper().replace(" ", "_")


def _first(feature: Feature) -> str:
    """Return the first categories of a feature, and how many more there are."""
    more = len(feature.categories) - SHOWN
    shown_ones = ", ".join(feature.categories[:SHOWN])
    return f"{shown_ones} and {more} more" if more > 0 else shown_ones


def _type(feature: Feature) -> click.ParamType:  # type: ignore[type-arg]  # as above
    if feature.numeric:
        return Number()
    if feature.type == "boolean":
        return click.BOOL
    return click.STRING if feature.other else Category(feature)


def _help(feature: Feature) -> str:
    facts = [feature.description]
    low = [f"at least {shown(feature.minimum)}"] if feature.minimum is not None else []
    low += [f"more than {shown(feature.exclusive_minimum)}"] if feature.exclusive_minimum is not None else []
    high = [f"at most {shown(feature.maximum)}"] if feature.maximum is not None else []
    high += [f"less than {shown(feature.exclusive_maximum)}"] if feature.exclusive_maximum is not None else []
    bounds = ", ".join(low + high)
    facts += [f"{bounds[0].upper()}{bounds[1:]}."] if bounds else []
    facts += [f"Usually {shown(feature.usual[0])} to {shown(feature.usual[1])}."] if feature.usual else []
    if feature.categories:
        names = _first(feature)
        facts += [f"Known: {names}; others are answered too." if feature.other else f"One of {names}."]
    facts += ["May be left out."] if feature.nullable else []
    return " ".join([*facts, f"For example {shown(feature.example) or 'nothing'}."])


@click.command(cls=PredictCommand, epilog=EPILOG)
@model_option
@click.option(
    "--feature-sets",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with feature sets of your own, one NAME.json each, to read instead of asking the service.",
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
