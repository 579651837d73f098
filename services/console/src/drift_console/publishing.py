"""What happens with an alert: into the outbox, into the console's log, onto the terminal."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from drift_predictor import uuid7

from drift_console import alerts
from drift_console.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from drift_monitor.alerts import Alert

    from drift_console.alarm_evaluator import Change
    from drift_console.alerts import AlertSource

_log = logging.getLogger("drift_console")


class AlertPublisher:
    """Sends alerts once each; used by the thread that writes to the store."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        source: AlertSource,
        webhooks: Sequence[str],
        *,
        clock: Callable[[], float],
        tell: Callable[[Alert], None],
    ) -> None:
        """Prepare to send.

        Args:
            connection: Of the console's store, to write.
            source: What the alerts name as their origin.
            webhooks: URLs that each alert is posted to.
            clock: Gives epoch seconds.
            tell: Shows an alert to whoever watches the terminal.
        """
        self._connection = connection
        #: What the alerts name as their origin.
        self.source = source
        self._webhooks = tuple(webhooks)
        self._clock = clock
        self._tell = tell
        self._untold: list[Alert] = []

    def publish(self, alert: Alert) -> None:
        """Send a drift alert of the monitor, unless it was sent before."""
        now = self._clock()
        with transaction(self._connection):
            is_new = alerts.keep(self._connection, alert, now)
            if not is_new:
                return
            alerts.enqueue(self._connection, alert, self._webhooks, now)
        self._untold.append(alert)

    def announce(self, change: Change) -> None:
        """Send an alert for an alarm; the caller owns the transaction."""
        # Alarms that are not for people only repeat an alert that was sent.
        if not change.is_alert or change.alarm.notify != "people":
            return
        alert_id = uuid7(int(change.at * 1000), os.urandom)
        alert = alerts.alert_document(change, self.source, alert_id)
        alerts.enqueue(self._connection, alert, self._webhooks, self._clock())
        self._untold.append(alert)

    def tell_all(self) -> None:
        """Log and show what was sent since the last call."""
        while self._untold:
            alert = self._untold.pop(0)
            _log.warning("alert %s", json.dumps(alert))
            # A terminal may be gone; the alert is in the outbox and in the log.
            with suppress(OSError):
                self._tell(alert)
