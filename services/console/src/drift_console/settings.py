"""What a console is started with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drift_contracts import SettingsError
from drift_contracts.exits import CANNOT_START
from drift_contracts.spec import METRIC_FEATURES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from drift_ml.left_out import LeftOut

#: `--fast` divides every alarm period, and the minute that a window spans, by this.
FAST = 60
#: A host name without a port, or an IPv6 address.
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|[0-9A-Fa-f:]+")


class CannotListen(SettingsError):
    """The port is in use, or the address is not one of this machine."""

    exit_code = CANNOT_START


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of the command line."""

    #: Address that is listened on.
    host: str = "127.0.0.1"
    #: 0 takes any free one.
    port: int = 8123
    #: Whether every period is divided by FAST.
    fast: bool = False
    bundles: Path = Path("build/bundles")
    #: Folder of the event log, the store and the console's own log.
    data: Path = Path("build/console")
    #: Models that are served; all in `bundles` if empty.
    models: tuple[str, ...] = ()
    stack: str = "local"
    #: Drift score above which a request counts as drifted; None takes the spec's.
    threshold: float | None = None
    #: Whether daily and weekly cycles are learned and allowed for.
    rhythm: bool = True
    #: Whether requests that repeat each other count for less.
    repeats: bool = True
    #: Whether the segments of the traffic that a feature set names are watched.
    segments: bool = True
    #: Features that have metrics of their own, at most.
    metric_features: int = METRIC_FEATURES
    #: URLs that each alert is posted to.
    webhooks: tuple[str, ...] = ()
    #: Further names that requests may use in their Host header.
    allowed_hosts: tuple[str, ...] = ()
    #: Seconds that data is kept.
    retention: float = 7 * 86400.0

    #: Days between two false alarms, of all models together; None for the detector's own budget.
    false_alarm_days: float | None = None
    #: Standard deviations below which no alarm is raised.
    minimum_effect: float = 0.1
    #: The same for single features, by name.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: When the muting of a feature ends, by name, in seconds since 1970.
    muted: Mapping[str, float] = field(default_factory=dict)
    #: What traffic is held against once its rhythm is learned: rolling or training.
    reference: str = "rolling"
    #: Days after which a drift that still stands is the new normal; 0 for never.
    new_normal_days: float = 7.0
    #: Spans of days that are neither learned from nor evidence.
    left_out: tuple[LeftOut, ...] = ()
    #: PSI above which the spec's alarm of it rings; 0 for no such alarm, None takes the spec's.
    psi_alarm: float | None = None

    def __post_init__(self) -> None:
        faults = {}
        # An empty address, as an unset variable gives it, would mean every address.
        if not self.host.strip():
            faults["--host"] = "an address of this machine, such as 127.0.0.1; it is empty"
        if not all(_HOST_NAME.fullmatch(name) for name in self.allowed_hosts):
            faults["--allow-host"] = "a name such as drift.example.com, without a port"
        if not all(_is_url(webhook) for webhook in self.webhooks):
            faults["--webhook"] = "a URL such as https://hooks.example.com/path"
        if not isfinite(self.retention):
            faults["--retention-days"] = "a number of days"
        if faults:
            raise SettingsError(faults)

    @property
    def scale(self) -> int:
        """Return what alarm periods and the monitor's minute are divided by."""
        return FAST if self.fast else 1

    @property
    def log(self) -> Path:
        """Return the folder of the event log."""
        return self.data / "events"

    @property
    def database(self) -> Path:
        """Return the SQLite file of metrics, events, alarms and alerts."""
        return self.data / "console.sqlite"

    @property
    def windows(self) -> Path:
        """Return the SQLite file of the windows.

        Those that last a second are kept apart from those of a minute.
        """
        return self.data / "windows-fast.sqlite" if self.fast else self.database

    @property
    def dead_letters(self) -> Path:
        """Return the file of events that could not be counted, with the reason."""
        return self.data / "dead-letters.log"


def check_features(settings: Settings, names: Collection[str]) -> None:
    """Raise SettingsError for an option of a feature that no served model has.

    Args:
        settings: those of the command line.
        names: of the features of all models, and of the parts of their answers.
    """
    chosen = {
        "--minimum-effects": settings.minimum_effects,
        "--muted-features": settings.muted,
    }
    expected = f"a feature, one of {', '.join(sorted(names))}"
    faults = {option: expected for option, of in chosen.items() if not set(of) <= set(names)}
    if faults:
        raise SettingsError(faults)


def _is_url(text: str) -> bool:
    """Return whether an alert can be posted there."""
    try:
        parts = urlsplit(text)
        # It is read, and refused, only where it is asked for.
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
