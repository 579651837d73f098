"""Read the monitor's settings: environment variables, checked at start.

Each error names the variable and what it may be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drift_monitor.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
AUTHENTICATIONS = ("none", "iam", "jwt")
LEAST_DAYS, MOST_DAYS = 1, 3650


@dataclass(frozen=True)
class Settings:
    """What the four functions read; each needs some of it only, and asks for that by `require`."""

    #: The deployment's name: the dimension `Stack` of every metric.
    stack: str
    #: The folder that holds one folder per model.
    bundles: Path
    #: The least level that is logged, one of LEVELS.
    log_level: str
    #: DynamoDB's table of windows and states.
    table: str | None
    #: ARN of the topic that alerts are published to.
    topic: str | None
    #: Address of the queue of rejected records.
    dead_letters: str | None
    #: Days between two false alarms at the observed traffic; None for the detector's own budget.
    budget_days: float | None
    #: The secret that holds the webhook's address.
    slack_secret: str | None
    #: Addresses by name, for people who read an alert.
    links: dict[str, str]
    #: The API that the probe asks.
    api_url: str | None
    #: How that API authenticates its callers, one of AUTHENTICATIONS.
    api_auth: str
    #: The predictor's function, where the probe does not go through the API.
    function: str | None
    #: The model that the probe asks.
    model: str | None

    def require(self, name: str) -> str:
        """Return the setting of that name. Raises BadSetting if it has no value."""
        value = getattr(self, name)
        if not isinstance(value, str) or not value:
            raise BadSetting(f"DRIFT_{name.upper()}: expected a value, it is not set")
        return value


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in an environment.

    Raises:
        BadSetting: a value is not allowed; the message has the variable and what it may be.
    """
    level = environment.get("DRIFT_LOG_LEVEL", "") or "INFO"
    authentication = environment.get("DRIFT_API_AUTH", "none")
    return Settings(
        stack=environment.get("DRIFT_STACK", "local"),
        bundles=Path(environment.get("DRIFT_BUNDLES", "build/bundles")),
        log_level=_choice("DRIFT_LOG_LEVEL", level.upper(), LEVELS),
        table=environment.get("DRIFT_TABLE"),
        topic=environment.get("DRIFT_TOPIC"),
        dead_letters=environment.get("DRIFT_DEAD_LETTERS"),
        budget_days=_days(environment.get("DRIFT_BUDGET_DAYS")),
        slack_secret=environment.get("DRIFT_SLACK_SECRET"),
        links=_links(environment.get("DRIFT_LINKS", "{}")),
        api_url=environment.get("DRIFT_API_URL"),
        api_auth=_choice("DRIFT_API_AUTH", authentication, AUTHENTICATIONS),
        function=environment.get("DRIFT_FUNCTION"),
        model=environment.get("DRIFT_MODEL"),
    )


def _days(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise BadSetting(
            f"DRIFT_BUDGET_DAYS: expected a number of days from {LEAST_DAYS} to {MOST_DAYS}"
        )
    return days


def _links(text: str) -> dict[str, str]:
    try:
        links = json.loads(text)
    except ValueError:
        links = None
    if not isinstance(links, dict) or not all(isinstance(url, str) for url in links.values()):
        raise BadSetting("DRIFT_LINKS: expected a JSON object of names and addresses")
    return links


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadSetting(f"{name}: expected one of {', '.join(choices)}")
    return value
