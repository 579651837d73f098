"""The detector's state as a document, and states of the version before taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from drift_ml.evidence._capital import Capital
from drift_ml.evidence._charts import FIRST_STATE
from drift_ml.evidence._errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import (
        DetectorStateV1Mixture,
        DetectorStateV2,
        DetectorStateV2Capital,
    )

    from drift_ml.evidence._charts import Chart

CONTRACT: Final = "detector.state.v2"
#: States of this version are taken over: their alarm stands, and their evidence goes on.
FORMER_CONTRACT: Final = "detector.state.v1"


def capital_to_json(capital: Capital) -> DetectorStateV2Capital:
    """Return a capital as states hold it; empty lists before the first event.

    A chart that has gained nothing holds minus infinity, for which JSON has no number: it is null.
    """
    if not np.isfinite(capital.log).any():
        return {"log": [], "age": [], "ratio": [], "born": []}
    log = [value if np.isfinite(value) else None for value in capital.log.tolist()]
    return {
        "log": log,
        "age": capital.age.tolist(),
        "ratio": capital.ratio.tolist(),
        "born": capital.start.tolist(),
    }


def restored(
    document: DetectorStateV2Capital,
    size: int,
    place: str,
) -> Capital:
    """Return the capital in a state.

    Args:
        document: what `capital_to_json` returned.
        size: how many charts or alternatives it must be of.
        place: in the state, for the message.

    Raises:
        EvidenceError: it is of another number of charts.
    """
    vectors = (document["log"], document["age"], document["ratio"], document["born"])
    lengths = {len(values) for values in vectors}
    if lengths == {0}:
        return Capital.empty(size)
    if lengths != {size}:
        raise EvidenceError(f"{CONTRACT}: at {place}: expected {size} numbers in each list")
    log = [-np.inf if value is None else value for value in document["log"]]
    others = [np.array(values, dtype=np.float64) for values in vectors[1:]]
    return Capital(np.array(log, dtype=np.float64), *others)


def upgraded(
    document: DetectorStateV1Mixture | DetectorStateV2,
    charts: Sequence[Chart],
) -> DetectorStateV2:
    """Return a state of either version as the later one.

    The earlier one has at most one alarm, fewer charts, and keeps the capital of its recovery
    behind that of all charts. Charts that it has not begin with nothing. When its alarm was raised
    it does not say: that is taken to be the estimated onset, so that whatever began later is
    another cause.

    Args:
        document: a state.
        charts: of the detector.
    """
    if document["contract"] == CONTRACT:
        return document
    whole = document["capital"]
    former = [place for place, chart in enumerate(charts) if chart.first_state == FIRST_STATE]
    cut = len(former)
    recovery: DetectorStateV2Capital = {
        "log": [*whole["log"][cut:]],
        "age": whole["age"][cut:],
        "ratio": whole["ratio"][cut:],
        "born": whole["born"][cut:],
    }
    gained = restored(
        {
            "log": [*whole["log"][:cut]],
            "age": whole["age"][:cut],
            "ratio": whole["ratio"][:cut],
            "born": whole["born"][:cut],
        },
        cut,
        "/capital",
    )
    capital = Capital.empty(len(charts))
    capital.log[former] = gained.log
    capital.age[former] = gained.age
    capital.ratio[former] = gained.ratio
    capital.start[former] = gained.start
    current: DetectorStateV2 = {
        "contract": CONTRACT,
        "detector": "mixture",
        "settings": document["settings"],
        "events": document["events"],
        "quiet": document["quiet"],
        "alarms": [],
        "capital": capital_to_json(capital),
    }
    alarm = document["alarm"]
    if alarm is not None:
        drift = {"finding": alarm, "recovery": recovery}
        raised = alarm["since"]
        current["alarms"] = [{"finding": alarm, "raised": raised, "drifts": [drift]}]  # type: ignore[list-item]
    return current
