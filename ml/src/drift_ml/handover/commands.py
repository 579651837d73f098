"""`driftctl pack`: from a model's file to a bundle, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal

from drift_ml.read_options import read_options

if TYPE_CHECKING:
    from rich.console import Console

    from .request import Handover, Packed

#: What is no option of reading a table, by name.
OPTIONS = ("held_out", "features", "target", "answers", "name", "out")
EPILOG = """
Examples:

\b
  driftctl pack --model model.joblib --data train.csv --target price --held-out test.csv
  driftctl pack --model model.joblib --data rows-answers.csv --target price --answers answer
  driftctl pack --model booster.ubj --data rows.parquet --features wine.json
  driftctl pack --model model.onnx --data rows.csv --target price --answers prediction

MODEL is a joblib or pickle file, a skops file, an MLflow folder, XGBoost's .ubj or .json,
LightGBM's text or CatBoost's .json. Nothing of it is executed. To prove that the packed model
answers as the library does, add the library's own answers to the rows; the last lines print a
script that writes them.
An ONNX file is served by ONNX Runtime, which pip install 'drift-predictor[onnx]' brings.

Exit codes: 0 written, 2 a file that cannot be read or served, 70 the packed model answers
otherwise (nothing is written); see docs/exit-codes.md.
"""


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    metavar="FILE",
    help="The model's file, or MLflow folder.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="ROWS",
    help="Rows that it was fitted on: CSV, TSV or Parquet.",
)
@click.option(
    "--held-out",
    type=click.Path(path_type=Path),
    metavar="ROWS",
    help="Rows that it was not fitted on: scores and expected errors are of them.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="JSON",
    help="A feature set. Default: proposed from the rows, as driftctl init does.",
)
@click.option("--target", metavar="COLUMN", help="The column that is predicted.")
@click.option(
    "--answers",
    multiple=True,
    metavar="COLUMN",
    help="A column of the rows with the library's own answers, to compare with; repeat it for each"
    " class or output. Of two classes one is enough: the probability of the last.",
)
@click.option("--name", metavar="MODEL", help="The model's name. Default: the feature set's.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/bundles"),
    show_default=True,
    help="The folder of all bundles.",
)
@reading_options
def main(
    model: Path,
    data: Path,
    **options: Any,
) -> None:
    """Pack a model out of a file, to be served; nothing of the file is executed.

    The bundle becomes the current version of its model.
    """
    # --help need not wait for numpy and pyarrow.
    from .pack import pack  # noqa: PLC0415
    from .request import Handover  # noqa: PLC0415

    named = {name: options.pop(name) for name in OPTIONS}
    handover = Handover(model, data, **named, reading=read_options(options))
    packed = pack(handover)
    _show(packed, handover, make_terminal(stderr=True))


def _show(
    packed: Packed,
    handover: Handover,
    terminal: Console,
) -> None:
    """Print what was packed, how it was proven, and what to do next."""
    from .onnx_models import ONNX, onnx_words  # noqa: PLC0415 - see main
    from .proofs import UNPROVEN  # noqa: PLC0415
    from .script import answers_script  # noqa: PLC0415

    def say(words: str, style: str | None = None) -> None:
        """Print a line as it is."""
        terminal.print(words, style=style, markup=False, highlight=False, soft_wrap=True)

    exported = packed.exported
    exactness, manifest = exported.exactness, exported.manifest
    say(f"packed  {packed.kind} of {exactness.library} {exactness.version}")
    for warning in manifest["warnings"]:
        say(f"look at: {warning['words']}", "yellow")
    if exactness.grade == ONNX:
        for line in onnx_words(exactness):
            say(line)
    elif exactness.grade == UNPROVEN:
        script, columns = answers_script(packed, handover.data)
        say("To prove it, run these lines where the model was trained,")
        say(script)
        say("then pack it again with the file that they write:")
        options = [word for column in columns for word in ("--answers", column)]
        say("  ... --data " + shlex.join([f"{handover.data.stem}-answers.csv", *options]))
    else:
        hard = f" and {exactness.hard_rows:,} hard ones" if exactness.hard_rows else ""
        say(f"{exactness.grade}: {exactness.call}, {exactness.rows:,} rows{hard}")
    say(f"wrote  {exported.bundle}; serve it by")
    say(f"  {shlex.join(['driftctl', 'serve', '--bundles', str(handover.out)])}")
