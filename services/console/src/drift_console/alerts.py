"""Alerts: the document of a change, and an outbox for webhooks that survives a restart."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import httpx
from drift_contracts.timestamps import utc_text_of_seconds

from drift_console.alarms import State
from drift_console.database import connect
from drift_console.threads import Supervised, report

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from drift_contracts.types import AlertV2
    from drift_monitor.alerts import Alert

    from drift_console.alarm_evaluator import Change
    from drift_console.clock import Steadiness

#: Drift alerts of a model that the page lists.
SHOWN_ALERTS = 20
#: Seconds for each wait within an attempt.
TIMEOUT = 5.0
#: Seconds for an attempt as a whole.
DEADLINE = 10.0
#: Bytes of an answer that are read.
ANSWER_LIMIT = 64 * 1024
#: Alerts that one round reads from the outbox.
MOST_AT_ONCE = 50
#: Seconds after which a store that was locked or full is tried again.
STORE_DELAY = 1.0
#: Seconds between attempts, doubling from the first to the longest.
FIRST_DELAY, LONGEST_DELAY = 1.0, 300.0
#: Doublings after which the longest delay is reached for certain.
_MOST_DOUBLINGS = 16
#: Seconds after which an alert that nobody took is given up.
KEPT = 24 * 3600.0
# An alert of a clock that was ahead is due in a future that nothing was ever postponed to.
_DUE = "(due <= :now OR due > :far)"
_log = logging.getLogger("drift_console.alerts")


@dataclass(frozen=True)
class AlertSource:
    """Where the alerts of a console come from."""

    stack: str
    #: Address of the console's page.
    console_url: str
    #: Version by model.
    versions: Mapping[str, str]


@dataclass(frozen=True)
class QueuedAlert:
    """An alert that waits in the outbox for one webhook."""

    number: int
    url: str
    #: The alert as JSON.
    body: str
    #: How often it was sent in vain.
    attempts: int
    #: Epoch seconds.
    created: float


def alert_document(change: Change, source: AlertSource, alert_id: str) -> AlertV2:
    """Return the change as `alert.v2`.

    Args:
        change: Of an alarm's state.
        source: Where the alert comes from; it has a version of the change's model.
        alert_id: A UUID that no other alert has.
    """
    alarm = change.alarm
    title = f"{change.model}: {alarm.title}"
    runbook = list(alarm.runbook)
    if change.after is not State.ALARM:
        # The end of an alarm asks for nothing.
        title = f"{change.model}: over: {alarm.title}"
        runbook = []
    return {
        "contract": "alert.v2",
        "alert_id": alert_id,
        "kind": "alarm",
        "state": change.after.value,
        "previous_state": change.before.value,
        "name": alarm.name,
        # The spec's schema has checked that it is one of them.
        "severity": cast('Literal["low", "medium", "high"]', alarm.severity),
        "stack": source.stack,
        "model": change.model,
        "model_version": source.versions[change.model],
        "timestamp": utc_text_of_seconds(change.at),
        "title": title,
        "reason": change.reason,
        "next": runbook,
        "links": {"console": source.console_url},
        # Of drifts alone: alarms of the spec have a list of their own on the page.
        "standing": [],
    }


def enqueue(
    connection: sqlite3.Connection,
    alert: Alert,
    urls: Sequence[str],
    now: float,
) -> None:
    """Put the alert into the outbox, once for each URL; the caller owns the transaction.

    Args:
        connection: Of the console's store, to write.
        alert: What is sent.
        urls: The webhooks that it is sent to.
        now: Epoch seconds; it is due at once.
    """
    body = json.dumps(alert)
    connection.executemany(
        "INSERT INTO outbox (url, body, attempts, due, created) VALUES (?, ?, 0, ?, ?)",
        [(url, body, now, now) for url in urls],
    )


def keep(connection: sqlite3.Connection, alert: Alert, now: float) -> bool:
    """Keep a drift alert for the page; the caller owns the transaction.

    Args:
        connection: Of the console's store, to write.
        alert: Of the monitor, perhaps a second time.
        now: Epoch seconds.

    Returns:
        False if the alert was there already.
    """
    row = (alert["alert_id"], now, alert["model"], json.dumps(alert))
    cursor = connection.execute("INSERT OR IGNORE INTO drift_alerts VALUES (?, ?, ?, ?)", row)
    return bool(cursor.rowcount)


def shown_alerts(connection: sqlite3.Connection, model: str) -> list[Alert]:
    """Return the alerts of a model that the page shows, the newest first.

    Args:
        connection: Of the console's store.
        model: Whose alerts.
    """
    rows = connection.execute(
        "SELECT body FROM drift_alerts WHERE model = ? ORDER BY at DESC, rowid DESC LIMIT ?",
        (model, SHOWN_ALERTS),
    )
    return [json.loads(body) for (body,) in rows]


def has_alert(path: Path, model: str, alert_id: str) -> bool:
    """Return whether a drift alert is kept.

    Args:
        path: Of the console's store.
        model: Of the alert.
        alert_id: Of the alert.
    """
    connection = connect(path)
    try:
        query = "SELECT 1 FROM drift_alerts WHERE alert_id = ? AND model = ?"
        return connection.execute(query, (alert_id, model)).fetchone() is not None
    finally:
        connection.close()


class WebhookSender(Supervised):
    """Empties the outbox, a task for each webhook, so that none waits for another."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        clock: Callable[[], float],
        poll: float = 0.5,
        steadiness: Steadiness | None = None,
    ) -> None:
        """Prepare to send; nothing is sent before `start`.

        Args:
            connection: Of the console's store, used by this thread alone.
            clock: Gives epoch seconds.
            poll: Seconds between looks at the outbox.
            steadiness: Without it the clock is believed when an alert is a day old.
        """
        super().__init__("webhook-sender")
        self._connection = connection
        self._clock = clock
        self._poll = poll
        self._steadiness = steadiness
        self._steady = True

    def work(self) -> None:
        """Send what is due until stopped; whatever goes wrong is logged and tried again."""
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        sending: dict[str, asyncio.Task[None]] = {}
        async with make_client() as client:
            while not self.stopping:
                try:
                    self._start_tasks(client, sending)
                except Exception:
                    report(_log, "the outbox cannot be read; trying again")
                await asyncio.sleep(self._poll)
                sending = {url: task for url, task in sending.items() if not task.done()}
            if sending:
                # The attempts that have begun are not taken back.
                await asyncio.wait(sending.values(), timeout=TIMEOUT)

    def _start_tasks(
        self,
        client: httpx.AsyncClient,
        sending: dict[str, asyncio.Task[None]],
    ) -> None:
        """Add a task for each webhook that something is due for and that has none."""
        for url in self.due_urls():
            if url not in sending:
                sending[url] = asyncio.create_task(self._attempt(client, url))

    async def _attempt(self, client: httpx.AsyncClient, url: str) -> None:
        """Send what is due to one webhook. Never raises: a locked or full store is no end."""
        try:
            await self.deliver(client, url)
        except Exception:
            report(_log, "an attempt to send alerts failed; trying again")
            await asyncio.sleep(STORE_DELAY)

    def due_urls(self) -> list[str]:
        """Return the webhooks for which something is due."""
        if self._steadiness is not None:
            self._steady = self._steadiness.look()
        rows = self._connection.execute(
            f"SELECT DISTINCT url FROM outbox WHERE {_DUE}",  # noqa: S608 - constants
            self._times(),
        )
        return [url for (url,) in rows]

    def _times(self) -> dict[str, float]:
        """Return the parameters of `_DUE`."""
        now = self._clock()
        return {"now": now, "far": now + LONGEST_DELAY}

    async def deliver(self, client: httpx.AsyncClient, url: str | None = None) -> None:
        """Attempt what is due; a webhook that fails is left alone for this round.

        Args:
            client: Sends the requests.
            url: The only webhook that is called; every one if absent.
        """
        problems: dict[str, str] = {}
        for alert in self._due(url):
            if self.stopping:
                return
            problem = problems.get(alert.url) or await _post(client, alert.url, alert.body)
            if problem is None:
                self._remove(alert)
            else:
                problems[alert.url] = problem
                self._postpone(alert, problem)

    def _due(self, url: str | None) -> list[QueuedAlert]:
        rows = self._connection.execute(
            "SELECT id, url, body, attempts, created FROM outbox"  # noqa: S608 - constants
            f" WHERE {_DUE} AND (:url IS NULL OR url = :url) ORDER BY id LIMIT {MOST_AT_ONCE}",
            {**self._times(), "url": url},
        )
        return [QueuedAlert(*row) for row in rows]

    def _remove(self, alert: QueuedAlert) -> None:
        self._connection.execute("DELETE FROM outbox WHERE id = ?", (alert.number,))

    def _postpone(self, alert: QueuedAlert, problem: str) -> None:
        """Note an attempt in vain: a later one becomes due, or the alert is given up."""
        now = self._clock()
        attempts = alert.attempts + 1
        # A clock that jumped may be wrong about the alert's age.
        if now - alert.created > KEPT and self._steady:
            _log.error(
                "a webhook did not take alert %d in %d attempts: %s; it is given up",
                alert.number,
                attempts,
                problem,
            )
            self._remove(alert)
            return
        doublings = min(alert.attempts, _MOST_DOUBLINGS)
        delay = min(FIRST_DELAY * 2**doublings, LONGEST_DELAY)
        _log.warning(
            "a webhook did not take alert %d: %s; next attempt in %.0f s",
            alert.number,
            problem,
            delay,
        )
        self._connection.execute(
            "UPDATE outbox SET attempts = ?, due = ? WHERE id = ?",
            (attempts, now + delay, alert.number),
        )


def make_client() -> httpx.AsyncClient:
    """Return a client that follows no redirect: who moved a webhook is to learn of it."""
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        headers={"user-agent": "drift-console"},
        trust_env=False,
        follow_redirects=False,
    )


async def _post(client: httpx.AsyncClient, url: str, body: str) -> str | None:
    """Return None when the webhook took it, else what went wrong.

    The URL is no part of it: it may hold a secret.
    """
    status: int | None = None
    try:
        async with (
            asyncio.timeout(DEADLINE),
            client.stream(
                "POST",
                url,
                content=body,
                headers={"content-type": "application/json"},
            ) as response,
        ):
            status = response.status_code
            await _discard(response)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        # The status decides; how a body drips or breaks off after it changes nothing.
        if status is None:
            return type(error).__name__
    return None if httpx.codes.is_success(status) else f"status {status}"


async def _discard(response: httpx.Response) -> None:
    """Read an answer to its end, so that a decent server sees it taken, or to ANSWER_LIMIT."""
    size = 0
    if response.is_stream_consumed:
        return
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > ANSWER_LIMIT:
            return
