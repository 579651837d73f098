"""Alerts: the document of a change, and its way to webhooks through an outbox that survives a restart."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from drift_console.alarms import State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from drift_console.watch import Change

TIMEOUT = 5.0  # seconds for one attempt
FIRST_DELAY, LONGEST_DELAY = 1.0, 300.0  # seconds between attempts, doubling
KEPT = 24 * 3600.0  # seconds after which an alert that nobody took is given up
_log = logging.getLogger("drift_console.alerts")


@dataclass(frozen=True)
class Origin:
    """What an alert says about where it comes from."""

    stack: str
    console_url: str
    versions: dict[str, str]


def iso(moment: float) -> str:
    """UTC, ISO 8601, to the millisecond; moment: epoch seconds.

    >>> iso(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert_document(change: Change, origin: Origin, alert_id: str) -> dict[str, Any]:
    """The change as `alert.v1`."""
    return {
        "contract": "alert.v1",
        "alert_id": alert_id,
        "kind": "alarm",
        "state": change.after.value,
        "previous_state": change.before.value,
        "name": change.alarm.name,
        "severity": change.alarm.severity,
        "stack": origin.stack,
        "model": change.model,
        "model_version": origin.versions[change.model],
        "timestamp": iso(change.at),
        "title": f"{change.model}: {_title(change)}",
        "reason": change.reason,
        "next": list(change.alarm.runbook) if change.after is State.ALARM else [],
        "links": {"console": origin.console_url},
    }


def _title(change: Change) -> str:
    return change.alarm.title if change.after is State.ALARM else f"over: {change.alarm.title}"


def enqueue(connection: sqlite3.Connection, alert: dict[str, Any], urls: tuple[str, ...], now: float) -> None:
    """Put the alert into the outbox, once for each URL; the caller owns the transaction."""
    connection.executemany(
        "INSERT INTO outbox (url, body, attempts, due, created) VALUES (?, ?, 0, ?, ?)",
        [(url, json.dumps(alert), now, now) for url in urls],
    )


def keep(connection: sqlite3.Connection, alert: dict[str, Any], now: float) -> bool:
    """Remember a drift alert for the page; False if it was there. The caller owns the transaction."""
    row = (alert["alert_id"], now, alert["model"], json.dumps(alert))
    return bool(connection.execute("INSERT OR IGNORE INTO drift_alerts VALUES (?, ?, ?, ?)", row).rowcount)


class Courier(threading.Thread):
    """Empties the outbox, each webhook at its own pace; nothing waits for it."""

    def __init__(self, connection: sqlite3.Connection, *, clock: Callable[[], float], poll: float = 0.5) -> None:
        super().__init__(name="courier", daemon=True)
        self._connection = connection
        self._clock = clock
        self._poll = poll
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        with httpx.Client(timeout=TIMEOUT, headers={"user-agent": "drift-console"}, trust_env=False) as client:
            while not self._stopping.wait(self._poll):
                self.deliver(client)

    def stop(self) -> None:
        """End after the attempt at hand; what is left is sent after the next start."""
        self._stopping.set()

    def deliver(self, client: httpx.Client) -> None:
        """One attempt at everything that is due; a webhook that fails once is left alone for this round."""
        rows = self._connection.execute(
            "SELECT id, url, body, attempts, created FROM outbox WHERE due <= ? ORDER BY id LIMIT 50",
            (self._clock(),),
        ).fetchall()
        failed: dict[str, str] = {}
        for number, url, body, attempts, created in rows:
            if self._stopping.is_set():
                return
            problem = failed.get(url) or _post(client, url, body)
            if problem is None:
                self._connection.execute("DELETE FROM outbox WHERE id = ?", (number,))
            else:
                failed[url] = problem
                self._postpone(number, attempts + 1, created, problem)

    def _postpone(self, number: int, attempts: int, created: float, problem: str) -> None:
        now = self._clock()
        if now - created > KEPT:
            _log.error("a webhook did not take alert %d in %d attempts: %s; given up", number, attempts, problem)
            self._connection.execute("DELETE FROM outbox WHERE id = ?", (number,))
            return
        delay = min(FIRST_DELAY * 2 ** min(attempts - 1, 16), LONGEST_DELAY)
        _log.warning("a webhook did not take alert %d: %s; next attempt in %.0f s", number, problem, delay)
        self._connection.execute(
            "UPDATE outbox SET attempts = ?, due = ? WHERE id = ?", (attempts, now + delay, number)
        )


def _post(client: httpx.Client, url: str, body: str) -> str | None:
    """None when the webhook took it, else what went wrong, without the URL (it may hold a secret)."""
    try:
        response = client.post(url, content=body, headers={"content-type": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None if response.is_success else f"status {response.status_code}"
