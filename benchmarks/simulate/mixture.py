"""Our detector over many streams at once: the product's tables and its recursion, with a leading axis."""

from __future__ import annotations

from itertools import chain

import numpy as np
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Capital, Tables, log_mixture

from benchmarks.simulate.coding import codes
from benchmarks.simulate.streams import feature_set


class Watched:
    """A reference and its tables."""

    def __init__(self, reference: np.ndarray, law: str = "normal") -> None:
        columns = reference.shape[1]
        named = {f"x{i}": reference[:, i] for i in range(columns)}
        self.baseline = fit_baseline(feature_set(columns, law), named)
        self.channels = self.baseline.channels
        self.tables = Tables.build(self.channels)
        # What is in no bin of a channel, as the last row, says nothing to its charts.
        self.longer = [np.concatenate([table, np.zeros((1, table.shape[1]))]) for table in self.tables.ratios]

    def taken(self, rows: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """What each batch of rows says, both of shape (batches, charts).

        The joint log-likelihood ratios, and how many events have a bin in each chart's channel.
        """
        found = codes(self.baseline, rows)
        batches = len(rows) // batch
        number = np.repeat(np.arange(batches), batch)
        parts = []
        for own, table, longer in zip(found.T, self.tables.ratios, self.longer, strict=True):
            if batch == 1:
                parts.append(longer[own])
            else:
                cells = number * len(table) + own
                if own.min() < 0:
                    cells = cells[own >= 0]
                flat = np.bincount(cells, minlength=batches * len(table))
                parts.append(flat.reshape(-1, len(table)).astype(float) @ table)
        events = (found >= 0).reshape(batches, batch, -1).sum(axis=1)
        return np.concatenate(parts, axis=1), events[:, self.tables.places].astype(float)


AT_ONCE = 200
"""Batches whose gains are computed together."""
CELLS = 2**20
"""Rows times channels that are looked up together: more do not fit into a processor's cache."""


def padded(values: list[np.ndarray], filling: float) -> np.ndarray:
    """Stacked, shape (streams, ..., charts); fewer charts than the most are filled up."""
    most = max(each.shape[-1] for each in values)
    if all(each.shape[-1] == most for each in values):
        return np.stack(values)

    def fill(own: np.ndarray) -> np.ndarray:
        return np.concatenate([own, np.full((*own.shape[:-1], most - own.shape[-1]), filling)], axis=-1)

    return np.stack([fill(each) for each in values])


def said(watched: list[Watched], parts: list[np.ndarray], batch: int) -> tuple[np.ndarray, np.ndarray]:
    """What each batch of equally long streams says, as `Watched.taken`, shape (streams, batches, charts).

    The streams of one reference are taken together.
    """
    places: dict[int, list[list[int]]] = {}
    for place, each in enumerate(watched):
        groups = places.setdefault(id(each), [[]])
        if len(groups[-1]) * len(parts[0]) * len(each.channels) > CELLS:
            groups.append([])
        groups[-1].append(place)
    gains, seen = [np.empty(0)] * len(parts), [np.empty(0)] * len(parts)
    for listed in chain.from_iterable(places.values()):
        taken = watched[listed[0]].taken(np.concatenate([parts[place] for place in listed]), batch)
        both = (np.split(values, len(listed)) for values in taken)
        for place, *of_stream in zip(listed, *both, strict=True):
            gains[place], seen[place] = of_stream
    return padded(gains, 0.0), padded(seen, 0.0)


def alarms(
    watched: list[Watched],
    streams: list[np.ndarray],
    *,
    batch: int,
    bar: float,
    exact: bool = False,
    spread: float = 1.0,
    until: float = np.inf,
) -> list[list[int]]:
    """Per stream, after how many events each alarm came; the evidence starts anew after each.

    exact: pretend that the reference has no error. until: stop once every stream had an alarm after so many events.
    """
    rows = padded([each.tables.rows for each in watched], 1.0)
    weights = padded([each.tables.log_weights for each in watched], -np.inf)
    if exact:
        rows = np.full_like(rows, np.inf)
    capital = Capital.empty(*rows.shape)
    found: list[list[int]] = [[] for _ in streams]
    chunk = AT_ONCE * batch
    for start in range(0, min(map(len, streams)), chunk):
        gains, seen = said(watched, [stream[start : start + chunk] for stream in streams], batch)
        for step in range(gains.shape[1]):
            capital.advance(gains[:, step], batch, rows, np.float64(spread), seen=seen[:, step])
            over = np.flatnonzero(log_mixture(capital.log, weights) >= np.log(bar)).tolist()
            for stream in over:
                found[stream].append(start + (step + 1) * batch)
            if over:
                capital.clear(*over)
        if all(each and each[-1] > until for each in found):
            break
    return found
