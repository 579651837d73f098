"""The environment variables of the predictor, validated together before anything else happens."""

from __future__ import annotations

import re

from drift_contracts import DriftError
from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
GREATEST_THRESHOLD = 1000.0
_STACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_MODEL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PIN = re.compile(r"[0-9a-f]{64}")
_PATH_PREFIX = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}){0,7}/?")


class SettingsError(DriftError):
    """Environment variables that cannot be used: which, and what is allowed; never what was given."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{name}: expected {allowed}" for name, allowed in self.faults.items()))

    def __reduce__(self) -> tuple[type[SettingsError], tuple[dict[str, str]]]:
        return type(self), (self.faults,)


class Settings(Record):
    """How a predictor runs.

    bundles: the folder that holds one folder per model. model: the one that `/predict` asks; "" where there is
    only one. threshold: the |z| over which a feature counts as drifted. stack: the value of the dimension `Stack`.
    pins: the SHA-256 that the manifest of a model's bundle must have, 64 hex digits, by model. path_prefix: the path
    below which a custom domain has the service, such as `/v1`, "" for none. synthetic_callers: the principals whose
    requests through an API may be marked as synthetic.
    """

    bundles: str = "build/bundles"
    model: str = ""
    threshold: float = 2.0
    stack: str = "local"
    log_level: str = "INFO"
    pins: Mapping[str, str] = {}
    path_prefix: str = ""
    synthetic_callers: tuple[str, ...] = ()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in environment variables; one that is absent or empty takes its default.

    Raises SettingsError, which names every variable that is wrong.

    >>> read_settings({"DRIFT_THRESHOLD": "2.5"}).threshold
    2.5
    >>> read_settings({"DRIFT_THRESHOLD": "high", "DRIFT_LOG_LEVEL": "loud"})
    Traceback (most recent call last):
    drift_predictor.settings.SettingsError: DRIFT_THRESHOLD: expected a number above 0 and at most 1000; \
DRIFT_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR
    """
    chosen: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for variable, (field, read, allowed) in VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            chosen[field] = read(text)
        except ValueError:
            faults[variable] = allowed
    if faults:
        raise SettingsError(faults)
    return Settings(**chosen)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text

    return read


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 < value <= GREATEST_THRESHOLD:
        raise ValueError
    return value


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError
    return text.upper()


def _pins(text: str) -> dict[str, str]:
    pins: dict[str, str] = {}
    for pair in text.split(","):
        name, pin = map(str.strip, pair.split("="))
        # The twelve digits of a model_version are too few to pin: equal ones are found in seconds.
        if name in pins or _MODEL.fullmatch(name) is None or _PIN.fullmatch(pin) is None:
            raise ValueError
        pins[name] = pin
    return pins


def _callers(text: str) -> tuple[str, ...]:
    from drift_predictor.callers import principal  # noqa: PLC0415 - most services name no caller

    return tuple([principal(arn.strip()) for arn in text.split(",")])


def _path_prefix(text: str) -> str:
    if _PATH_PREFIX.fullmatch(text) is None:
        raise ValueError
    return "/" + text.strip("/")


VARIABLES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "DRIFT_BUNDLES": ("bundles", str, "a folder that holds bundles"),
    "DRIFT_MODEL": ("model", _matching(_MODEL), "the name of a model, such as house-price"),
    "DRIFT_THRESHOLD": ("threshold", _threshold, f"a number above 0 and at most {GREATEST_THRESHOLD:g}"),
    "DRIFT_STACK": ("stack", _matching(_STACK), "1 to 63 letters, digits and hyphens, no hyphen first"),
    "DRIFT_LOG_LEVEL": ("log_level", _level, "one of " + ", ".join(LEVELS)),
    "DRIFT_MODEL_VERSIONS": (
        "pins",
        _pins,
        "NAME=PIN pairs with commas between, each name once, a PIN being the 64 hex digits that "
        "`sha256sum build/bundles/NAME/VERSION/manifest.json` prints",
    ),
    "DRIFT_SYNTHETIC_CALLERS": (
        "synthetic_callers",
        _callers,
        "ARNs of roles or users with commas between, such as arn:aws:iam::123456789012:role/deployer",
    ),
    "DRIFT_PATH_PREFIX": (
        "path_prefix",
        _path_prefix,
        "a path such as /v1 or /ml/houses: 1 to 8 names of letters, digits, hyphens, dots and underscores",
    ),
}
