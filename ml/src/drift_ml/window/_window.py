"""A window of traffic: integer counts per frozen bin and integer moments, which add exactly."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import chain, pairwise
from math import nan
from operator import add
from typing import TYPE_CHECKING, cast

from drift_ml.baseline import ALL_PAIRS, CONCORDANCE
from drift_ml.sketches import Sketches, digest_of_row, digest_of_text, multipliers
from drift_ml.window._errors import WindowError
from drift_ml.window._moments import Moments
from drift_ml.window._signs import MOST_EVENTS, PendingSigns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy.typing as npt
    from drift_contracts.types import WindowStateV1, WindowStateV2

    from drift_ml.baseline import Answer, Baseline, Plan

CONTRACT = "window.state.v1"
#: The version that has sketches; both are read.
SECOND = "window.state.v2"


@dataclass(eq=False)
class Window:
    """Fixed-size state of any number of events against one baseline.

    `a + b` equals having observed both, exactly: associative, commutative, with
    `Window.empty(baseline)` as its zero.
    """

    baseline: Baseline
    model_version: str | None
    events: int
    #: Of the events' timestamps, in milliseconds of Unix time; None where no event has one.
    first_ms: int | None
    last_ms: int | None
    #: One flat list over all channels (`baseline.offsets` is where each begins), and one last
    #: count for what is in no bin. Pairs of signs come later (`_count_signs`).
    counts: list[int]
    #: Of each feature and of each part of the answer.
    moments: list[Moments]
    #: Of the events whose pairs of signs are not counted yet.
    pending: PendingSigns
    #: How often rows and sessions repeat. Rows are counted where the baseline says how often
    #: chance makes two equal.
    sketches: Sketches = field(default_factory=Sketches)

    @classmethod
    def empty(
        cls,
        baseline: Baseline,
        model_version: str | None = None,
    ) -> Window:
        """Return a window that has seen nothing.

        Args:
            baseline: whose bins are counted.
            model_version: of the model that answered the events.
        """
        plan = baseline.plan
        return cls(
            baseline=baseline,
            model_version=model_version,
            events=0,
            first_ms=None,
            last_ms=None,
            counts=[0] * (plan.size + 1),
            moments=[Moments() for _ in plan.sources],
            pending=PendingSigns(len(plan.paired)),
        )

    def observe(
        self,
        # Whatever an event holds is refused here where it is not of its feature's type.
        features: Mapping[str, Any],
        prediction: float | None = None,
        timestamp_ms: int | None = None,
        *,
        label: str | None = None,
        margin: float | None = None,
        entropy: float | None = None,
        session: str | None = None,
    ) -> None:
        """Count one event, in plain Python.

        Args:
            features: by name, as the event shows them; an absent, null or NaN feature is missing.
            prediction: what the model answered; of a classifier the number beside the label.
            timestamp_ms: of the event, in milliseconds of Unix time.
            label: the class that a classifier answered; as the next two, it counts where the
                baseline is a classifier's.
            margin: its largest probability less the second.
            entropy: of its probabilities, in nats.
            session: what its session is called; None or "" for none.

        Raises:
            WindowError: a value is not of its feature's type; the window is unchanged.
        """
        plan, counts, moments = self.baseline.plan, self.counts, self.moments
        # All values are read before anything is counted.
        answer: dict[Answer, str | float | None] = {
            "label": label,
            "score": prediction,
            "margin": margin,
            "entropy": entropy,
        }
        codes, deviations = _read(plan, features, answer)
        bins = []
        for place, source in enumerate(plan.sources):
            code = codes[place]
            for position in source.positions[code]:
                counts[position] += 1
            bins.append(source.bins[code])
            if code != source.missing:
                moments[place].add(
                    1,
                    deviations[place],
                    deviations[place] ** 2,
                )
        self._count_jointly(plan, codes, bins)
        if self.baseline.tie_rate is not None:
            values = _row(plan, features, codes)
            self.sketches.rows.add(digest_of_row(values, multipliers(len(values))))
        if session:
            self.sketches.sessions.add(digest_of_text(session))
        self._extend(1, timestamp_ms, timestamp_ms)

    def _count_jointly(
        self,
        plan: Plan,
        codes: list[int],
        bins: list[int],
    ) -> None:
        """Count products, sums and signs, which depend on the bins alone."""
        counts = self.counts
        for pair in plan.pairs:
            cell = bins[pair.first] * pair.width + bins[pair.second]
            counts[pair.table[cell]] += 1
        if plan.summed:
            total = sum([plan.sources[place].squares[codes[place]] for place in plan.summed])
            counts[plan.sum_offset + bisect_left(plan.sum_edges, total)] += 1
        if plan.added:
            total = sum([plan.sources[place].scores[codes[place]] for place in plan.added])
            counts[plan.added_offset + bisect_left(plan.added_edges, total)] += 1
        if plan.paired:
            self.pending.add([plan.sources[place].signs[codes[place]] for place in plan.paired])
            if self.pending.events == MOST_EVENTS:
                self._count_signs()

    def _count_signs(self) -> None:
        """Count the pairs of signs of the events that were observed one by one."""
        if self.pending.events:
            for place, more in enumerate(self.pending.drain(), self.baseline.plan.paired_offset):
                self.counts[place] += more

    def observe_rows(
        self,
        columns: Mapping[str, npt.ArrayLike],
        predictions: npt.ArrayLike | None = None,
        timestamps_ms: npt.ArrayLike | None = None,
        *,
        labels: npt.ArrayLike | None = None,
        margins: npt.ArrayLike | None = None,
        entropies: npt.ArrayLike | None = None,
        sessions: npt.ArrayLike | None = None,
    ) -> None:
        """Count many events at once, by numpy; the same as `observe` row by row.

        Args:
            columns: per feature a vector of shape (rows,), as `fit_baseline` takes them; an absent
                column is missing in every row.
            predictions: shape (rows,).
            timestamps_ms: shape (rows,), in milliseconds of Unix time.
            labels: a classifier's, its classes or their places, shape (rows,).
            margins: shape (rows,).
            entropies: shape (rows,), in nats.
            sessions: what the session of each row is called, None or "" for none, shape (rows,).

        Raises:
            WindowError: lengths differ or numbers are none; the window is unchanged.
        """
        # Aggregating single events starts faster without numpy.
        from drift_ml.window._rows import count_rows  # noqa: PLC0415

        answers: dict[Answer, npt.ArrayLike | None] = {
            "label": labels,
            "score": predictions,
            "margin": margins,
            "entropy": entropies,
        }
        counted = count_rows(self.baseline, columns, answers, timestamps_ms)
        self._add(counted.counts, counted.moments)
        self.sketches.rows.merge(counted.sketch)
        # Any: an array of texts, which numpy has no type for.
        names: Any = () if sessions is None else sessions
        for session in filter(None, names):
            self.sketches.sessions.add(digest_of_text(session))
        self._extend(
            counted.rows,
            counted.first_ms,
            counted.last_ms,
        )

    def __add__(self, other: Window) -> Window:
        """Return the window that has seen both.

        Raises WindowError unless both are of one baseline and version.
        """
        if self.baseline.digest != other.baseline.digest:
            raise WindowError(
                "windows add only if they were counted against the same baseline; these are of"
                f" {self.baseline.digest[:12]} and {other.baseline.digest[:12]}"
            )
        if self.model_version != other.model_version:
            raise WindowError(
                "windows add only if they are of the same model version; these are of"
                f" {self.model_version} and {other.model_version}"
            )
        total = Window.empty(self.baseline, self.model_version)
        for part in (self, other):
            part._count_signs()
            total._add(part.counts, part.moments)
            total.sketches.merge(part.sketches)
            total._extend(
                part.events,
                part.first_ms,
                part.last_ms,
            )
        return total

    def __sub__(self, part: Window) -> Window:
        """Return the window without events that it has seen; `(a + b) - b` counts what `a` does.

        The times of the first and the last event stay those of all, as far as any event is left.
        Raises WindowError unless both are of one baseline and version.
        """
        remaining = self + Window.empty(part.baseline, part.model_version)
        part._count_signs()
        remaining.events -= part.events
        pairs = zip(remaining.counts, part.counts, strict=True)
        remaining.counts = [count - less for count, less in pairs]
        for mine, other in zip(remaining.moments, part.moments, strict=True):
            mine.add(-other.count, -other.total, -other.squares)
        remaining.sketches.take_off(part.sketches)
        if not remaining.events:
            remaining.first_ms = remaining.last_ms = None
        return remaining

    def _add(
        self,
        counts: list[int],
        moments: list[Moments],
    ) -> None:
        # Windows of one baseline have equally many counts, and sums of them are made all day.
        self.counts = list(map(add, self.counts, counts))
        for mine, further in zip(
            self.moments,
            moments,
            strict=True,
        ):
            mine.add(
                further.count,
                further.total,
                further.squares,
            )

    def _extend(
        self,
        events: int,
        first_ms: int | None,
        last_ms: int | None,
    ) -> None:
        self.events += events
        if first_ms is not None:
            self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)
        if last_ms is not None:
            self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment] # a value that changes has no hash

    def channel_counts(self) -> dict[str, list[int]]:
        """Return the events in each bin, by channel."""
        self._count_signs()
        counts = {}
        spans = pairwise(self.baseline.offsets)
        for channel, (start, end) in zip(
            self.baseline.channels,
            spans,
            strict=True,
        ):
            counts[channel.name] = self.counts[start:end]
        return counts

    def to_json(self) -> WindowStateV1 | WindowStateV2:
        """Return the state as a document: under the second version where there are sketches."""
        moments = {}
        for source, sums in zip(
            self.baseline.plan.sources,
            self.moments,
            strict=True,
        ):
            moments[source.name] = [sums.count, sums.total, sums.squares]
        first: WindowStateV1 = {
            "contract": "window.state.v1",
            "model": self.baseline.model,
            "model_version": self.model_version,
            "baseline": self.baseline.digest,
            "events": self.events,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "moments": moments,
            "counts": self._counts_to_json(),
        }
        if not self.sketches:
            return first
        return {**first, "contract": "window.state.v2", "sketches": self.sketches.to_json()}

    def _counts_to_json(self) -> dict[str, list[int]]:
        """Return the events in each bin by channel, those of all pairs of signs in one list."""
        counts: dict[str, list[int]] = {}
        pairs: list[int] = []
        kinds = [channel.kind for channel in self.baseline.channels]
        for kind, (name, bins) in zip(kinds, self.channel_counts().items(), strict=True):
            if kind == CONCORDANCE:
                pairs += bins
            else:
                counts[name] = bins
        return {**counts, ALL_PAIRS: pairs} if pairs else counts

    @classmethod
    def from_json(
        cls,
        document: Mapping[str, object],
        baseline: Baseline,
    ) -> Window:
        """Return the window in a document.

        Args:
            document: under window.state.v1 or v2.
            baseline: that it was counted against.

        Raises:
            WindowError: it is of another baseline, or not of the contract's shape.
        """
        if document.get("contract") not in (CONTRACT, SECOND):
            raise WindowError(f"{CONTRACT}: const at /contract: expected {CONTRACT!r}")
        if document.get("baseline") != baseline.digest:
            expected = f"expected {baseline.digest[:12]}, the baseline that it is read with"
            raise WindowError(f"{CONTRACT}: at /baseline: {expected}")
        # The second version only has one member more.
        state = cast("WindowStateV2", document)
        window = cls.empty(baseline, state.get("model_version"))
        try:
            counts = [state["counts"][name] for name in _names_in_json(baseline)]
            sums = [state["moments"][source.name] for source in baseline.plan.sources]
            moments = [Moments(*numbers) for numbers in sums]
            window._extend(
                state["events"],
                state["first_ms"],
                state["last_ms"],
            )
            window.sketches = Sketches.from_json(state.get("sketches"))
        except (KeyError, TypeError, ValueError) as error:
            raise WindowError(f"{CONTRACT}: not of the shape that the contract gives") from error
        if [len(bins) for bins in counts] != _sizes_in_json(baseline):
            expected = "expected as many bins per channel as the baseline has"
            raise WindowError(f"{CONTRACT}: at /counts: {expected}")
        window.counts = [*chain.from_iterable(counts), 0]
        window.moments = moments
        return window


def _names_in_json(baseline: Baseline) -> list[str]:
    """Return the members of a window's counts, of which one holds all pairs of signs."""
    names = [channel.name for channel in baseline.channels if channel.kind != CONCORDANCE]
    return [*names, ALL_PAIRS] if baseline.paired else names


