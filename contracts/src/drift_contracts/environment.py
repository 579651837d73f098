"""The environment variables of the functions: their names, and the rules that rooms share.

The predictor and the monitor read them, the Pulumi program sets them, the console sets those of its
predictor. Which function is given which is in `functions`.
"""

from __future__ import annotations

import re

from drift_contracts.errors import SettingsError
from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

BUNDLES = "DRIFT_BUNDLES"
STACK = "DRIFT_STACK"
LOG_LEVEL = "DRIFT_LOG_LEVEL"
MODEL = "DRIFT_MODEL"
THRESHOLD = "DRIFT_THRESHOLD"
MODEL_VERSIONS = "DRIFT_MODEL_VERSIONS"
PATH_PREFIX = "DRIFT_PATH_PREFIX"
SYNTHETIC_CALLERS = "DRIFT_SYNTHETIC_CALLERS"
MOST_ROWS = "DRIFT_MOST_ROWS"
METRIC_FEATURES = "DRIFT_METRIC_FEATURES"
TABLE = "DRIFT_TABLE"
DEAD_LETTERS = "DRIFT_DEAD_LETTERS"
TOPIC = "DRIFT_TOPIC"
PREDICTIONS = "DRIFT_PREDICTIONS"
BUDGET_DAYS = "DRIFT_BUDGET_DAYS"
RHYTHM = "DRIFT_RHYTHM"
REPEATS = "DRIFT_REPEATS"
SEGMENTS = "DRIFT_SEGMENTS"
MINIMUM_EFFECT = "DRIFT_MINIMUM_EFFECT"
MINIMUM_EFFECTS = "DRIFT_MINIMUM_EFFECTS"
MUTED = "DRIFT_MUTED"
LEFT_OUT = "DRIFT_LEFT_OUT"
PSI_ALARM = "DRIFT_PSI_ALARM"
REFERENCE = "DRIFT_REFERENCE"
NEW_NORMAL_DAYS = "DRIFT_NEW_NORMAL_DAYS"
LINKS = "DRIFT_LINKS"
SLACK_SECRET = "DRIFT_SLACK_SECRET"  # noqa: S105 - the name of a variable that names a secret
API_URL = "DRIFT_API_URL"
API_AUTH = "DRIFT_API_AUTH"
FUNCTION = "DRIFT_FUNCTION"
#: Read by `driftctl`, not by a function.
URL = "DRIFT_URL"
AUTH = "DRIFT_AUTH"
TOKEN = "DRIFT_TOKEN"  # noqa: S105 - the name of a variable that holds one

DEFAULT_BUNDLES = "build/bundles"
DEFAULT_STACK = "local"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
AUTHENTICATIONS = ("none", "iam", "jwt")


class Variable(Record):
    """How one variable is read."""

    #: the field of the settings that takes the value
    field: str
    #: turns the text, which is not empty, into the value; raises ValueError
    read: Callable[[str], object]
    #: what is expected, as messages say it
    expected: str


def read_variables(
    environment: Mapping[str, str], variables: Mapping[str, Variable]
) -> dict[str, Any]:
    """Return the values of variables by the fields that take them.

    What is absent or empty is left out, so that the settings' defaults hold.

    Args:
        environment: Texts by name, such as `os.environ`.
        variables: What is read, by name.

    Raises:
        SettingsError: names every variable that is wrong, with what is expected, never the text.

    >>> read_variables({"DRIFT_STACK": "prod", "DRIFT_MODEL": ""}, {"DRIFT_STACK": STACK_VARIABLE})
    {'stack': 'prod'}
    """
    values: dict[str, Any] = {}  # of whatever types the fields of the settings have
    faults: dict[str, str] = {}
    for name, variable in variables.items():
        text = environment.get(name, "").strip()
        if not text:
            continue
        try:
            values[variable.field] = variable.read(text)
        except ValueError:
            faults[name] = variable.expected
    if faults:
        raise SettingsError(faults)
    return values


def matching(pattern: str) -> Callable[[str], str]:
    """Return a reader that takes the texts which a pattern matches from end to end, as they are."""

    def read(text: str) -> str:
        """Return the text. Raises ValueError."""
        # compiled when it is needed: most variables are not set, and a cold start waits for each
        if re.fullmatch(pattern, text) is None:
            raise ValueError
        return text

    return read


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a reader that takes a few words, as they are."""

    def read(text: str) -> str:
        """Return the text. Raises ValueError."""
        if text not in choices:
            raise ValueError
        return text

    return read


def _level(text: str) -> str:
    """Return the level in capitals. Raises ValueError."""
    level = text.upper()
    if level not in LEVELS:
        raise ValueError
    return level


def _features(text: str) -> int:
    """Return a number of features. Raises ValueError."""
    features = int(text)
    if not 0 <= features <= MOST_METRIC_FEATURES:
        raise ValueError
    return features


#: So that all metrics of a line stay within the hundred that one directive may name.
MOST_METRIC_FEATURES = 90
MODEL_PATTERN = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
BUNDLES_VARIABLE = Variable("bundles", str, "a folder that holds bundles")
STACK_VARIABLE = Variable(
    "stack",
    matching("[A-Za-z0-9][A-Za-z0-9-]{0,62}"),
    "1 to 63 letters, digits and hyphens, no hyphen first",
)
MODEL_VARIABLE = Variable(
    "model", matching(MODEL_PATTERN), "the name of a model, such as house-price"
)
LOG_LEVEL_VARIABLE = Variable("log_level", _level, "one of " + ", ".join(LEVELS))
METRIC_FEATURES_VARIABLE = Variable(
    "metric_features", _features, f"a whole number from 0 to {MOST_METRIC_FEATURES}"
)
