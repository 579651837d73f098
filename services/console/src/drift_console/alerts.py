"""Alerts: the document of a change, and its way to webhooks through an outbox that survives a restart."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import httpx

from drift_console.alarms import State
from drift_console.threads import Supervised, report

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import Literal

    from drift_contracts.types import AlertV1

    from drift_console.clock import Steadiness
    from drift_console.watch import Change

TIMEOUT = 5.0  # seconds for each wait within an attempt
DEADLINE = 10.0  # seconds for an attempt as a whole
ANSWER_LIMIT = 64 * 1024  # bytes of an answer that are read
STORE_DELAY = 1.0  # seconds after which a store that was locked or full is tried again
FIRST_DELAY, LONGEST_DELAY = 1.0, 300.0  # seconds between attempts, doubling
KEPT = 24 * 3600.0  # seconds after which an alert that nobody took is given up
# An alert of a clock that was ahead is due in a future that nothing was ever postponed to.
_DUE = "(due <= :now OR due > :far)"
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


def alert_document(change: Change, origin: Origin, alert_id: str) -> AlertV1:
    """The change as `alert.v1`."""
    return {
        "contract": "alert.v1",
        "alert_id": alert_id,
        "kind": "alarm",
        "state": change.after.value,
        "previous_state": change.before.value,
        "name": change.alarm.name,
        "severity": cast('Literal["low", "medium", "high"]', change.alarm.severity),
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


def enqueue(connection: sqlite3.Connection, alert: AlertV1, urls: tuple[str, ...], now: float) -> None:
    """Put the alert into the outbox, once for each URL; the caller owns the transaction."""
    connection.executemany(
        "INSERT INTO outbox (url, body, attempts, due, created) VALUES (?, ?, 0, ?, ?)",
        [(url, json.dumps(alert), now, now) for url in urls],
    )


def keep(connection: sqlite3.Connection, alert: AlertV1, now: float) -> bool:
    """Remember a drift alert for the page; False if it was there. The caller owns the transaction."""
    row = (alert["alert_id"], now, alert["model"], json.dumps(alert))
    return bool(connection.execute("INSERT OR IGNORE INTO drift_alerts VALUES (?, ?, ?, ?)", row).rowcount)


class Courier(Supervised):
    """Empties the outbox, a task for each webhook, so that none waits for another."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        clock: Callable[[], float],
        poll: float = 0.5,
        steadiness: Steadiness | None = None,
    ) -> None:
        """steadiness: without it the clock is believed when an alert is a day old."""
        super().__init__("courier")
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
            while not self._stopping.is_set():
                try:
                    for url in self._waiting():
                        if url not in sending:
                            sending[url] = asyncio.create_task(self._attempt(client, url))
                except Exception:
                    report(_log, "the outbox cannot be read; trying again")
                await asyncio.sleep(self._poll)
                sending = {url: task for url, task in sending.items() if not task.done()}
            if sending:  # the attempts at hand
                await asyncio.wait(sending.values(), timeout=TIMEOUT)

    async def _attempt(self, client: httpx.AsyncClient, url: str) -> None:
        """Send what is due to one webhook. Never raises: a locked or full store is no end."""
        try:
            await self.deliver(client, url)
        except Exception:
            report(_log, "an attempt to send alerts failed; trying again")
            await asyncio.sleep(STORE_DELAY)

    def _waiting(self) -> list[str]:
        """Return the webhooks for which something is due."""
        if self._steadiness is not None:
            self._steady = self._steadiness.look()
        rows = self._connection.execute(
            f"SELECT DISTINCT url FROM outbox WHERE {_DUE}",  # noqa: S608 - constants
            self._now(),
        )
        return [url for (url,) in rows]

    def _now(self) -> dict[str, float]:
        now = self._clock()
        return {"now": now, "far": now + LONGEST_DELAY}

    async def deliver(self, client: httpx.AsyncClient, url: str | None = None) -> None:
        """Attempt what is due, to one webhook or to all; one that fails is left alone for this round."""
        rows = self._connection.execute(
            f"SELECT id, url, body, attempts, created FROM outbox WHERE {_DUE}"  # noqa: S608 - constants
            " AND (:url IS NULL OR url = :url) ORDER BY id LIMIT 50",
            {**self._now(), "url": url},
        ).fetchall()
        failed: dict[str, str] = {}
        for number, target, body, attempts, created in rows:
            if self._stopping.is_set():
                return
            problem = failed.get(target) or await _post(client, target, body)
            if problem is None:
                self._connection.execute("DELETE FROM outbox WHERE id = ?", (number,))
            else:
                failed[target] = problem
                self._postpone(number, attempts + 1, created, problem)

    def _postpone(self, number: int, attempts: int, created: float, problem: str) -> None:
        now = self._clock()
        if now - created > KEPT and self._steady:
            _log.error("a webhook did not take alert %d in %d attempts: %s; given up", number, attempts, problem)
            self._connection.execute("DELETE FROM outbox WHERE id = ?", (number,))
            return
        delay = min(FIRST_DELAY * 2 ** min(attempts - 1, 16), LONGEST_DELAY)
        _log.warning("a webhook did not take alert %d: %s; next attempt in %.0f s", number, problem, delay)
        self._connection.execute(
            "UPDATE outbox SET attempts = ?, due = ? WHERE id = ?", (attempts, now + delay, number)
        )


def make_client() -> httpx.AsyncClient:
    """Return a client that follows no redirect: a webhook that moved is to be told, not chased."""
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        headers={"user-agent": "drift-console"},
        trust_env=False,
        follow_redirects=False,
    )


async def _post(client: httpx.AsyncClient, url: str, body: str) -> str | None:
    """Return None when the webhook took it, else what went wrong, without the URL (it may hold a secret)."""
    headers = {"content-type": "application/json"}
    answer: list[int] = []
    try:
        async with (
            asyncio.timeout(DEADLINE),
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            answer.append(response.status_code)
            await _drop(response)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        if not answer:
            return type(error).__name__
    # The status decides; how a body drips or breaks off after it changes nothing.
    return None if httpx.codes.is_success(answer[0]) else f"status {answer[0]}"


async def _drop(response: httpx.Response) -> None:
    """Read an answer to its end, so that a decent server sees it taken, or to ANSWER_LIMIT."""
    size = 0
    if response.is_stream_consumed:
        return
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > ANSWER_LIMIT:
            return
