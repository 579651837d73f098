"""The alarms of every model, evaluated against the store; a change of state is kept, told and sent once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_console.alarms import (
    Alarm,
    CompositeAlarm,
    MetricAlarm,
    Outcome,
    State,
    evaluate_composite,
    evaluate_metric,
)
from drift_console.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from drift_console.alarms.evaluation import Read


@dataclass(frozen=True)
class Standing:
    """An alarm's state, since when (epoch seconds), and the latest reason."""

    state: State
    since: float
    reason: str


@dataclass(frozen=True)
class Change:
    """An alarm that went from one state to another."""

    at: float
    model: str
    alarm: Alarm
    before: State
    after: State
    reason: str

    @property
    def alerts(self) -> bool:
        """Whether people are told: when ALARM begins or ends, not when data starts or stops otherwise."""
        return State.ALARM in (self.before, self.after)


class Watch:
    """Evaluates; used by one thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        alarms: Mapping[str, Sequence[Alarm]],
        read: Callable[[str], Read],
        *,
        announce: Callable[[Change], None],
        seen: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """alarms: per model. read: a model's metrics. announce: called inside the change's transaction.
        seen: whether a model ever had a prediction."""
        self._connection = connection
        self._alarms = alarms
        self._read = read
        self._announce = announce
        self._seen = seen

    def evaluate(self, end: int) -> list[Change]:
        """Evaluate every alarm on the window that ends at `end` (epoch seconds); returns the changes."""
        return [change for model in self._alarms for change in self._evaluate_model(model, end)]

    def _evaluate_model(self, model: str, end: int) -> list[Change]:
        known = standings(self._connection, model)
        states = {alarm.name: _standing(known, alarm, end).state for alarm in self._alarms[model]}
        changes = []
        for alarm in self._ordered(model):
            outcome = self._outcome(alarm, model, end, states)
            if outcome is None:
                continue
            before = states[alarm.name]
            states[alarm.name] = outcome.state
            if outcome.state is before and alarm.name in known:
                self._refresh(model, alarm, outcome)
            else:
                changes.append(self._record(model, alarm, before, outcome, end))
        return [change for change in changes if change.before is not change.after]

    def _ordered(self, model: str) -> list[Alarm]:
        """Metric alarms first, then composite ones in the order in which the spec builds them up."""
        return sorted(self._alarms[model], key=lambda alarm: isinstance(alarm, CompositeAlarm))

    def _outcome(self, alarm: Alarm, model: str, end: int, states: Mapping[str, State]) -> Outcome | None:
        if isinstance(alarm, MetricAlarm):
            if alarm.missing_data == "breaching" and not self._seen(model):
                # Silence says something only after there was a voice.
                return Outcome(State.INSUFFICIENT_DATA, "no prediction was ever seen")
            return evaluate_metric(alarm, self._read(model), end, states[alarm.name])
        if isinstance(alarm, CompositeAlarm):
            return evaluate_composite(alarm, states)
        raise TypeError(f"alarm {alarm.name}: expected a metric or a composite alarm")

    def _refresh(self, model: str, alarm: Alarm, outcome: Outcome) -> None:
        """The reason is that of the change while the alarm lasts, else the latest."""
        if outcome.state is not State.ALARM:
            self._connection.execute(
                "UPDATE alarms SET reason = ? WHERE model = ? AND name = ? AND reason <> ?",
                (outcome.reason, model, alarm.name, outcome.reason),
            )

    def _record(self, model: str, alarm: Alarm, before: State, outcome: Outcome, at: float) -> Change:
        change = Change(at, model, alarm, before, outcome.state, outcome.reason)
        row = (model, alarm.name, outcome.state.value, at, outcome.reason)
        with transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?)", row)
            if change.before is not change.after:
                self._connection.execute(
                    "INSERT INTO history (at, model, name, before, after, reason) VALUES (?, ?, ?, ?, ?, ?)",
                    (at, model, alarm.name, before.value, outcome.state.value, outcome.reason),
                )
                self._announce(change)
        return change


def _standing(known: Mapping[str, Standing], alarm: Alarm, now: float) -> Standing:
    return known.get(alarm.name) or Standing(State.INSUFFICIENT_DATA, now, "not evaluated yet")


def standings(connection: sqlite3.Connection, model: str) -> dict[str, Standing]:
    """The alarms that have been evaluated, by name."""
    rows = connection.execute("SELECT name, state, since, reason FROM alarms WHERE model = ?", (model,))
    return {name: Standing(State(state), since, reason) for name, state, since, reason in rows}


def history(connection: sqlite3.Connection, model: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """The latest changes of a model's alarms, newest first."""
    rows = connection.execute(
        "SELECT at, name, before, after, reason FROM history WHERE model = ? ORDER BY id DESC LIMIT ?",
        (model, limit),
    )
    return [dict(zip(("at", "alarm", "from", "to", "reason"), row, strict=True)) for row in rows]