def _sizes_in_json(baseline: Baseline) -> list[int]:
    """Return how many counts each of these members has."""
    listed = [channel for channel in baseline.channels if channel.kind != CONCORDANCE]
    sizes = [len(channel.counts) for channel in listed]
    features = len(baseline.paired)
    # Two counts for each pair, and a pair for each two features.
    return [*sizes, features * (features - 1)] if features else sizes


def _read(
    plan: Plan,
    features: Mapping[str, Any],  # as for `observe`
    answer: Mapping[Answer, str | float | None],
) -> tuple[list[int], list[int]]:
    """Return each source's code and deviation. Raises WindowError."""
    codes = []
    deviations = []
    for source in plan.sources:
        part = source.answer
        value = features.get(source.name) if part is None else answer[part]
        try:
            code = source.code(value)
            has_deviation = source.scale and code != source.missing
            deviation = source.deviation(value) if has_deviation else 0  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError) as error:
            where = source.name if part else f"features/{source.name}"
            raise WindowError(
                f"type at /{where}: expected a value of the feature's type"
            ) from error
        codes.append(code)
        deviations.append(deviation)
    return codes, deviations


def _row(
    plan: Plan,
    features: Mapping[str, Any],  # as for `observe`
    codes: list[int],
) -> list[float]:
    """Return the features of an event as numbers: of categories, missing or not, their codes."""
    values = []
    for source, code in zip(plan.sources, codes, strict=True):
        if source.answer is not None:
            continue
        is_number = source.labels is None
        if is_number and code == source.missing:
            values.append(nan)
        else:
            values.append(float(features[source.name] if is_number else code))
    return values
