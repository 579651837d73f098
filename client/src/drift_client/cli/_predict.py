"""`driftctl predict`: its options are the features of the model, as the service describes them."""

from __future__ import annotations

import dataclasses
import shlex
from functools import partial
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from drift_contracts.commands import Command
from drift_contracts.errors import NotJson
from drift_contracts.features import feature_set as load_feature_set
from drift_contracts.parsing import parse_json
from drift_contracts.printable import printable
from drift_contracts.wording import listed, spoken_unit
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
from drift_client.cli._served import SHIPPED, Served, described_model, served_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drift_contracts.features import Feature, FeatureSet, Target

    from drift_client import Prediction

#: Parameters of features begin with it, so that no feature can be named like another parameter.
PREFIX = "feature_"
#: Categories in a help or a refusal, at most.
SHOWN = 10
#: Members that only classifiers and models of several outputs have.
SCORED = ("label", "probabilities", "threshold", "predictions")
COLOURS = {"normal": "green", "moderate": "yellow", "high": "red"}
HELP_OPTIONS = ("-h", "--help")
EPILOG = """
Examples:

\b
{example}
  driftctl predict --model diabetes --help
  driftctl predict --model flat-rent --feature-sets ./models --rooms 2 --json

The service says which features its models have; --feature-sets reads them from a folder instead. A
value outside the bounds is refused before anything is predicted (exit code 2); one that is only
unusual is answered, and shows as drift.
"""


class Number(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A JSON number, so that 3 stays an integer and 3.0 a fraction written out."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number in a text."""
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

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the category that a text names."""
        if value not in self._feature.categories:
            self.fail(f"expected one of {_first_categories(self._feature)}", param, ctx)
        return str(value)


class PredictCommand(Command):
    """A command whose options depend on the model, which the service or a folder describes."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # as click has it
    ) -> click.Context:
        """Find which model is meant, wherever that stands among the words; then parse them all."""
        options = self._model_options(info_name, args, parent)
        wants_help = not set(HELP_OPTIONS).isdisjoint(args)
        served = _served(options, wants_help=wants_help)
        features = served.feature_set
        names = {name for param in self.params for name in param.opts}
        names.update(HELP_OPTIONS)
        callback = cast("Callable[..., None]", self.callback)
        command = Command(
            self.name,
            callback=partial(callback, features),
            params=[
                *(_option(feature, names) for feature in features.features),
                *(_with_choices(param, served) for param in self.params),
            ],
            help=printable(f"{cleandoc(self.help or '')}\n\n{_about(served)}"),
            epilog=EPILOG.format(example=_example(features, names)),
        )
        return command.make_context(info_name, args, parent, **extra)

    def _model_options(
        self, info_name: str | None, args: list[str], parent: click.Context | None
    ) -> Mapping[str, Any]:  # click's own: each option has its type
        """Return the values of the options that every model has; those of features are ignored."""
        parser = Command(self.name, params=self.params, add_help_option=False)
        context = parser.make_context(
            info_name, list(args), parent, ignore_unknown_options=True, allow_extra_args=True
        )
        return context.params


def _served(options: Mapping[str, Any], *, wants_help: bool) -> Served:  # as click returns them
    """Return the model that the options name.

    Raises:
        UnknownName: It is neither served nor in the folder; the choices are in the message.
        click.UsageError: No name was given, and it takes one.
        ClientError: The service does not answer, or says no.
    """
    if options["feature_sets"] is not None:
        return Served(load_feature_set(options["model"] or SHIPPED, options["feature_sets"]))
    find = described_model if wants_help else served_model
    return find(options["url"], options["timeout"], options["model"])


def _with_choices(param: click.Parameter, served: Served) -> click.Parameter:
    """Return an option as it is, but `--model` with the names to choose from in its help."""
    if param.name != "model" or not served.models:
        return param
    names = ", ".join(served.models)
    help_text = f"Which model to ask: {names}; the service's default if absent."
    return click.Option([*param.opts, param.name], help=printable(help_text))


