"""A rhythm as a value: by channel that cycles, reference counts of each hour of day or week."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm
from typing import TYPE_CHECKING, Any, Final

from drift_ml.evidence import DayVariation, Seasonality
from drift_ml.left_out import LeftOut, day_in_words
from drift_ml.rhythm._bases import Base, bases_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import RhythmV1, RhythmV1Day

    from drift_ml.baseline import Channel

CONTRACT: Final = "rhythm.v1"
TEN_MINUTES_S = 600
HOUR_S = 3_600
DAY_S = 86_400
WEEK_S = 7 * DAY_S
#: Largest inflation, within hours and by days, that a few spans account for. A channel that bursts
#: would be blind for ever; it is watched, and may alarm more often than stated.
MOST_INFLATION = 25.0
#: Days that a rhythm is of at least, less its last hour.
EARLY_DAYS = 13
#: Slices of a day or a week: hours, and ten minutes.
HOURS = 24
WEEK_HOURS = 7 * HOURS
TENS_AN_HOUR = 6
DAY_TENS = TENS_AN_HOUR * HOURS
WEEK_TENS = 7 * DAY_TENS
#: How many slices a cycle may have.
CYCLES = (HOURS, DAY_TENS, WEEK_HOURS, WEEK_TENS)


class RhythmError(ValueError):
    """Traffic from which no rhythm can be learned, or a rhythm of another baseline."""


@dataclass(frozen=True)
class Rhythm:
    """What was learned of the time structure of one model's traffic."""

    #: Digest of the baseline whose bins are counted.
    baseline: str
    #: Of the traffic that it was learned from, in seconds since the epoch.
    from_s: float
    to_s: float
    #: Events that it was learned from.
    events: int
    #: By channel that cycles: reference counts per slice of a day (24 hours or 144 times ten
    #: minutes) or of a week (168 or 1,008), each with one count per bin.
    cycles: Mapping[str, tuple[tuple[int, ...], ...]]
    #: By channel: the variance of blocks of events over that of independent ones, at least 1.
    variance_inflation: Mapping[str, float]
    #: Channels whose inflation was cut: they are watched, but a rise of their variance may alarm.
    bounded: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = field(default=())
    #: By channel that is held against traffic: that traffic. All others have the training rows.
    bases: Mapping[str, Base] = field(default_factory=dict)
    #: By channel whose days differ by more than its events would: by how much.
    days: Mapping[str, DayVariation] = field(default_factory=dict)

    @property
    def is_early(self) -> bool:
        """Return whether it is of too little traffic for cycles: it knows of dependence alone."""
        is_short = self.to_s - self.from_s < EARLY_DAYS * DAY_S
        return is_short and bool(self.variance_inflation)

    @property
    def strata(self) -> int:
        """Return into how many slices time is cut: 1, 24, 144, 168 or 1,008."""
        return lcm(*(len(slices) for slices in self.cycles.values()))

    @property
    def step_s(self) -> int:
        """Return the seconds of a slice of time, at most an hour."""
        return TEN_MINUTES_S if self.strata % DAY_TENS == 0 else HOUR_S

    def seasonality(self, channels: Sequence[Channel]) -> Seasonality:
        """Return the rhythm as a detector over the channels of its baseline takes it.

        A channel that does not cycle keeps the reference of its baseline in every slice.
        """
        strata = self.strata
        period = WEEK_S if strata in (WEEK_HOURS, WEEK_TENS) else DAY_S
        places: Sequence[int] = range(strata)
        order: tuple[int, ...] = ()
        if self.step_s == TEN_MINUTES_S:
            places, order = self._distinct()
        slices = []
        for place in places:
            counts = {channel.name: channel.counts for channel in channels}
            counts.update({name: base.counts for name, base in self.bases.items()})
            for name, cycle in self.cycles.items():
                counts[name] = cycle[self._slice(cycle, place)]
            slices.append(counts)
        return Seasonality(
            float(period),
            tuple(slices),
            dict(self.variance_inflation),
            dict(self.days),
            self._reference_inflation(),
            order,
            self._bursting(),
            is_early=self.is_early,
        )

    def _bursting(self) -> tuple[str, ...]:
        """Return the channels of which batches vary by more than is allowed for."""
        inflation = self.variance_inflation
        return tuple(name for name in self.bounded if inflation.get(name, 1.0) >= MOST_INFLATION)

    def _slice(
        self,
        cycle: Sequence[object],
        place: int,
    ) -> int:
        """Return the slice of a channel's cycle that holds a slice of time."""
        # A week's slice holds the hour of the day that it is of, and ten minutes lie in an hour.
        is_finer = self.step_s == TEN_MINUTES_S and len(cycle) % DAY_TENS
        return place // (TENS_AN_HOUR if is_finer else 1) % len(cycle)

    def _distinct(self) -> tuple[Sequence[int], tuple[int, ...]]:
        """Return the slices of time that differ, and by slice of time which of them it is.

        Of a thousand slices of ten minutes nearly all are as their hour is.
        """
        firsts: list[tuple[Sequence[object], list[int]]] = []
        for cycle in self.cycles.values():
            first: dict[tuple[int, ...], int] = {}
            firsts.append((cycle, [first.setdefault(counts, len(first)) for counts in cycle]))
        known: dict[tuple[int, ...], int] = {}
        places: list[int] = []
        order = []
        for place in range(self.strata):
            key = tuple([first[self._slice(cycle, place)] for cycle, first in firsts])
            if key not in known:
                known[key] = len(places)
                places.append(place)
            order.append(known[key])
        return places, tuple(order)

    def _reference_inflation(self) -> dict[str, float]:
        """Return for how many events of its base one counts, by channel that has a base."""
        inflation = {}
        for name in self.bases:
            of_days = self.days[name].inflation if name in self.days else 1.0
            inflation[name] = self.variance_inflation.get(name, 1.0) * of_days
        return inflation

    def __str__(self) -> str:
        """Return the rhythm in one line, as the page shows it."""
        begin, end = day_in_words(self.from_s), day_in_words(self.to_s)
        learned = f"learned from {begin} to {end}, {self.strata:,} strata"
        if not self.cycles:
            return f"{learned}: nothing cycles"
        cycling = "channel cycles" if len(self.cycles) == 1 else "channels cycle"
        return f"{learned}: {len(self.cycles):,} {cycling}"

    def to_json(self) -> RhythmV1:
        """Return the rhythm as a document of rhythm.v1."""
        document: RhythmV1 = {
            "contract": CONTRACT,
            "baseline": self.baseline,
            "from_s": self.from_s,
            "to_s": self.to_s,
            "events": self.events,
            "cycles": {
                name: [list(counts) for counts in slices] for name, slices in self.cycles.items()
            },
            "variance_inflation": dict(self.variance_inflation),
            "bounded": list(self.bounded),
            "left_out": [
                {"from_s": span.from_s, "to_s": span.to_s, "why": span.why}
                for span in self.left_out
            ],
        }
        # Without these the digest is the one of a rhythm that has none.
        if self.bases:
            document["bases"] = {name: base.to_json() for name, base in self.bases.items()}
        if self.days:
            document["days"] = {name: _days_document(days) for name, days in self.days.items()}
        return document

    @classmethod
    def from_json(
        cls,
        # Any: what is stored or in a file is of whoever wrote it.
        document: Any,
        *,
        baseline: str,
        channels: Sequence[Channel],
    ) -> Rhythm:
        """Return the rhythm in a document.

        Args:
            document: of rhythm.v1.
            baseline: digest of the baseline that it must be of.
            channels: of that baseline.

        Raises:
            RhythmError: it is of another contract or baseline, or a count is missing.
        """
        if not isinstance(document, dict) or document.get("contract") != CONTRACT:
            raise RhythmError(f"/contract: expected {CONTRACT}")
        if document.get("baseline") != baseline:
            raise RhythmError(
                "/baseline: expected the digest of this model's baseline; learn the rhythm again"
                " from traffic of this version"
            )
        sizes = {channel.name: len(channel.counts) for channel in channels}
        try:
            spans = [
                LeftOut(float(span["from_s"]), float(span["to_s"]), str(span["why"]))
                for span in document["left_out"]
            ]
            rhythm = cls(
                baseline=baseline,
                from_s=float(document["from_s"]),
                to_s=float(document["to_s"]),
                events=int(document["events"]),
                cycles=_cycles(document["cycles"]),
                variance_inflation=_inflation(document["variance_inflation"]),
                bounded=tuple(map(str, document["bounded"])),
                left_out=tuple(spans),
                bases=bases_from_json(document.get("bases", {}), channels),
                days=_days(document.get("days", {})),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RhythmError(f"expected the members of {CONTRACT}") from None
        rhythm.check(sizes)
        return rhythm

    def check(self, sizes: Mapping[str, int]) -> None:
        """Refuse counts that are not of the channels' bins.

        Args:
            sizes: bins by channel.

        Raises:
            RhythmError: a channel is not known, or has other bins or slices.
        """
        for name, slices in self.cycles.items():
            place = f"/cycles/{name}"
            if name not in sizes:
                raise RhythmError(f"{place}: expected a channel of the baseline")
            if len(slices) not in CYCLES:
                listed = ", ".join(map(str, CYCLES))
                raise RhythmError(f"{place}: expected a number of slices out of {listed}")
            for counts in slices:
                if len(counts) != sizes[name] or min(counts) < 0 or not any(counts):
                    raise RhythmError(f"{place}: expected {sizes[name]} counts, one above 0")
        for name, value in self.variance_inflation.items():
            if name not in sizes or not value >= 1:
                raise RhythmError(f"/variance_inflation/{name}: expected a number from 1 on")


def _cycles(document: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, Any]:
    cycles = {}
    for name, slices in document.items():
        cycles[name] = tuple([tuple([int(count) for count in counts]) for counts in slices])
    return cycles


def _inflation(document: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in document.items()}


def _days_document(days: DayVariation) -> RhythmV1Day:
    return {"variance": days.variance, "inflation": days.inflation, "events": days.events}


def _days(document: Mapping[str, Mapping[str, float]]) -> dict[str, DayVariation]:
    days = {}
    for name, item in document.items():
        values = (float(item["variance"]), float(item["inflation"]), float(item["events"]))
        days[name] = DayVariation(*values)
    return days
