"""The monitor's settings: environment variables, checked at start, each error naming the variable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(NamedTuple):
    """What the four functions read; each needs only some of it and asks for that with `require`."""

    stack: str
    log_level: str
    bundles: Path
    table: str | None
    topic: str | None
    dead_letters: str | None
    budget_days: float | None
    slack_secret: str | None
    links: dict[str, str]
    api_url: str | None
    api_auth: str
    function: str | None
    model: str | None

    def require(self, name: str) -> str:
        """The setting of that name, which must be there. Raises BadSetting."""
        value = getattr(self, name)
        if not isinstance(value, str) or not value:
            raise BadSetting(f"DRIFT_{name.upper()}: expected a value, it is not set")
        return value


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises BadSetting with the variable and what it may be."""
    return Settings(
        stack=environment.get("DRIFT_STACK", "local"),
        log_level=_choice("DRIFT_LOG_LEVEL", environment.get("DRIFT_LOG_LEVEL", "INFO"), LEVELS),
        bundles=Path(environment.get("DRIFT_BUNDLES", "build/bundles")),
        table=environment.get("DRIFT_TABLE"),
        topic=environment.get("DRIFT_TOPIC"),
        dead_letters=environment.get("DRIFT_DEAD_LETTERS"),
        budget_days=_days(environment.get("DRIFT_BUDGET_DAYS")),
        slack_secret=environment.get("DRIFT_SLACK_SECRET"),
        links=_links(environment.get("DRIFT_LINKS", "{}")),
        api_url=environment.get("DRIFT_API_URL"),
        api_auth=_choice("DRIFT_API_AUTH", environment.get("DRIFT_API_AUTH", "none"), ("none", "iam", "jwt")),
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
    if not 1 <= days <= 3650:  # noqa: PLR2004 - stated in the message
        raise BadSetting("DRIFT_BUDGET_DAYS: expected a number of days from 1 to 3650")
    return days


def _links(text: str) -> dict[str, str]:
    try:
        links = json.loads(text)
    except ValueError:
        links = None
    if not isinstance(links, dict) or not all(isinstance(value, str) for value in links.values()):
        raise BadSetting("DRIFT_LINKS: expected a JSON object of names and addresses")
    return links


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadSetting(f"{name}: expected one of {', '.join(choices)}")
    return value
