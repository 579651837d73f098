"""Sums of a series' windows, coarser with age: ten minutes, hours and whole days.

Documents take turns: of each kind a fixed number is there, and the newest takes the place of the
oldest. A sum replaces the one that is there and is never added to it, so that a run that was
killed does its sums again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_ml.rhythm import has_ten_minutes
from drift_ml.window import Window, WindowError

from drift_monitor.keys import Series
from drift_monitor.stores.packing import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from drift_ml.baseline import Baseline

    from drift_monitor.stores import Store

    #: Seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Mapping[str, list[int]]]

HOUR_S = 3_600
HOURS_A_DAY = 24
DAY_S = HOURS_A_DAY * HOUR_S
TEN_MINUTES_S = 600
TENS_AN_HOUR = 6
#: Days whose hours releases before this number kept, and the place of each: its number modulo this.
FORMER_DAYS = 28


@dataclass(frozen=True)
class Ring:
    """Documents that take turns, each with the sums of some days."""

    #: Of the places in the store, and of the member that has the sums.
    name: str
    #: Seconds that a sum spans.
    step_s: int
    #: Documents.
    places: int
    #: Days of sums in one document.
    days: int = 1

    @property
    def kept_days(self) -> int:
        """Return the days whose sums are kept."""
        return self.places * self.days

    def place(
        self,
        series: Series,
        day: int,
    ) -> Series:
        """Return where the sums of a day are kept.

        Args:
            series: whose sums.
            day: since 1970.
        """
        number = day // self.days % self.places
        return Series(series.model, f"{series.version}-{self.name}-{number}")


#: A week's rhythm wants eight weeks of hours.
HOURS = Ring("hours", HOUR_S, 56)
#: Two whole weeks, and the day under way.
TENS = Ring("tens", TEN_MINUTES_S, 15)
#: A year and a month.
DAYS = Ring("days", DAY_S, 13, days=30)
RINGS = (TENS, HOURS, DAYS)


@dataclass(frozen=True)
class Size:
    """What the sums of one kind take in the store."""

    #: Of one sum.
    step_s: int
    #: Days for which they are kept, at most.
    days: int
    #: Sums that are there; none is kept of a time without events.
    sums: int
    #: Of the documents, deflated, as they are stored.
    size_bytes: int


class Sums:
    """Writes and reads the sums of series."""

    def __init__(
        self,
        store: Store,
        period: int,
    ) -> None:
        """Read nothing yet.

        Args:
            store: where windows are kept.
            period: whole seconds that a window spans, 60 or less.
        """
        self._store = store
        self._windows_an_hour = HOUR_S // period

    def add_day(
        self,
        series: Series,
        baseline: Baseline,
        day: int,
        hours: Sequence[int],
    ) -> dict[str, int]:
        """Sum some hours of a day, by hour and by ten minutes.

        The bytes of each document that was written are returned, by its place.

        Args:
            series: whose windows.
            baseline: whose bins are counted.
            day: since 1970.
            hours: of that day, since 1970.
        """
        by_hour: dict[int, Window] = {}
        by_ten: dict[int, Window] = {}
        for hour in hours:
            tens = self._tens(series, baseline, hour)
            by_ten.update(tens)
            if tens:
                by_hour[hour] = _total(baseline, series, tens.values())
        sizes = self._make_room(series, baseline, day)
        sizes |= self._put(HOURS, series, day, by_hour)
        if has_ten_minutes(baseline):
            sizes |= self._put(TENS, series, day, by_ten)
        return sizes

    def _tens(
        self,
        series: Series,
        baseline: Baseline,
        hour: int,
    ) -> dict[int, Window]:
        """Return the sums of an hour's windows by ten minutes; what cannot be read is left out."""
        begin = hour * self._windows_an_hour
        totals: dict[int, Window] = {}
        for stored in self._store.windows(series, begin, begin + self._windows_an_hour - 1):
            part = (stored.key.minute - begin) * TENS_AN_HOUR // self._windows_an_hour
            window = _window(stored.window, baseline)
            if window is not None and window.events:
                number = hour * TENS_AN_HOUR + part
                total = totals.get(number, Window.empty(baseline, series.release))
                totals[number] = total + window
        return totals

    def _make_room(
        self,
        series: Series,
        baseline: Baseline,
        day: int,
    ) -> dict[str, int]:
        """Sum the day whose place another one takes, before its hours go; return what is written.

        A run that is killed in between leaves both, and the next one does it again.
        """
        document = self._document(HOURS.place(series, day))
        former = document.get("day")
        # A clock that was ahead may have left a day that is to come, or one of years ago.
        if not isinstance(former, int) or not 0 < day - former < DAYS.kept_days - DAYS.days:
            return {}
        windows = [_window(sum_, baseline) for sum_ in _sums(HOURS, document).values()]
        total = _total(baseline, series, filter(None, windows))
        return self._put(DAYS, series, former, {former: total}) if total.events else {}

    def _put(
        self,
        ring: Ring,
        series: Series,
        day: int,
        sums: Mapping[int, Window],
    ) -> dict[str, int]:
        """Put sums beside those of the same days, and return the bytes of all, by their place.

        Args:
            ring: of the documents.
            series: whose sums.
            day: that they are of, since 1970.
            sums: by their number since 1970.
        """
        place = ring.place(series, day)
        stored = self._store.state(place)
        begin = day // ring.days * ring.days
        document: Any = stored.state or {}
        kept = dict(_sums(ring, document)) if document.get("day") == begin else {}
        if ring is HOURS and not kept:
            kept = dict(self._former(series, day))
        kept.update({str(number): window.to_json() for number, window in sums.items()})
        written = {"day": begin, ring.name: kept}
        self._store.save(place, stored.revision, written)
        return {place.version: len(pack(written))}

    def _former(
        self,
        series: Series,
        day: int,
    ) -> Mapping[str, Any]:
        """Return the hours of a day where an earlier release has put them."""
        number = day % FORMER_DAYS
        if number == day % HOURS.places:
            # Today's place is the same, and was read before.
            return {}
        place = Series(series.model, f"{series.version}-{HOURS.name}-{number}")
        document = self._document(place)
        return _sums(HOURS, document) if document.get("day") == day else {}

    def hours(
        self,
        series: Series,
        baseline: Baseline,
        last_hour: int,
        days: int,
    ) -> Iterator[Batch]:
        """Yield begin and counts of each hour that had events, the oldest first.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            last_hour: the newest, since 1970.
            days: before its end, at most.
        """
        for number, window in self.hour_windows(series, baseline, last_hour, days):
            yield float(number * HOUR_S), window.channel_counts()

    def hour_windows(
        self,
        series: Series,
        baseline: Baseline,
        last_hour: int,
        days: int,
    ) -> Iterator[tuple[int, Window]]:
        """Yield the number since 1970 and the sum of each hour that had events, in order.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            last_hour: the newest, since 1970.
            days: before its end, at most.
        """
        first = last_hour + 1 - min(days, HOURS.kept_days) * HOURS_A_DAY
        yield from self._windows(HOURS, series, baseline, first, last_hour)

    def tens(
        self,
        series: Series,
        baseline: Baseline,
        last_hour: int,
    ) -> Iterator[Batch]:
        """Yield begin and counts of each ten minutes that had events, the oldest first.

        Args:
            series: whose sums.
            baseline: whose bins are counted.
            last_hour: the newest, since 1970.
        """
        last = last_hour * TENS_AN_HOUR + TENS_AN_HOUR - 1
        first = last + 1 - TENS.kept_days * HOURS_A_DAY * TENS_AN_HOUR
        for number, window in self._windows(TENS, series, baseline, first, last):
            yield float(number * TEN_MINUTES_S), window.channel_counts()

    def days(
        self,
        series: Series,
        baseline: Baseline,
        last_hour: int,
    ) -> Iterator[tuple[int, Window]]:
        """Yield the number since 1970 and the sum of each day whose hours are gone, in order.

        Args:
            series: whose days.
            baseline: whose bins are counted.
            last_hour: the newest hour, since 1970.
        """
        last = last_hour // HOURS_A_DAY
        yield from self._windows(DAYS, series, baseline, last + 1 - DAYS.kept_days, last)

    def _windows(
        self,
        ring: Ring,
        series: Series,
        baseline: Baseline,
        first: int,
        last: int,
    ) -> Iterator[tuple[int, Window]]:
        """Yield number and sum of what is kept from one number to another, in order."""
        a_day = DAY_S // ring.step_s
        first_block, last_block = first // a_day // ring.days, last // a_day // ring.days
        for block in range(first_block, last_block + 1):
            day = block * ring.days
            document = self._document(ring.place(series, day))
            sums = _sums(ring, document) if document.get("day") == day else {}
            if ring is HOURS and not sums:
                sums = self._former(series, day)
            for number in sorted(map(int, sums)):
                window = _window(sums[str(number)], baseline)
                if first <= number <= last and window is not None:
                    yield number, window

    def sizes(self, series: Series) -> list[Size]:
        """Return what the sums of a series take, the finest first; every document is read."""
        sizes = []
        for ring in RINGS:
            sums = size_bytes = 0
            for place in range(ring.places):
                document = self._document(ring.place(series, place * ring.days))
                if document:
                    sums += len(_sums(ring, document))
                    size_bytes += len(pack(document))
            sizes.append(Size(ring.step_s, ring.kept_days, sums, size_bytes))
        return sizes

    # Any: what is stored may be of another release; its members are checked where they are read.
    def _document(self, place: Series) -> Mapping[str, Any]:
        return self._store.state(place).state or {}


def size_in_words(size_bytes: int) -> str:
    """Return bytes as a person reads them.

    >>> size_in_words(345), size_in_words(86_400), size_in_words(48_200_000)
    ('345 bytes', '86.4 KB', '48.2 MB')
    """
    for unit, name in ((1_000_000, "MB"), (1_000, "KB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"


# Any: a document of whoever wrote it.
def _window(
    document: Any,
    baseline: Baseline,
) -> Window | None:
    """Return a stored window; None for one that cannot be read, which the evaluation has logged."""
    try:
        return Window.from_json(document, baseline)
    except WindowError:
        return None


def _sums(
    ring: Ring,
    document: Mapping[str, Any],
) -> Mapping[str, Any]:
    sums: Any = document.get(ring.name, {})
    return sums if isinstance(sums, dict) else {}


def _total(
    baseline: Baseline,
    series: Series,
    windows: Iterable[Window],
) -> Window:
    total = Window.empty(baseline, series.release)
    for window in windows:
        total += window
    return total
