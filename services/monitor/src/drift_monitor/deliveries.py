"""Open what AWS delivers: log subscriptions, SQS messages and Kinesis records become lines with an identity.

The identity decides what counts once: a delivery that comes again has the same one. A message may also be what a
person sends back from the dead letters: a rejected record, or the call of a Lambda function that failed. Sources: the
Lambda event formats of CloudWatch Logs subscriptions, Amazon SQS and Amazon Kinesis; the records of asynchronous
invocations that Lambda sends to a destination on failure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import BadDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVENT = "prediction.event.v1"
LARGEST = 32 * 1024 * 1024
"""Bytes that an unpacked payload may have: CloudWatch Logs and Kinesis send 1 MB packed at most."""
MOST_PARTS = 1_000_000
"""Lines, or values of JSON outside its texts: 32 MiB of empty lists would take 800 MB, and the function has 512."""
MOST_MEMBERS = 100
"""Gzip members of a payload: each copies what follows it, so that a megabyte of empty ones would take minutes."""
_TEXTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


class Delivery(NamedTuple):
    """Lines that arrive, are stored, and are retried together.

    identity: the same for every attempt to deliver it. item: what to name when only this one failed, or None
    when the whole call fails. raw: the source's own text, kept when the delivery cannot be opened.
    """

    identity: str
    lines: tuple[str, ...]
    item: str | None = None


class Unopened(NamedTuple):
    """A delivery whose envelope is broken: for the dead letters, whole."""

    identity: str
    raw: str
    reason: str


def open_event(event: Mapping[str, Any]) -> Iterator[Delivery | Unopened]:
    """The deliveries in a Lambda event. Raises BadDelivery if it is of no known source."""
    if isinstance(event.get("awslogs"), dict):
        yield _open("logs", None, str(event["awslogs"].get("data", "")), None)
        return
    records = event.get("Records")
    if not isinstance(records, list):
        raise BadDelivery("expected a log subscription, or Records of SQS or Kinesis")
    for record in records:
        yield _open_record(record)


def _open_record(record: Any) -> Delivery | Unopened:
    source = record.get("eventSource") if isinstance(record, dict) else None
    if source == "aws:sqs":
        return _open_message(str(record["messageId"]), str(record["body"]))
    if source == "aws:kinesis":
        place = str(record["kinesis"]["sequenceNumber"])
        return _open(f"kinesis:{record['eventID']}", f"kinesis:{record['eventID']}", record["kinesis"]["data"], place)
    raise BadDelivery("expected records of aws:sqs or aws:kinesis")


def _open_message(item: str, body: str) -> Delivery | Unopened:
    """Event lines, or a dead letter. What is neither goes aside again: a queue holds nothing else."""
    letter = _object(body)
    payload = letter.get("requestPayload")
    if isinstance(payload, dict) and isinstance(payload.get("awslogs"), dict):
        return _open("logs", None, str(payload["awslogs"].get("data", "")), item)
    if letter.keys() == {"reason", "delivery", "record"}:
        return _open_letter(item, str(letter["delivery"]), str(letter["record"]))
    lines = tuple(body.split("\n"))
    if not any(line.lstrip().startswith("{") and EVENT in line for line in lines):
        return Unopened(f"sqs:{item}", body, "the message holds neither events nor a dead letter")
    return Delivery(f"sqs:{item}", lines, item)


def _open_letter(item: str, delivery: str, record: str) -> Delivery | Unopened:
    """What was rejected: one line, or the whole payload. However often it is sent back, it counts once."""
    if record.lstrip().startswith("{"):
        digest = hashlib.sha256(f"{delivery} {record}".encode()).hexdigest()
        return Delivery(f"letter:{digest}", (record,), item)
    place, _, _ = delivery.partition(":")
    return _open(delivery, delivery if place == "kinesis" else None, record, item)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _open(place: str, identity: str | None, data: str, item: str | None) -> Delivery | Unopened:
    """A packed log payload, or for Kinesis also the lines themselves."""
    try:
        unpacked = base64.b64decode(data, validate=True)
        if unpacked[:2] == b"\x1f\x8b":
            unpacked = _gunzip(unpacked)
        elif identity is None:
            raise BadDelivery("expected gzip")
        text = unpacked.decode()
        payload = _payload(text) if text.startswith('{"messageType"') or identity is None else None
        if payload is None:
            return Delivery(str(identity), _lines(text), item)
        return _log_lines(payload, identity, item)
    except (BadDelivery, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        reason = f"the payload of {place.split(':', maxsplit=1)[0]} could not be opened: {type(error).__name__}"
        return Unopened(identity or "logs:" + hashlib.sha256(data.encode()).hexdigest(), data, reason)


def _gunzip(data: bytes) -> bytes:
    """Unpack every member of a gzip stream. Raises BadDelivery, or zlib.error for what follows the last one."""
    members: list[bytes] = []
    left = LARGEST
    while data:
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        members.append(reader.decompress(data, left + 1))  # a length of 0 would mean no limit
        left -= len(members[-1])
        if left < 0 or len(members) > MOST_MEMBERS:
            raise BadDelivery(f"expected at most {LARGEST} bytes in {MOST_MEMBERS} gzip members")
        if not reader.eof:
            raise BadDelivery("expected a whole gzip stream")
        data = reader.unused_data
    return b"".join(members)


def _payload(text: str) -> Any:
    """Return the document of a log payload. Raises BadDelivery if its values would not fit in memory."""
    if _parts(text) > MOST_PARTS and _parts(_TEXTS.sub("", text)) > MOST_PARTS:
        raise BadDelivery(f"expected at most {MOST_PARTS} values")
    return json.loads(text)


def _parts(text: str) -> int:
    return sum(map(text.count, ",[{"))


def _lines(text: str) -> tuple[str, ...]:
    if text.count("\n") > MOST_PARTS:
        raise BadDelivery(f"expected at most {MOST_PARTS} lines")
    return tuple(text.split("\n"))


def _log_lines(payload: Mapping[str, Any], identity: str | None, item: str | None) -> Delivery:
    """A log payload's identity is made of its events' ids, which CloudWatch never gives twice."""
    if payload["messageType"] == "CONTROL_MESSAGE":
        return Delivery(identity or "logs:control", (), item)
    events = payload["logEvents"]
    if identity is None:
        digest = hashlib.sha256("\n".join(str(event["id"]) for event in events).encode())
        identity = f"logs:{digest.hexdigest()}"
    return Delivery(identity, tuple(str(event["message"]) for event in events), item)