def _about(served: Served) -> str:
    """Return what the help says of the model."""
    model = served.feature_set
    target = f"Target: {_target_words(model.target)}."
    return f"Model {model.name}: {model.description} {target} {served.note}".rstrip()


def _target_words(target: Target) -> str:
    """Return what is predicted: a number in its unit, several numbers, or a class."""
    if target.is_class:
        return f"{target.name}, one of {listed(target.classes)}"
    if target.outputs:
        units = [_in_unit(output.name, output.unit) for output in target.outputs]
        return f"{target.name}: {listed(units)}"
    return _in_unit(target.name, target.unit)


def _in_unit(name: str, unit: str) -> str:
    """Return what is predicted with its unit, if it has one."""
    spoken = spoken_unit(unit)
    return f"{name} in {spoken}" if spoken else name


def _option(feature: Feature, names: set[str]) -> click.Option:
    """Return the option of a feature.

    Args:
        feature: The feature.
        names: Options that there are already; a feature of such a name is asked for under another.
    """
    name = "--" + feature.name.replace("_", "-")
    if name in names:
        name = f"--feature-{name[2:]}"
    boolean = feature.type == "boolean"
    declaration = f"{name}/--no-{name[2:]}" if boolean else name
    # without a default click takes a switch that is left out for False, not for a null
    make = partial(click.Option, default=None) if feature.nullable else click.Option
    return make(
        [declaration, PREFIX + feature.name],
        type=_type(feature),
        required=not feature.nullable,
        help=printable(_help(feature)),
        metavar=None if boolean else printable(_metavar(feature)),
    )


def _example(
    feature_set: FeatureSet,
    names: set[str],
) -> str:
    """Return the command that asks for the example of a feature set, of its first ten features.

    Args:
        feature_set: of the model.
        names: options that are no features.
    """
    model = feature_set.name
    words = ["driftctl", "predict"]
    words += [] if model == SHIPPED else ["--model", model]
    for feature in feature_set.features[:SHOWN]:
        option = _option(feature, names)
        if feature.example is None:
            continue
        if feature.type == "boolean":
            words.append((option.opts if feature.example else option.secondary_opts)[0])
        else:
            words += [option.opts[0], str(feature.example)]
    others = " ..." if len(feature_set.features) > SHOWN else ""
    return f"  {printable(shlex.join(words))}{others}"


def _metavar(feature: Feature) -> str:
    """Return what stands in the help for a feature's value: its categories, if few, or its unit."""
    if feature.categories and not feature.other and len(feature.categories) <= SHOWN:
        return f"[{'|'.join(feature.categories)}]"
    unit = spoken_unit(feature.unit) or feature.type
    return unit.upper().replace(" ", "_")


def _first_categories(feature: Feature) -> str:
    """Return the first categories of a feature, and how many more there are."""
    names = ", ".join(feature.categories[:SHOWN])
    more = len(feature.categories) - SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _type(feature: Feature) -> click.ParamType:  # type: ignore[type-arg]  # as above
    """Return how click reads a feature's value."""
    if feature.numeric:
        return Number()
    if feature.type == "boolean":
        return click.BOOL
    return click.STRING if feature.other else Category(feature)


def _help(feature: Feature) -> str:
    """Return what the help says of a feature: what it is, bounds, usual values, an example."""
    sentences = [feature.description]
    bounds = ", ".join(_bounds(feature))
    if bounds:
        sentences.append(f"{bounds[0].upper()}{bounds[1:]}.")
    if feature.usual:
        low, high = feature.usual
        sentences.append(f"Usually {shown(low)} to {shown(high)}.")
    if feature.categories:
        names = _first_categories(feature)
        if feature.other:
            sentences.append(f"Known: {names}; others are answered too.")
        else:
            sentences.append(f"One of {names}.")
    if feature.nullable:
        sentences.append("May be left out.")
    sentences.append(f"For example {shown(feature.example) or 'nothing'}.")
    return " ".join(sentences)


