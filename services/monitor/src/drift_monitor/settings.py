"""Read the monitor's settings: environment variables, checked together at start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import SettingsError, environment
from drift_contracts.environment import Variable, one_of, read_variables
from drift_contracts.spec import METRIC_FEATURES
from drift_ml.days import start_of_day
from drift_ml.left_out import LeftOut, left_out_of

from drift_monitor.rules import MOST_NORMAL_DAYS, NEW_NORMAL_DAYS, REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_DAYS, MOST_DAYS = 1, 3650
RHYTHMS = ("learn", "off")
#: What is made of requests that repeat each other.
REPEATS = ("allow", "off")
SEGMENTS = ("watch", "off")
#: Standard deviations that a minimum effect is at most.
LARGEST_EFFECT = 10.0
#: What a limit of PSI is at most, nats.
LARGEST_PSI = 10.0


@dataclass(frozen=True)
class Settings:
    """What the four functions read; each needs some of it only, and asks for that by `require`."""

    #: The deployment's name: the dimension `Stack` of every metric.
    stack: str = environment.DEFAULT_STACK
    #: The folder that holds one folder per model.
    bundles: Path = Path(environment.DEFAULT_BUNDLES)
    #: The least level that is logged, one of `environment.LEVELS`.
    log_level: str = "INFO"
    #: DynamoDB's table of windows and states.
    table: str | None = None
    #: ARN of the topic that alerts are published to.
    topic: str | None = None
    #: Address of the queue of rejected records.
    dead_letters: str | None = None
    #: Bucket of the prediction log; None where no predictions are kept.
    predictions: str | None = None
    #: Days between two false alarms at the observed traffic; None for the detector's own budget.
    budget_days: float | None = None
    #: Whether the traffic's rhythm is learned, one of `RHYTHMS`.
    rhythm: str = "learn"
    #: Whether requests that repeat each other count for less, one of `REPEATS`.
    repeats: str = "allow"
    #: Whether segments of the traffic are watched, one of `SEGMENTS`.
    segments: str = "watch"
    #: Standard deviations below which no alarm is raised.
    minimum_effect: float = 0.1
    #: The same for single features, by name.
    minimum_effects: dict[str, float] = field(default_factory=dict)
    #: When the muting of a feature ends, by name, in seconds since 1970.
    muted: dict[str, float] = field(default_factory=dict)
    #: PSI above which the spec's alarm of it rings; 0 for no such alarm.
    psi_alarm: float = 0.0
    #: What traffic is held against, one of `REFERENCES`.
    reference: str = "rolling"
    #: Days after which a drift that still stands is the new normal; 0 for never.
    new_normal_days: float = NEW_NORMAL_DAYS
    #: Spans of days that are neither learned from nor evidence.
    left_out: tuple[LeftOut, ...] = ()
    #: The secret that holds the webhook's address.
    slack_secret: str | None = None
    #: Addresses by name, for people who read an alert.
    links: dict[str, str] = field(default_factory=dict)
    #: The API that the probe asks.
    api_url: str | None = None
    #: How that API authenticates its callers, one of `environment.AUTHENTICATIONS`.
    api_auth: str = "none"
    #: The predictor's function, where the probe does not go through the API.
    function: str | None = None
    #: The model that the probe asks.
    model: str | None = None
    #: Features that have metrics of their own, at most.
    metric_features: int = METRIC_FEATURES

    def require(self, name: str) -> str:
        """Return the setting of that name. Raises SettingsError if it has no value."""
        value = getattr(self, name)
        if not isinstance(value, str) or not value:
            raise SettingsError({f"DRIFT_{name.upper()}": "a value, it is not set"})
        return value


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in environment variables; one that is absent or empty takes its default.

    Raises:
        SettingsError: names every variable that is wrong, and what it may be.

    >>> read_settings({"DRIFT_BUDGET_DAYS": "30"}).budget_days
    30.0
    >>> read_settings({"DRIFT_LINKS": "[1]"})
    Traceback (most recent call last):
    drift_contracts.errors.SettingsError: DRIFT_LINKS: expected a JSON object of names and addresses
    """
    return Settings(**read_variables(environ, VARIABLES))


def _days(text: str) -> float:
    days = float(text)
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise ValueError
    return days


