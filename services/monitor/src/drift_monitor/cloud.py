"""The edge to AWS: each function wraps one call, so that everything behind it is testable without."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from .aggregate import as_message
from .errors import MonitorError
from .notify import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .aggregate import Rejected

TIMEOUT = 10
"""Seconds for one connection or read, and for the whole of an exchange."""
SUCCESS, UNAUTHORIZED = 200, 401
LARGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; nobody needs more, and some servers send without end."""
LARGEST_PART = 200_000
MESSAGES_TOGETHER = 10
LARGEST_TOGETHER = 256 * 1024
"""Bytes of all messages of one call, with some of them for their attributes."""
ATTRIBUTE = 64


def dead_letter_queue(sqs: Any, url: str) -> Callable[[list[Rejected]], None]:
    """Sends rejected records to a queue, ten a call; one larger than a message goes in numbered parts.

    What the queue did not take is raised as MonitorError, so that the delivery comes again.
    """

    def keep(rejected: list[Rejected]) -> None:
        for together in _together(rejected):
            entries = [{"Id": str(number), **message} for number, message in enumerate(together)]
            answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
            if answer.get("Failed"):
                reasons = ", ".join(sorted({one["Code"] for one in answer["Failed"]}))
                raise MonitorError(f"the dead-letter queue did not take {len(answer['Failed'])} records: {reasons}")

    return keep


def _together(rejected: list[Rejected]) -> Iterator[list[dict[str, Any]]]:
    """Yield messages in groups that one call takes: by number, and by bytes."""
    group: list[dict[str, Any]] = []
    size = 0
    for message in _messages(rejected):
        length = len(message["MessageBody"].encode()) + ATTRIBUTE
        if group and (len(group) == MESSAGES_TOGETHER or size + length > LARGEST_TOGETHER):
            yield group
            group, size = [], 0
        group.append(message)
        size += length
    if group:
        yield group


def _messages(rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
    for record in rejected:
        text = as_message(record)  # ASCII, so that a character is a byte
        parts = [text[start : start + LARGEST_PART] for start in range(0, len(text), LARGEST_PART)]
        for number, part in enumerate(parts, start=1):
            attribute = {"DataType": "String", "StringValue": f"{number} of {len(parts)}"}
            yield {"MessageBody": part, "MessageAttributes": {"part": attribute}}


def topic(sns: Any, arn: str) -> Callable[[dict[str, Any]], None]:
    """Publishes alerts; the subject is the title, cut to what e-mail allows.

    An email holds the words first and the JSON after them; every other endpoint gets the JSON alone.
    """

    def publish(alert: dict[str, Any]) -> None:
        subject = alert["title"].encode("ascii", "replace").decode()[:100]
        attributes = {name: {"DataType": "String", "StringValue": alert[name]} for name in ("kind", "state", "model")}
        document = json.dumps(alert)
        texts = {"default": document, "email": f"{plain_text(alert, {})}\n\n{document}"}
        sns.publish(
            TopicArn=arn,
            Subject=subject,
            Message=json.dumps(texts),
            MessageStructure="json",
            MessageAttributes=attributes,
        )

    return publish


def webhook(secrets: Any, secret: str) -> Callable[[bytes], None]:
    """Posts to the address in a secret, which is read once and never logged."""
    address: list[str] = []

    def send(body: bytes) -> None:
        if not address:
            address.append(secrets.get_secret_value(SecretId=secret)["SecretString"].strip())
        try:
            # The status says that it was taken; waiting for the rest would send it again where that comes late.
            post(address[0], body, {"content-type": "application/json"}, wanted=0)
        except urllib.error.HTTPError as error:
            error.close()
            raise MonitorError(f"the webhook did not take the message: status {error.code}") from None
        except OSError as error:
            raise MonitorError(f"the webhook did not take the message: {type(error).__name__}") from None

    return send


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses every redirect: it would be followed without the alert, and to wherever its sender likes."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request, which makes the answer an HTTPError of its status."""


_OPENER = urllib.request.build_opener(_NoRedirects)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    wanted: int = LARGEST_ANSWER,
    deadline: float = TIMEOUT,
) -> bytes:
    """Return the body of a 2xx answer, as far as it is wanted.

    A redirect is an answer like any other that is not 2xx: it is not followed.

    Args:
        url: begins with https:// or http://.
        body: sent as it is.
        headers: sent beside those that HTTP needs.
        wanted: bytes of the answer to read; of one that is longer, the rest is dropped.
        deadline: seconds for all of it.

    Raises:
        MonitorError: another kind of address.
        OSError: no connection, no answer in time (TimeoutError), or a status other than 2xx (HTTPError).
    """
    return _exchanged(_request(url, body, headers), wanted, deadline)


def status_of(url: str, *, deadline: float = TIMEOUT) -> int:
    """Return the status of the answer to a GET. Raises as `post`, but for a status other than 2xx."""
    try:
        _exchanged(_request(url, None, {}), 0, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return SUCCESS


def _request(url: str, body: bytes | None, headers: Mapping[str, str]) -> urllib.request.Request:
    if not url.startswith(("https://", "http://")):
        raise MonitorError("expected an address that begins with https://")
    return urllib.request.Request(url, body, dict(headers))  # noqa: S310 - the scheme is checked above


def _exchanged(request: urllib.request.Request, wanted: int, deadline: float) -> bytes:
    answers: list[bytes | Exception] = []
    # A timeout of a socket is one for each read, and a byte a second keeps below it: the deadline needs a thread.
    sender = threading.Thread(target=_exchange, args=(request, wanted, deadline, answers), daemon=True)
    sender.start()
    sender.join(deadline)
    if not answers:
        raise TimeoutError(f"expected a whole answer within {deadline:g} s")
    answer = answers[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


def _exchange(request: urllib.request.Request, wanted: int, deadline: float, answers: list[bytes | Exception]) -> None:
    """Append the answer's first `wanted` bytes, or the error; ends soon after the deadline if bytes still drip."""
    end = time.monotonic() + deadline
    read = b""
    try:
        with _OPENER.open(request, timeout=deadline) as response:
            while len(read) < wanted and time.monotonic() < end:
                chunk = response.read1(wanted - len(read))
                if not chunk:
                    break
                read += chunk
        answers.append(read)
    except Exception as error:  # raised again in the thread that waits
        answers.append(error)


def signed_post(session: Any) -> Callable[[str, bytes, Mapping[str, str]], bytes]:
    """`post` with an AWS signature for an API that asks for IAM."""

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        request = AWSRequest("POST", url, data=body, headers=dict(headers))
        SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
        return post(url, body, dict(request.headers.items()))

    return send


def invocation(client: Any, function: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """A prediction by direct invocation of the function, past an API that asks for a token."""

    def call(request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
        found: Mapping[str, Any] = json.loads(answer["Payload"].read())
        return found

    return call
