"""Open what AWS delivers: subscriptions, SQS messages and Kinesis records become lines.

A delivery's identity decides what counts once: a delivery that comes again has the same one. A
message may also be what a person sends back from the dead letters: a rejected record, or the call
of a Lambda function that failed. Sources: the Lambda event formats of CloudWatch Logs
subscriptions, Amazon SQS and Amazon Kinesis; the records of asynchronous invocations that Lambda
sends to a destination on failure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts.events import ANY_EVENT

from drift_monitor.errors import BadDelivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Bytes that an unpacked payload may have: CloudWatch Logs and Kinesis send 1 MB packed at most.
LARGEST = 32 * 1024 * 1024
#: Lines, or values of JSON outside its texts: 32 MiB of empty lists would take 800 MB of memory,
#: and the function has 512.
MOST_PARTS = 1_000_000
#: Gzip members of a payload: each copies what follows it, so that a megabyte of empty ones would
#: take minutes.
MOST_MEMBERS = 100
LOGS, KINESIS = "logs", "kinesis"
GZIP_MAGIC = b"\x1f\x8b"
PAYLOAD_START = '{"messageType"'
LETTER_MEMBERS = {"reason", "delivery", "record"}
_TEXTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


@dataclass(frozen=True)
class Delivery:
    """Lines that arrive, are stored, and are retried together."""

    #: The same for every attempt to deliver it.
    identity: str
    lines: tuple[str, ...]
    #: What the source calls it when this delivery alone failed; None when the whole call fails.
    item: str | None = None


@dataclass(frozen=True)
class Unopened:
    """A delivery whose envelope is broken: it goes to the dead letters, whole."""

    identity: str
    #: The source's own text.
    raw: str
    reason: str


@dataclass(frozen=True)
class _Envelope:
    """A payload in base64 as its source hands it over."""

    #: LOGS, KINESIS, or what a dead letter names.
    source: str
    data: str
    #: None where the identity is made of the ids inside, as for logs.
    identity: str | None = None
    #: See `Delivery.item`.
    item: str | None = None


def open_event(event: Mapping[str, object]) -> Iterator[Delivery | Unopened]:
    """Yield the deliveries in a Lambda event.

    Raises:
        BadDelivery: the event is of no source that is read here.
    """
    logs = event.get("awslogs")
    if isinstance(logs, dict):
        yield _open(_Envelope(LOGS, str(logs.get("data", ""))))
        return
    records = event.get("Records")
    if not isinstance(records, list):
        raise BadDelivery("expected a log subscription, or Records of SQS or Kinesis")
    for record in records:
        yield _open_record(record)


def _open_record(record: object) -> Delivery | Unopened:
    if isinstance(record, dict):
        source = record.get("eventSource")
        if source == "aws:sqs":
            return _open_message(str(record["messageId"]), str(record["body"]))
        if source == "aws:kinesis":
            content = record["kinesis"]
            identity = f"{KINESIS}:{record['eventID']}"
            item = str(content["sequenceNumber"])
            return _open(_Envelope(KINESIS, content["data"], identity, item))
    raise BadDelivery("expected records of aws:sqs or aws:kinesis")


def _open_message(
    item: str,
    body: str,
) -> Delivery | Unopened:
    """Return the event lines, or the dead letter, in a message of a queue."""
    letter = _object(body)
    call = letter.get("requestPayload")
    logs = None
    if isinstance(call, dict):
        logs = call.get("awslogs")
    if isinstance(logs, dict):
        return _open(_Envelope(LOGS, str(logs.get("data", "")), item=item))
    if letter.keys() == LETTER_MEMBERS:
        return _open_letter(item, str(letter["delivery"]), str(letter["record"]))
    lines = tuple(body.split("\n"))
    if not any(map(_may_be_event, lines)):
        # A queue of events holds nothing else, so a message without any is a mistake of its sender.
        return Unopened(f"sqs:{item}", body, "the message holds neither events nor a dead letter")
    return Delivery(f"sqs:{item}", lines, item)


def _may_be_event(line: str) -> bool:
    return line.lstrip().startswith("{") and ANY_EVENT in line


def _open_letter(
    item: str,
    delivery: str,
    record: str,
) -> Delivery | Unopened:
    """Return what was rejected: one line, or the whole payload."""
    if record.lstrip().startswith("{"):
        # Of the record, not of the message: however often it is sent back, it counts once.
        digest = hashlib.sha256(f"{delivery} {record}".encode()).hexdigest()
        return Delivery(f"letter:{digest}", (record,), item)
    source, _, _ = delivery.partition(":")
    identity = None
    if source == KINESIS:
        identity = delivery
    return _open(_Envelope(source, record, identity, item))


def _object(text: str) -> Mapping[str, object]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return document


def _open(envelope: _Envelope) -> Delivery | Unopened:
    """Return the lines in a packed log payload, for Kinesis also lines that are not packed."""
    try:
        return _opened(envelope)
    except (BadDelivery, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        reason = f"the payload of {envelope.source} could not be opened: {type(error).__name__}"
        # Without an id of its source a payload is recognised by what it holds.
        identity = envelope.identity or _identity([envelope.data])
        return Unopened(identity, envelope.data, reason)


def _opened(envelope: _Envelope) -> Delivery:
    unpacked = base64.b64decode(envelope.data, validate=True)
    if unpacked.startswith(GZIP_MAGIC):
        unpacked = _gunzip(unpacked)
    elif envelope.identity is None:
        raise BadDelivery("expected gzip")
    text = unpacked.decode()
    if envelope.identity is not None and not text.startswith(PAYLOAD_START):
        return Delivery(envelope.identity, _lines(text), envelope.item)
    return _log_lines(_payload(text), envelope)


def _gunzip(data: bytes) -> bytes:
    """Return the content of every member of a gzip stream (RFC 1952, 2.2).

    Raises:
        BadDelivery: more bytes or members than are read, or a member without its end.
        zlib.error: something that is no gzip, also after the last member.
    """
    members: list[bytes] = []
    left = LARGEST
    while data:
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        # One byte more than is allowed shows that there is too much; 0 would mean no limit.
        members.append(reader.decompress(data, left + 1))
        left -= len(members[-1])
        if left < 0 or len(members) > MOST_MEMBERS:
            raise BadDelivery(f"expected at most {LARGEST} bytes in {MOST_MEMBERS} gzip members")
        if not reader.eof:
            raise BadDelivery("expected a whole gzip stream")
        data = reader.unused_data
    return b"".join(members)


def _payload(text: str) -> Mapping[str, object]:
    """Return the document of a log payload.

    Raises:
        BadDelivery: it is no object, or its values would not fit in memory.
    """
    # Commas and brackets in texts are no values; taking the texts out is slow, so only on doubt.
    if _parts(text) > MOST_PARTS and _parts(_TEXTS.sub("", text)) > MOST_PARTS:
        raise BadDelivery(f"expected at most {MOST_PARTS} values")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise BadDelivery("expected an object")
    return document


def _parts(text: str) -> int:
    return sum(map(text.count, ",[{"))


def _lines(text: str) -> tuple[str, ...]:
    if text.count("\n") > MOST_PARTS:
        raise BadDelivery(f"expected at most {MOST_PARTS} lines")
    return tuple(text.split("\n"))


def _log_lines(
    payload: Mapping[str, object],
    envelope: _Envelope,
) -> Delivery:
    """Return the lines of a log payload."""
    if payload["messageType"] == "CONTROL_MESSAGE":
        return Delivery(envelope.identity or "logs:control", (), envelope.item)
    events = payload["logEvents"]
    if not isinstance(events, list):
        raise BadDelivery("expected a list of logEvents")
    # CloudWatch never gives an event's id twice, however it puts events together.
    identity = envelope.identity or _identity(str(event["id"]) for event in events)
    messages = tuple(str(event["message"]) for event in events)
    return Delivery(identity, messages, envelope.item)


def _identity(texts: Iterable[str]) -> str:
    digest = hashlib.sha256("\n".join(texts).encode())
    return f"{LOGS}:{digest.hexdigest()}"