def _normal_days(text: str) -> float:
    days = float(text)
    # Not a number is in no bounds.
    if not 0 <= days <= MOST_NORMAL_DAYS:
        raise ValueError
    return days


def _effect(text: str) -> float:
    value = float(text)
    # Not a number is in no bounds.
    if not 0 <= value <= LARGEST_EFFECT:
        raise ValueError
    return value


def _psi(text: str) -> float:
    value = float(text)
    if not 0 <= value <= LARGEST_PSI:
        raise ValueError
    return value


def _effects(text: str) -> dict[str, float]:
    return {name: _effect(str(value)) for name, value in _object(text).items()}


def _muted(text: str) -> dict[str, float]:
    return {name: start_of_day(str(day)) for name, day in _object(text).items()}


def _left_out(text: str) -> tuple[LeftOut, ...]:
    return left_out_of({span: str(why) for span, why in _object(text).items()})


def _object(text: str) -> dict[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


def _links(text: str) -> dict[str, str]:
    links = json.loads(text)
    if not isinstance(links, dict) or not all(isinstance(url, str) for url in links.values()):
        raise ValueError
    return links


VARIABLES = {
    environment.STACK: environment.STACK_VARIABLE,
    environment.BUNDLES: Variable("bundles", Path, environment.BUNDLES_VARIABLE.expected),
    environment.LOG_LEVEL: environment.LOG_LEVEL_VARIABLE,
    environment.TABLE: Variable("table", str, "the name of a table"),
    environment.TOPIC: Variable("topic", str, "the ARN of a topic"),
    environment.DEAD_LETTERS: Variable("dead_letters", str, "the address of a queue"),
    environment.PREDICTIONS: Variable("predictions", str, "the name of a bucket"),
    environment.BUDGET_DAYS: Variable(
        "budget_days", _days, f"a number of days from {LEAST_DAYS} to {MOST_DAYS}"
    ),
    environment.RHYTHM: Variable("rhythm", one_of(*RHYTHMS), f"one of {', '.join(RHYTHMS)}"),
    environment.REPEATS: Variable("repeats", one_of(*REPEATS), f"one of {', '.join(REPEATS)}"),
    environment.SEGMENTS: Variable("segments", one_of(*SEGMENTS), f"one of {', '.join(SEGMENTS)}"),
    environment.MINIMUM_EFFECT: Variable(
        "minimum_effect", _effect, f"a number from 0 to {LARGEST_EFFECT:g}"
    ),
    environment.MINIMUM_EFFECTS: Variable(
        "minimum_effects", _effects, f"a JSON object of features and numbers to {LARGEST_EFFECT:g}"
    ),
    environment.MUTED: Variable(
        "muted", _muted, "a JSON object of features and days, such as 2026-12-01"
    ),
    environment.PSI_ALARM: Variable(
        "psi_alarm", _psi, f"a number from 0 to {LARGEST_PSI:g}, 0 for no such alarm"
    ),
    environment.REFERENCE: Variable(
        "reference", one_of(*REFERENCES), f"one of {', '.join(REFERENCES)}"
    ),
    environment.NEW_NORMAL_DAYS: Variable(
        "new_normal_days",
        _normal_days,
        f"a number of days from 0 to {MOST_NORMAL_DAYS}, 0 for never",
    ),
    environment.LEFT_OUT: Variable(
        "left_out",
        _left_out,
        'a JSON object of days and reasons, such as {"2026-12-24/2026-12-26": "Christmas"}',
    ),
    environment.SLACK_SECRET: Variable("slack_secret", str, "the name or ARN of a secret"),
    environment.LINKS: Variable("links", _links, "a JSON object of names and addresses"),
    environment.API_URL: Variable("api_url", str, "an address that begins with https://"),
    environment.API_AUTH: Variable(
        "api_auth",
        one_of(*environment.AUTHENTICATIONS),
        f"one of {', '.join(environment.AUTHENTICATIONS)}",
    ),
    environment.FUNCTION: Variable("function", str, "the name or ARN of a function"),
    environment.MODEL: environment.MODEL_VARIABLE,
    environment.METRIC_FEATURES: environment.METRIC_FEATURES_VARIABLE,
}
