"""Our detector over many streams at once: the product's tables and its recursion, with a leading axis."""

from __future__ import annotations

import numpy as np
from drift_ml.baseline import Baseline
from drift_ml.evidence import Capital, Tables, log_mixture

from benchmarks.simulate.coding import codes
from benchmarks.simulate.streams import feature_set


class Watched:
    """A reference and its tables."""

    def __init__(self, reference: np.ndarray) -> None:
        columns = reference.shape[1]
        named = {f"x{i}": reference[:, i] for i in range(columns)}
        self.baseline = Baseline.from_columns(feature_set(columns), named)
        self.channels = self.baseline.to_json()["channels"]
        self.tables = Tables.build(self.channels)

    def gains(self, rows: np.ndarray, batch: int) -> np.ndarray:
        """The joint log-likelihood ratio of each batch of rows, shape (batches, charts)."""
        found = codes(self.baseline, rows)
        parts = []
        for place, table in enumerate(self.tables.ratios):
            padded = np.concatenate([table, np.zeros((1, table.shape[1]))])
            parts.append(padded[found[:, place]].reshape(len(rows) // batch, batch, table.shape[1]).sum(axis=1))
        return np.concatenate(parts, axis=1)


def padded(watched: list[Watched], streams: list[np.ndarray], batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains (replicates, batches, charts), reference rows and log weights; fewer charts are filled up with
    none."""
    gains = [each.gains(stream, batch) for each, stream in zip(watched, streams, strict=True)]
    most = max(each.shape[1] for each in gains)

    def fill(values: np.ndarray, value: float) -> np.ndarray:
        return np.concatenate([values, np.full((*values.shape[:-1], most - values.shape[-1]), value)], axis=-1)

    rows = np.stack([fill(each.tables.rows, 1.0) for each in watched])
    weights = np.stack([fill(each.tables.log_weights, -np.inf) for each in watched])
    return np.stack([fill(each, 0.0) for each in gains]), rows, weights


def alarms(
    watched: list[Watched],
    streams: list[np.ndarray],
    *,
    batch: int,
    bar: float,
    exact: bool = False,
    spread: float = 1.0,
    first: bool = False,
) -> list[list[int]]:
    """Per stream, after how many events each alarm came; the evidence starts anew after each.

    exact: pretend that the reference has no error. first: stop at a stream's first alarm.
    """
    gains, rows, weights = padded(watched, streams, batch)
    if exact:
        rows = np.full_like(rows, np.inf)
    capital = Capital.empty(*rows.shape)
    found: list[list[int]] = [[] for _ in streams]
    waiting = np.ones(len(streams), dtype=bool)
    for step in range(gains.shape[1]):
        capital.advance(gains[:, step], batch, rows, np.float64(spread))
        over = np.flatnonzero((log_mixture(capital.log, weights) >= np.log(bar)) & waiting)
        for stream in over:
            found[stream].append((step + 1) * batch)
        if len(over):
            capital.clear(*over.tolist())
            if first:
                waiting[over] = False
                if not waiting.any():
                    break
    return found
