"""How often replays of training rows are told, and how often others are: `python -m benchmarks.row_digests`.

Seeded. For each kind of table some training tables are drawn and digested; then replays of 500 and 2,000
rows: runs of consecutive training rows, in three spellings of numbers, and rows of no training table, of
the same distribution, shifted, and of the commonest cells only.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import feature_set
from drift_ml.tables.row_digests import RowDigests, RowSample, as_seen, hash_rows
from drift_ml.training import Recipe, split
from drift_ml.training.sources import house_price

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = np.ndarray

SEED = 7
TABLES = 10
REPLAYS = 20
SIZES = (500, 2000)
TOLD, SILENT, UNKNOWN = "training-rows", "other-rows", "cannot-tell"


def houses(random: np.random.Generator, rows: int) -> Rows:
    """Return the synthetic houses that ship."""
    features = feature_set("house-price")
    return house_price(features, rows, int(random.integers(2**31))).matrix(features)


def noisy(random: np.random.Generator, rows: int) -> Rows:
    """Return twenty numbers of four decimals."""
    return random.normal(size=(rows, 20)).round(4)


def sensors(random: np.random.Generator, rows: int) -> Rows:
    """Return three slow series of one decimal, one often missing."""
    steps = random.normal(0, 0.3, size=(rows, 3))
    drawn = np.cumsum(steps, axis=0) * 0.1 + random.normal(0, 5, size=(rows, 3))
    drawn[random.random(rows) < 0.3, 2] = np.nan
    return drawn.round(1)


def orders(random: np.random.Generator, rows: int) -> Rows:
    """Return a shop's orders: categories with a long tail, amounts in steps of 5."""
    shop = np.minimum(random.zipf(1.5, rows), 60)
    items = np.minimum(random.zipf(2.0, rows), 20)
    amount = 5 * np.rint(random.lognormal(3, 0.8, rows) / 5)
    return np.column_stack([shop, items, amount, random.integers(0, 7, rows)]).astype(np.float64)


def survey(random: np.random.Generator, rows: int) -> Rows:
    """Return five answers of five choices each: few cells, rows repeat by nature."""
    return random.binomial(4, 0.4, size=(rows, 5)).astype(np.float64)


KINDS: dict[str, Callable[[np.random.Generator, int], Rows]] = {
    "houses": houses,
    "noisy": noisy,
    "sensors": sensors,
    "orders": orders,
    "survey": survey,
}


def as_float32(rows: Rows) -> Rows:
    """Return rows as a file of float32 gives them."""
    return rows.astype(np.float32).astype(np.float64)


def as_text(digits: int) -> Callable[[Rows], Rows]:
    """Return what writes numbers with so many digits and reads them again."""

    def spelled(rows: Rows) -> Rows:
        texts = [f"{value:.{digits}g}" for value in rows.ravel().tolist()]
        return np.array(list(map(float, texts))).reshape(rows.shape)

    return spelled


SPELLINGS = (as_float32, as_text(15), as_text(9))


def shifted(rows: Rows) -> Rows:
    """Return rows a little larger in the first column, as drifted traffic is."""
    step = np.nanstd(rows[:, 0]) / 2
    whole = np.all(rows[:, 0] == np.rint(rows[:, 0]))
    return np.column_stack([rows[:, 0] + (np.ceil(step) if whole else step), rows[:, 1:]])


def commonest(rows: Rows) -> Rows:
    """Return the half of the rows that are nearest to the middle, as quiet hours are."""
    spread = np.nanstd(rows, axis=0)
    apart = np.nansum(np.abs(rows - np.nanmedian(rows, axis=0)) / np.where(spread > 0, spread, 1), axis=1)
    return rows[np.argsort(apart, kind="stable")[: len(rows) // 2]]


OTHERS: tuple[Callable[[Rows], Rows], ...] = (np.array, shifted, commonest)


@dataclass
class Outcome:
    """Verdicts of replays of one kind of table. largest: the largest file of digests, in bytes."""

    training: Counter[str]
    others: Counter[str]
    largest: int = 0


def digested(rows: Rows, seed: int) -> RowDigests:
    """Return the digests of a table as training splits it."""
    hashes = hash_rows(as_seen(rows))
    sides = split(len(rows), Recipe(seed=seed))
    return RowDigests.of(hashes[sides.learnt], hashes[sides.held_out])


def verdict(digests: RowDigests, rows: Rows) -> str:
    """Return what a replay of some rows says."""
    sample = RowSample(limit=digests.limit)
    sample.add(hash_rows(as_seen(rows)))
    return digests.compare(sample).verdict


def simulate(draw: Callable[[np.random.Generator, int], Rows], rows: int) -> Outcome:
    """Replay training rows and others against tables of so many rows."""
    outcome = Outcome(Counter(), Counter())
    for table in range(TABLES):
        random = np.random.default_rng((SEED, table))
        learnt = draw(random, rows)
        digests = digested(learnt, table)
        outcome.largest = max(outcome.largest, len(digests.to_bytes()))
        for turn in range(REPLAYS):
            size = SIZES[turn % len(SIZES)]
            start = int(random.integers(0, rows - size + 1))
            replayed = SPELLINGS[turn % len(SPELLINGS)](learnt[start : start + size])
            outcome.training[verdict(digests, replayed)] += 1
            for change in OTHERS:
                factor = 2 if change is commonest else 1
                outcome.others[verdict(digests, change(draw(random, factor * size)))] += 1
    return outcome


def large(rows: int) -> Outcome:
    """Replay 500 rows against a table of so many distinct rows, by their hashes alone."""
    random = np.random.default_rng(SEED)
    outcome = Outcome(Counter(), Counter())
    hashes = random.integers(0, 2**64, rows, dtype=np.uint64)
    digests = RowDigests.of(hashes[: rows * 4 // 5], hashes[rows * 4 // 5 :])
    outcome.largest = len(digests.to_bytes())
    for _ in range(5000):
        start = int(random.integers(0, rows - SIZES[0]))
        for counted, replayed in (
            (outcome.training, hashes[start : start + SIZES[0]]),
            (outcome.others, random.integers(0, 2**64, SIZES[0], dtype=np.uint64)),
        ):
            sample = RowSample(limit=digests.limit)
            sample.add(replayed)
            counted[digests.compare(sample).verdict] += 1
    return outcome


def line(name: str, outcome: Outcome) -> str:
    """Return one row of the table that is printed."""
    counts = [outcome.training[key] for key in (TOLD, SILENT, UNKNOWN)]
    counts += [outcome.others[key] for key in (TOLD, SILENT, UNKNOWN)]
    return f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + f" | {outcome.largest:,} |"


def main() -> None:
    """Print a table of verdicts."""
    print("| table | training: told | not | cannot tell | others: told | not | cannot tell | bytes |")
    print("|---|---|---|---|---|---|---|---|")
    sizes = [int(word) for word in sys.argv[1:]] or [3000, 20_000]
    for name, draw in KINDS.items():
        for rows in sizes:
            print(line(f"{name}, {rows:,} rows", simulate(draw, rows)), flush=True)
    for rows in (1_000_000, 15_000_000):
        print(line(f"distinct rows, {rows:,} of them", large(rows)), flush=True)


if __name__ == "__main__":
    main()
