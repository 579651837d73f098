"""The document: tables between two marks of docs/evidence.md, plots beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.simulate import tables
from benchmarks.simulate.bars import answers
from benchmarks.simulate.plots import plot

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.simulate.bars import Results

BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"


def write(results: Results, docs: Path, scale: float) -> None:
    """Put the tables between the marks of docs/evidence.md, and the plots into docs/evidence/."""
    parts = [
        BEGIN,
        f"Written by `python -m benchmarks.simulate` (scale {scale:g}); means with 95 % intervals.",
        "### What it amounts to",
        tables.table(["question", "measured", "bar"], answers(results)),
        "### Every detector",
        tables.comparison(results),
        "### False alarms of the mixture per 10,000 events (nominal: 0.1)",
        tables.nulls(results),
        "### Delay by law of the values (10,000 reference rows, event by event)",
        tables.laws(results),
        "### Many features (10,000 reference rows, batches of 20)",
        tables.widths(results),
        "### The end of an alarm (batches of 60)",
        tables.ends(results),
        "### Real rows in random order",
        tables.reals(results),
        "### Time structure",
        tables.times(results),
        "![False alarms and delays by reference size, time structure and number of features](evidence/rates.svg)",
        END,
    ]
    path = docs / "evidence.md"
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    plot(results, docs / "evidence")
    path.write_text(before + "\n\n".join(parts) + after)