def _bounds(feature: Feature) -> list[str]:
    """Return the bounds of a feature in words, the lower ones first."""
    bounds = {
        "at least": feature.minimum,
        "more than": feature.exclusive_minimum,
        "at most": feature.maximum,
        "less than": feature.exclusive_maximum,
    }
    return [f"{words} {shown(bound)}" for words, bound in bounds.items() if bound is not None]


@click.command(cls=PredictCommand)
@model_option
@click.option(
    "--feature-sets",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with feature sets of your own, one NAME.json each; the service is not asked.",
)
@click.option(
    "--prediction-id",
    help="A UUID under which the prediction counts once; made for you if absent.",
)
@url_option
@timeout_option
@json_option
# Any: the names are those of the features, and each option has the type of its feature
def predict(feature_set: FeatureSet, /, **options: Any) -> None:
    """Predict one instance, with its drift.

    The drift score says how unlike the training data the instance is.
    """
    features = {name: options[PREFIX + name] for name in feature_set.names}
    with connect(options["url"], options["timeout"], feature_set.name, feature_set) as client:
        answer = client.predict(features, options["prediction_id"])
    if options["as_json"]:
        print_json(_document(answer))
    else:
        _show(answer, feature_set)


def _document(answer: Prediction) -> dict[str, object]:
    """Return the members of a prediction, without those that its model does not have."""
    members = dataclasses.asdict(answer)
    for name in SCORED:
        if members[name] is None:
            del members[name]
    return members


def _show(answer: Prediction, feature_set: FeatureSet) -> None:
    """Print a prediction for people: a row for each feature, those that drifted in red."""
    table = Table("feature", "value", "unit", "usual", "z", title_justify="left")
    for feature in feature_set.features:
        z = answer.drift.z.get(feature.name)
        usual = ""
        if feature.usual is not None:
            low, high = feature.usual
            usual = f"{shown(low)} to {shown(high)}"
        cells = (
            feature.name,
            shown(answer.features[feature.name]),
            spoken_unit(feature.unit),
            usual,
            "" if z is None else f"{z:+.2f}",
        )
        style = "red" if feature.name in answer.drift.drifted else ""
        table.add_row(*(Text(cell, style=style) for cell in cells))
    # classes and units are others' words: as Text, nothing in them is taken for markup
    table.title = Text(_headline(answer, feature_set.target), style="table.title")
    terminal = console()
    terminal.print(table)
    for line in _scores(answer):
        terminal.print(line, markup=False, highlight=False)
    severity = answer.drift.severity
    colour = COLOURS[severity]
    terminal.print(f"drift score {answer.drift_score:.2f}: [{colour}]{severity}[/{colour}]")
    model = f"{answer.model} {answer.model_version}"
    terminal.print(f"{model}, prediction {answer.prediction_id}", soft_wrap=True)


def _headline(answer: Prediction, target: Target) -> str:
    """Return what a table of a prediction is called: the class, or the first number."""
    if answer.label is not None:
        return f"{target.name}: {answer.label}"
    if answer.predictions is not None:
        return f"{target.name}: {len(answer.predictions)} numbers"
    return f"{target.name}: {shown(answer.prediction)} {spoken_unit(target.unit)}".rstrip()


def _scores(answer: Prediction) -> Iterator[str]:
    """Yield a line for each of the likeliest classes, or for each output."""
    for name, number in (answer.predictions or {}).items():
        yield f"{name}: {shown(number)}"
    shares = sorted((answer.probabilities or {}).items(), key=lambda pair: -pair[1])
    for name, share in shares[:SHOWN]:
        yield f"{name}: {share:.3f}"
    if len(shares) > SHOWN:
        yield f"and {len(shares) - SHOWN} classes that are less likely"
    if answer.threshold is not None:
        yield f"threshold {shown(answer.threshold)}"
    # a classifier's drift is also that of its answer: score, margin, entropy
    for name, z in answer.drift.z.items():
        if name not in answer.features and z is not None:
            yield f"z of {name} {z:+.2f}"
