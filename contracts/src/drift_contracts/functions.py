"""The functions of a stack, and the environment variables that each is given.

`tools.stack_checks` holds every stack against this table. It is apart from `environment` because a
function that starts has no use for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts.environment import (
    API_AUTH,
    API_URL,
    BUDGET_DAYS,
    BUNDLES,
    DEAD_LETTERS,
    FUNCTION,
    LEFT_OUT,
    LINKS,
    LOG_LEVEL,
    METRIC_FEATURES,
    MINIMUM_EFFECT,
    MINIMUM_EFFECTS,
    MODEL,
    MODEL_VERSIONS,
    MOST_ROWS,
    MUTED,
    NEW_NORMAL_DAYS,
    PATH_PREFIX,
    PREDICTIONS,
    PSI_ALARM,
    REFERENCE,
    RHYTHM,
    SEGMENTS,
    SLACK_SECRET,
    STACK,
    SYNTHETIC_CALLERS,
    TABLE,
    THRESHOLD,
    TOPIC,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FunctionVariables:
    """What one function is given."""

    #: variables without which the function is not deployed
    required: frozenset[str]
    #: variables that only some stacks set
    optional: frozenset[str] = frozenset()

    def all(self) -> frozenset[str]:
        """Return every variable that may be set for the function."""
        return self.required | self.optional


#: Set for every function. LOG_LEVEL: the least level that is logged; metrics are always written.
EVERYWHERE = frozenset({BUNDLES, STACK, LOG_LEVEL})
FUNCTIONS: Mapping[str, FunctionVariables] = {
    "predictor": FunctionVariables(
        required=EVERYWHERE | {MODEL, THRESHOLD},
        optional=frozenset(
            {METRIC_FEATURES, MODEL_VERSIONS, MOST_ROWS, PATH_PREFIX, SYNTHETIC_CALLERS}
        ),
    ),
    "aggregator": FunctionVariables(
        required=EVERYWHERE | {TABLE, DEAD_LETTERS},
        optional=frozenset({SEGMENTS}),
    ),
    "evaluator": FunctionVariables(
        required=EVERYWHERE | {TABLE, TOPIC, BUDGET_DAYS, LINKS},
        optional=frozenset(
            {
                LEFT_OUT,
                METRIC_FEATURES,
                MINIMUM_EFFECT,
                MINIMUM_EFFECTS,
                MUTED,
                NEW_NORMAL_DAYS,
                PREDICTIONS,
                PSI_ALARM,
                REFERENCE,
                RHYTHM,
                SEGMENTS,
            }
        ),
    ),
    "notifier": FunctionVariables(EVERYWHERE | {SLACK_SECRET, LINKS}),
    "probe": FunctionVariables(
        required=EVERYWHERE | {API_URL, MODEL, API_AUTH},
        optional=frozenset({FUNCTION}),
    ),
}
