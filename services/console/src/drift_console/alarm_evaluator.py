"""The alarms of every model, evaluated against the store; each change is kept and sent once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
class AlarmState:
    """The state that an alarm is in."""

    state: State
    #: Epoch seconds.
    since: float
    #: The latest reason; of an alarm that lasts, that of its begin.
    reason: str


@dataclass(frozen=True)
class Change:
    """An alarm that went from one state to another."""

    #: Epoch seconds.
    at: float
    model: str
    alarm: Alarm
    before: State
    after: State
    reason: str

    @property
    def is_alert(self) -> bool:
        """Return whether people are notified: where ALARM begins or ends."""
        # That data starts or stops is no alert by itself.
        return State.ALARM in (self.before, self.after)


@dataclass(frozen=True)
class PastChange:
    """A change as the store keeps it."""

    #: Epoch seconds.
    at: float
    alarm: str
    before: str
    after: str
    reason: str


class AlarmEvaluator:
    """Evaluates all alarms; used by one thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        alarms: Mapping[str, Sequence[Alarm]],
        read: Callable[[str], Read],
        *,
        announce: Callable[[Change], None],
        ever_had_data: Callable[[str, str], bool] = lambda _model, _metric: True,
    ) -> None:
        """Take the states that the store has kept.

        Args:
            connection: Of the console's store, to write.
            alarms: By model.
            read: Gives the reader of a model's metrics.
            announce: Called inside of the transaction that records a change.
            ever_had_data: Whether a model's metric ever had a datapoint.
        """
        self._connection = connection
        self._alarms = alarms
        self._read = read
        self._announce = announce
        self._ever_had_data = ever_had_data

    def evaluate(self, end: int) -> list[Change]:
        """Evaluate every alarm on the window that ends at `end` (epoch seconds).

        Returns the changes.
        """
        changes: list[Change] = []
        for model in self._alarms:
            changes += self._evaluate_model(model, end)
        return changes

    def _evaluate_model(self, model: str, end: int) -> list[Change]:
        stored = alarm_states(self._connection, model)
        states = {}
        for alarm in self._alarms[model]:
            before = stored.get(alarm.name)
            states[alarm.name] = before.state if before else State.INSUFFICIENT_DATA
        changes = []
        for alarm in self._ordered(model):
            outcome = self._outcome(alarm, model, end, states)
            if outcome is None:
                continue
            before_state = states[alarm.name]
            # Composite alarms, which come later, are evaluated on the new state.
            states[alarm.name] = outcome.state
            if outcome.state is before_state and alarm.name in stored:
                self._refresh(model, alarm, outcome)
                continue
            change = Change(end, model, alarm, before_state, outcome.state, outcome.reason)
            self._record(change)
            if change.before is not change.after:
                changes.append(change)
        return changes

    def _ordered(self, model: str) -> list[Alarm]:
        """Return metric alarms, then composite ones in the order in which the spec builds them."""
        return sorted(self._alarms[model], key=lambda alarm: isinstance(alarm, CompositeAlarm))

    def _outcome(
        self,
        alarm: Alarm,
        model: str,
        end: int,
        states: Mapping[str, State],
    ) -> Outcome | None:
        if isinstance(alarm, CompositeAlarm):
            return evaluate_composite(alarm, states)
        if not isinstance(alarm, MetricAlarm):
            raise TypeError(f"alarm {alarm.name}: expected a metric or a composite alarm")
        if self._has_nothing_to_keep(alarm, model):
            metrics = sorted({query.metric for query in alarm.inputs.values()})
            reason = f"no datapoint of {', '.join(metrics)} was ever stored"
            return Outcome(State.INSUFFICIENT_DATA, reason)
        return evaluate_metric(alarm, self._read(model), end, states[alarm.name])

    def _has_nothing_to_keep(self, alarm: MetricAlarm, model: str) -> bool:
        """Return whether a state that missing data would keep cannot be of this alarm's data.

        An earlier release decided `no-data` by another metric and raised it for models that nobody
        ever asked. Without a datapoint of today's metric that state would be kept for ever.
        """
        if alarm.missing_data != "ignore":
            return False
        queries = alarm.inputs.values()
        return not any(self._ever_had_data(model, query.metric) for query in queries)

    def _refresh(self, model: str, alarm: Alarm, outcome: Outcome) -> None:
        """Store the latest reason; while an alarm lasts, that of its begin stays."""
        if outcome.state is not State.ALARM:
            self._connection.execute(
                "UPDATE alarms SET reason = ? WHERE model = ? AND name = ? AND reason <> ?",
                (outcome.reason, model, alarm.name, outcome.reason),
            )

    def _record(self, change: Change) -> None:
        """Store an alarm's state; where it changed, its history too, and announce it."""
        name = change.alarm.name
        row = (change.model, name, change.after.value, change.at, change.reason)
        with transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?)", row)
            # The first look at an alarm may find it in the state that it began in.
            if change.before is change.after:
                return
            self._connection.execute(
                "INSERT INTO history (at, model, name, before, after, reason)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    change.at,
                    change.model,
                    name,
                    change.before.value,
                    change.after.value,
                    change.reason,
                ),
            )
            self._announce(change)


def alarm_states(connection: sqlite3.Connection, model: str) -> dict[str, AlarmState]:
    """Return the states of a model's alarms that have been evaluated, by name.

    Args:
        connection: Of the console's store.
        model: Whose alarms.
    """
    rows = connection.execute(
        "SELECT name, state, since, reason FROM alarms WHERE model = ?",
        (model,),
    )
    return {name: AlarmState(State(state), since, reason) for name, state, since, reason in rows}


def history(connection: sqlite3.Connection, model: str, *, limit: int = 50) -> list[PastChange]:
    """Return the latest changes of a model's alarms, newest first.

    Args:
        connection: Of the console's store.
        model: Whose alarms.
        limit: How many changes at most.
    """
    rows = connection.execute(
        "SELECT at, name, before, after, reason FROM history WHERE model = ?"
        " ORDER BY id DESC LIMIT ?",
        (model, limit),
    )
    return [PastChange(*row) for row in rows]
