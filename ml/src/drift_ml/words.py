"""Findings as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.figures import plain_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drift_ml.evidence import DriftFinding


def change(finding: DriftFinding) -> str:
    """Return what changed and by how much, in a clause.

    >>> from drift_ml.evidence import DriftFinding
    >>> change(DriftFinding("age", "location", "up", 0.5, 0.5, 0.0, 1, 1, 1, {}))
    'mean up by 0.5 standard deviations'
    """
    size, direction = finding.size, finding.direction
    if finding.kind == "location":
        return f"mean {direction} by {plain_number(abs(size), 2)} standard deviations"
    if finding.kind == "scale":
        return f"spread {direction}, to {plain_number(size, 2)} times"
    if finding.kind == "correlation":
        return f"correlation {direction} by {plain_number(abs(size), 2)}"
    if finding.kind == "together":
        where = "farther from" if direction == "up" else "closer to"
        return f"{where} the middle together"
    # The direction of a category, or of one bin of a number, has its name before it.
    label, _, way = direction.rpartition(" ")
    verb = "rose" if way == "up" else "fell"
    return f"the share of {label} {verb}" if label else f"the share {verb}"


def subject(channel: str) -> str:
    """Return a channel's name as words.

    >>> subject("product:age:sqft"), subject("missing:age")
    ('age with sqft', 'missing age')
    >>> subject("sum_of_squares"), subject("age")
    ('all features together', 'age')
    >>> subject("sum:all"), subject("concordance:age:sqft")
    ('the sum of all features', 'age with sqft')
    >>> subject("label"), subject("answer:score")
    ('label', "the answer's score")
    """
    kind, _, features = channel.partition(":")
    if kind == "sum" and features:
        return "the sum of all features"
    if kind in ("product", "concordance") and features:
        return features.replace(":", " with ")
    if kind == "answer" and features:
        return f"the answer's {features}"
    if kind in ("missing", "out_of_range", "new") and features:
        return f"{kind.replace('_', ' ')} {features}"
    return "all features together" if channel == "sum_of_squares" else channel


def is_single(channel: str) -> bool:
    """Return whether a channel is of one feature's values, or of an answer.

    >>> is_single("age"), is_single("product:age:sqft"), is_single("sum_of_squares")
    (True, False, False)
    """
    return ":" not in channel and channel != "sum_of_squares"


def single_of(channels: Iterable[str]) -> list[str]:
    """Return the channels of single features; all of them where there are none.

    Pairs follow from their features, so that naming these says more.

    >>> single_of(["age", "product:age:sqft"]), single_of(["product:age:sqft"])
    (['age'], ['product:age:sqft'])
    """
    every = list(channels)
    return [name for name in every if is_single(name)] or every
