"""The plot of the world's time: who is in alarm for how long, and how soon a shift is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from benchmarks.simulate.world.happened import happened
from benchmarks.simulate.world.real_tables import TABLES
from benchmarks.simulate.world.report import DETECTORS, mean_of, restricted
from benchmarks.simulate.world.services import STRUCTURES

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.simulate.world.report import Proof

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "world", "svg.fonttype": "none"})

import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first

#: Detectors that say nothing are left out of the plot.
SHOWN = [name for name in DETECTORS if not name.startswith(("always", "every"))]


def plot(proof: Proof, folder: Path) -> None:
    """Write docs/evidence/world.svg.

    Args:
        proof: what was run.
        folder: of the plot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 6), layout="constrained")
    names = [structure.words for structure in STRUCTURES]
    alarms = [[_figure(proof, name, each.key, "in_alarm") for each in STRUCTURES] for name in SHOWN]
    delays = [[_figure(proof, name, each.key, "first") for each in STRUCTURES] for name in SHOWN]
    _dots(left, names, alarms, "time in alarm without a drift")
    _dots(middle, names, delays, "events to a .5 sd shift")
    middle.set_xscale("log")
    middle.set_yticklabels([])
    tables = [table for table in TABLES if any(key[1] == table.name for key in proof.tables)]
    shares = [[_share(proof, name, table.name) for table in tables] for name in SHOWN]
    _dots(right, [happened(table.name).title for table in tables], shares, "time in alarm, tables")
    left.legend(fontsize=7)
    figure.savefig(folder / "world.svg", metadata={"Date": None})
    plt.close(figure)


def _figure(proof: Proof, name: str, key: str, part: str) -> float:
    runs = proof.services.get((name, key))
    if not runs:
        return float("nan")
    return mean_of(runs, part) if part == "in_alarm" else restricted(runs, part)


def _share(proof: Proof, name: str, table: str) -> float:
    figures = proof.tables.get((name, table))
    return float("nan") if figures is None else float(figures["in_alarm"])


def _dots(axes: Axes, names: list[str], figures: list[list[float]], title: str) -> None:
    """Draw one row a name and one dot a detector."""
    places = np.arange(len(names))
    for shift, (name, values) in enumerate(zip(SHOWN, figures, strict=True)):
        axes.plot(values, places + 0.12 * (shift - 2), "o", markersize=4, label=name)
    axes.set_yticks(places, names, fontsize=7)
    axes.set_title(title, fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=True, axis="x", alpha=0.3)
