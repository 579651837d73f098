"""Read the environment variables of the predictor, all before anything else happens."""

from __future__ import annotations

import re

from drift_contracts import environment
from drift_contracts.environment import Variable, matching, read_variables
from drift_contracts.records import Record
from drift_contracts.spec import METRIC_FEATURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: What prediction.batch.request.v1 allows.
CONTRACT_ROWS = 1000
GREATEST_THRESHOLD = 1000.0
#: A name between the slashes of a path.
_SEGMENT = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_MODEL = re.compile(environment.MODEL_PATTERN)
_PIN = re.compile(r"[0-9a-f]{64}")


class Settings(Record):
    """How a predictor runs."""

    #: The folder that holds one folder per model.
    bundles: str = environment.DEFAULT_BUNDLES
    #: The model that `/predict` asks; "" where there is only one.
    model: str = ""
    #: The |z| over which a feature counts as drifted.
    threshold: float = 2.0
    #: The value of the dimension `Stack`.
    stack: str = environment.DEFAULT_STACK
    #: The least level that is written; metrics are written whatever it is.
    log_level: str = "INFO"
    #: By model, the SHA-256 that the manifest of its bundle must have, 64 hex digits.
    pins: Mapping[str, str] = {}
    #: The path below which a custom domain has the service, such as `/v1`, "" for none.
    path_prefix: str = ""
    #: The principals whose requests through an API may be marked as synthetic.
    synthetic_callers: tuple[str, ...] = ()
    #: Instances that a batch may have; the contract's own limit where nobody pays for a stranger's.
    most_rows: int = CONTRACT_ROWS
    #: Features that have metrics of their own, at most.
    metric_features: int = METRIC_FEATURES


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in environment variables; one that is absent or empty takes its default.

    Raises:
        SettingsError: names every variable that is wrong, and what it may be.

    >>> read_settings({"DRIFT_THRESHOLD": "2.5"}).threshold
    2.5
    >>> read_settings({"DRIFT_THRESHOLD": "high", "DRIFT_LOG_LEVEL": "loud"})
    Traceback (most recent call last):
    drift_contracts.errors.SettingsError: DRIFT_THRESHOLD: expected a number above 0 and at most \
1000; DRIFT_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR
    """
    return Settings(**read_variables(environ, VARIABLES))


def _rows(text: str) -> int:
    rows = int(text)
    if not 1 <= rows <= CONTRACT_ROWS:
        raise ValueError
    return rows


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 < value <= GREATEST_THRESHOLD:
        raise ValueError
    return value


def _pins(text: str) -> dict[str, str]:
    pins: dict[str, str] = {}
    for pair in text.split(","):
        name, pin = map(str.strip, pair.split("="))
        # The twelve digits of a model_version are too few to pin: equal ones are quickly made.
        if name in pins or _MODEL.fullmatch(name) is None or _PIN.fullmatch(pin) is None:
            raise ValueError
        pins[name] = pin
    return pins


def _callers(text: str) -> tuple[str, ...]:
    from drift_predictor.callers import principal  # noqa: PLC0415 - most services name no caller

    return tuple([principal(arn.strip()) for arn in text.split(",")])


def _path_prefix(text: str) -> str:
    matching(f"/?{_SEGMENT}(/{_SEGMENT}){{0,7}}/?")(text)
    return "/" + text.strip("/")


VARIABLES = {
    environment.BUNDLES: environment.BUNDLES_VARIABLE,
    environment.MODEL: environment.MODEL_VARIABLE,
    environment.THRESHOLD: Variable(
        "threshold", _threshold, f"a number above 0 and at most {GREATEST_THRESHOLD:g}"
    ),
    environment.STACK: environment.STACK_VARIABLE,
    environment.LOG_LEVEL: environment.LOG_LEVEL_VARIABLE,
    environment.MODEL_VERSIONS: Variable(
        "pins",
        _pins,
        "NAME=PIN pairs with commas between, each name once, a PIN being the 64 hex digits that "
        "`sha256sum build/bundles/NAME/VERSION/manifest.json` prints",
    ),
    environment.SYNTHETIC_CALLERS: Variable(
        "synthetic_callers",
        _callers,
        "ARNs of roles or users with commas between, such as"
        " arn:aws:iam::123456789012:role/deployer",
    ),
    environment.MOST_ROWS: Variable(
        "most_rows", _rows, f"a whole number from 1 to {CONTRACT_ROWS}"
    ),
    environment.METRIC_FEATURES: environment.METRIC_FEATURES_VARIABLE,
    environment.PATH_PREFIX: Variable(
        "path_prefix",
        _path_prefix,
        "a path such as /v1 or /ml/houses: 1 to 8 names of letters, digits, hyphens, dots and"
        " underscores",
    ),
}
