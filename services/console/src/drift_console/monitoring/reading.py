"""What the page shows of the evidence: its course, what it points at, effect sizes, alerts, and the what-if."""

from __future__ import annotations

import json
from math import exp, log
from typing import TYPE_CHECKING, Any

from drift_ml.evidence import Budget
from drift_ml.replay.evidence import replay_windows
from drift_ml.report import window_report
from drift_ml.window import Window
from drift_monitor.stores import UNREADABLE

from drift_console.alerts import iso

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from drift_ml.replay.evidence import Alarm
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference
    from drift_monitor.stores import SqliteStore

    from drift_console.frame import Frame
    from drift_console.metrics import Summary

ALERTS = 20
DRAWN = 16  # bins of a channel at most
BLOCK = 60  # windows that are summed once and kept
REPLAYED = 2_000  # windows at most: about a second
BAR = 1.0


class EvidenceReader:
    """Reads what the monitor judged; used by one thread at a time, with connections of its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        store: SqliteStore,
        references: Mapping[Series, Reference],
        *,
        period: int,
    ) -> None:
        """period: seconds that a window spans. One version of each model is shown."""
        self._connection = connection
        self._store = store
        self._period = period
        self._of = {series.model: (series, reference) for series, reference in references.items()}
        self._blocks: dict[tuple[Series, int], Window] = {}
        self._effects: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}

    def document(self, model: str, frame: Frame, evidence: Sequence[Summary | None]) -> dict[str, Any] | None:
        """The member `evidence` of the state; evidence: of each of the frame's buckets, as shares of the bar."""
        if model not in self._of:
            return None
        series, _ = self._of[model]
        judgement = self._judgement(series)
        finding = judgement["finding"]
        effects = self._effects_of(series, frame, judgement["judged"])
        return {
            "threshold": BAR,
            "times": [frame.start + index * frame.width for index in range(frame.count)],
            "value": [None if part is None else part.maximum for part in evidence],
            "alarm": judgement["alarm"],
            "since": iso(finding["since"]) if finding and judgement["alarm"] else None,
            "finding": finding and {**finding, "since": iso(finding["since"]), "of": self._features(model, finding)},
            "top": self._top(model, finding, effects["effects"]),
            "budget": exp(judgement["needed"]) if judgement["needed"] else None,
            **effects,
            "alerts": self._alerts(model),
        }

    def _judgement(self, series: Series) -> dict[str, Any]:
        row = self._connection.execute(
            "SELECT body FROM judgements WHERE model = ? AND version = ?", (series.model, series.version)
        ).fetchone()
        found: dict[str, Any] = (
            json.loads(row[0]) if row else {"judged": -1, "alarm": False, "needed": None, "finding": None}
        )
        return found

    def _features(self, model: str, finding: Mapping[str, Any]) -> list[str]:
        return list(self._of[model][1].baseline.channel(finding["channel"]).of)

    def _top(
        self, model: str, finding: Mapping[str, Any] | None, effects: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The channels that hold the evidence; a direction where one is known."""
        if finding is None:
            return []
        moved = {one["feature"]: one["mean_shift"]["value"] for one in effects if one["mean_shift"]}
        channels = self._of[model][1].baseline
        shown = []
        for name, share in finding["shares"].items():
            of = list(channels.channel(name).of)
            direction = "up" if moved.get(name, 0) > 0 else "down" if name in moved else None
            leads = name == finding["channel"]
            shown.append(
                {
                    "channel": name,
                    "feature": of[0] if len(of) == 1 else None,
                    "direction": finding["direction"] if leads else direction,
                    "share": share,
                }
            )
        return shown

    def _alerts(self, model: str) -> list[dict[str, Any]]:
        rows = self._connection.execute(
            "SELECT body FROM drift_alerts WHERE model = ? ORDER BY at DESC, rowid DESC LIMIT ?", (model, ALERTS)
        )
        return [json.loads(body) for (body,) in rows]

    def _effects_of(self, series: Series, frame: Frame, judged: int) -> dict[str, Any]:
        """`effects` and `window`, made anew when another minute was judged or the frame moved by one."""
        first = frame.start // self._period
        # What a clock that was ahead has judged lies beyond the frame, perhaps by years.
        judged = min(judged, (frame.start + frame.width * frame.count) // self._period)
        made, document = self._effects.get(series.model, ((-1, -1), {}))
        if made != (first, judged):
            baseline = self._of[series.model][1].baseline
            report = window_report(baseline, self._total(series, first, judged))
            singles = [one for one in report["channels"] if one["of"] == [one["name"]]]
            document = {
                "window": {**report["window"], "words": report["verdict"]["words"]},
                "effects": [_effect(one) for one in singles] if report["window"]["events"] else [],
            }
            self._effects[series.model] = ((first, judged), document)
        return document

    def _total(self, series: Series, first: int, last: int) -> Window:
        """The sum of the windows from first to last (numbers of minutes); whole past blocks are summed once.

        What came late for a block that was summed already is shown once the block has been forgotten.
        """
        total = self._sum(series, range(0))
        for block in range(first // BLOCK, last // BLOCK + 1):
            minutes = range(max(first, block * BLOCK), min(last + 1, (block + 1) * BLOCK))
            if len(minutes) < BLOCK:
                total += self._sum(series, minutes)
                continue
            if (series, block) not in self._blocks:
                self._blocks[series, block] = self._sum(series, minutes)
            total += self._blocks[series, block]
        self._blocks = {key: kept for key, kept in self._blocks.items() if key[0] != series or key[1] >= first // BLOCK}
        return total

    def _sum(self, series: Series, minutes: range) -> Window:
        total = Window.empty(self._of[series.model][1].baseline, series.version)
        for _, window in self._windows(series, minutes) if minutes else ():
            total += window
        return total

    def _windows(self, series: Series, minutes: range) -> Iterator[tuple[int, Window]]:
        baseline = self._of[series.model][1].baseline
        for kept in self._store.windows(series, minutes[0], minutes[-1]):
            if UNREADABLE in kept.window:  # the evaluator has reported it; the page shows the rest
                continue
            yield kept.key.minute * self._period, Window.from_json(kept.window, baseline)

    def what_if(self, model: str, frame: Frame, *, budget: float, minimum_effect: float) -> dict[str, Any]:
        """The document of `GET /console/api/replay`: evidence in the frame's buckets and alarms, as they would have
        been. The detector starts clean at the first window shown. Raises EvidenceError."""
        series, reference = self._of[model]
        last = (frame.start + frame.width * frame.count) // self._period
        minutes = range(max(frame.start // self._period, last - REPLAYED), last + 1)
        windows = [kept for kept in self._windows(series, minutes) if kept[1].events]
        found = replay_windows(
            reference.baseline,
            (window for _, window in windows),
            budget=Budget(budget),
            minimum_effect=minimum_effect,
        )
        value: list[float | None] = [None] * frame.count
        for (moment, _), step in zip(windows, found.steps, strict=True):
            place = (moment - frame.start) // frame.width
            if 0 <= place < frame.count:
                value[place] = max(value[place] or 0.0, step.evidence / log(budget))
        return {
            "model": model,
            "budget": budget,
            "minimum_effect": minimum_effect,
            "threshold": BAR,
            "times": [frame.start + index * frame.width for index in range(frame.count)],
            "value": value,
            "alarms": [self._alarmed(model, one) for one in found.alarms],
            "windows": len(windows),
            "events": found.events,
            "from": iso(windows[0][0]) if windows else None,
        }

    def _alarmed(self, model: str, alarm: Alarm) -> dict[str, Any]:
        finding = alarm.finding.to_json()
        return {
            **{name: finding[name] for name in ("channel", "kind", "direction", "size", "effect")},
            "of": self._features(model, finding),
            "events": round(finding["events"]),
            "since": iso(finding["since"]),
            "at": self._end(alarm.at_ms),
            "over": self._end(alarm.recovered_ms),
        }

    def _end(self, milliseconds: int | None) -> str | None:
        """The end of the window that began then."""
        return None if milliseconds is None else iso(milliseconds / 1000 + self._period)


def _effect(channel: Mapping[str, Any]) -> dict[str, Any]:
    """One channel of a window report, as the page shows it."""
    mean = channel.get("mean")
    return {
        "feature": channel["name"],
        "level": channel["level"],
        "words": channel["words"],
        **{name: channel["effects"].get(name) for name in ("psi", "ks", "wasserstein")},
        "mean_shift": mean and {"value": mean["shift"], "low": mean["low"], "high": mean["high"]},
        "p_adjusted": channel["test"]["p_adjusted"],
        **_drawn(channel),
    }


def _drawn(channel: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Labels and both histograms; more than DRAWN ordered bins are put together, neighbours with neighbours."""
    labels, before, now = channel["labels"], channel["baseline"], channel["window"]
    size = len(labels)
    if size <= DRAWN or channel["kind"] == "categories":
        return {"labels": labels, "baseline": before, "window": now}
    width = -(-size // DRAWN)
    groups = [slice(start, start + width) for start in range(0, size, width)]
    return {
        "labels": [_span(labels[group]) for group in groups],
        "baseline": [sum(before[group]) for group in groups],
        "window": [sum(now[group]) for group in groups],
    }


def _span(labels: Sequence[str]) -> str:
    """One label for neighbouring bins.

    >>> _span(["<= 1", "1 to 2", "2 to 3"]), _span(["3 to 4", "> 4"]), _span(["5", "6"])
    ('<= 3', '> 3', '5 to 6')
    """
    low, high = labels[0].split(" to ")[0], labels[-1].split(" to ")[-1]
    if len(labels) == 1:
        return labels[0]
    if low.startswith("<= "):
        return f"<= {high}"
    return f"> {low}" if high.startswith("> ") else f"{low} to {high}"
