"""Name windows: by series (model and version) and minute."""

from __future__ import annotations

from dataclasses import dataclass

from drift_contracts.timestamps import MS_PER_SECOND, utc_ms, utc_text

from drift_monitor.errors import BadEvent

#: Seconds that a window spans, unless a scaled clock asks for less.
MINUTE = 60
#: Between the version and the code of a segment; versions are hex digits.
SEGMENT = "-segment-"


@dataclass(frozen=True, order=True, slots=True)
class Series:
    """Everything that one version of one model answered, or a segment of it."""

    model: str
    #: Of a segment, followed by its code (`part`).
    version: str

    def part(self, code: str) -> Series:
        """Return the series of a segment, which has windows and a state of its own.

        >>> Series("houses", "3f9a1c2b4d5e").part("0123456789").release
        '3f9a1c2b4d5e'
        """
        return Series(self.model, f"{self.version}{SEGMENT}{code}")

    @property
    def release(self) -> str:
        """Return the version of the model, also of a segment's series."""
        return self.version.partition(SEGMENT)[0]

    @property
    def segment(self) -> str:
        """Return the code of the segment; "" for the series of all traffic."""
        return self.version.partition(SEGMENT)[2]

    def __str__(self) -> str:
        """Return `model/version`, as keys and messages write it."""
        return f"{self.model}/{self.version}"


@dataclass(frozen=True, order=True, slots=True)
class WindowKey:
    """One minute of one series."""

    series: Series
    #: Whole minutes (or other periods) since 1970, UTC.
    minute: int


def minute_of(
    timestamp: str,
    period: int = MINUTE,
) -> int:
    """Return the minute that an event's timestamp lies in.

    Args:
        timestamp: RFC 3339, with its time zone.
        period: seconds of what is called a minute.

    Raises:
        BadEvent: another text.

    >>> minute_of("1970-01-01T00:02:59.999Z"), minute_of("1970-01-01T00:02:59.999Z", period=1)
    (2, 179)
    """
    try:
        return utc_ms(timestamp) // (period * MS_PER_SECOND)
    except ValueError as error:
        raise BadEvent(f"timestamp: {error}") from None


def start_of(
    minute: int,
    period: int = MINUTE,
) -> str:
    """Return when a minute, or another period in seconds, begins, as documents have it.

    >>> start_of(2)
    '1970-01-01T00:02:00.000Z'
    """
    return utc_text(minute * period * MS_PER_SECOND)
