"""The edge to AWS: each function wraps one call, so that everything behind it is testable without.

Clients are boto3's, which has no types: they are `Any` here and nowhere else.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

from drift_monitor.aggregate import as_message
from drift_monitor.deadline import within
from drift_monitor.errors import BadLog, MonitorError
from drift_monitor.notify import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drift_contracts.types import PredictionRequestV1

    from drift_monitor.aggregate import Rejected
    from drift_monitor.alerts import Alert

#: Seconds for one connection or read, and for the whole of an exchange.
TIMEOUT = 10
SUCCESS, UNAUTHORIZED = 200, 401
#: Bytes of an answer that are read; nobody needs more, and some servers send without end.
LARGEST_ANSWER = 64 * 1024
#: Characters of a dead letter in one message: SQS takes 256 KiB, and one may be four bytes.
LARGEST_PART = 200_000
#: Messages of one call to SQS, and bytes of all of them, with some for each one's attributes.
MESSAGES_TOGETHER = 10
LARGEST_TOGETHER = 256 * 1024
ATTRIBUTE_BYTES = 64
#: Characters of an e-mail's subject, by SNS.
LONGEST_SUBJECT = 100
JSON_HEADERS = {"content-type": "application/json"}


def dead_letter_queue(
    sqs: Any,
    url: str,
) -> Callable[[list[Rejected]], None]:
    """Return what sends rejected records to a queue, ten a call.

    A record larger than a message is sent in numbered parts. What the queue does not take is raised
    as MonitorError, so that the delivery comes again.

    Args:
        sqs: boto3's client.
        url: the queue's address.
    """

    def send(rejected: list[Rejected]) -> None:
        for together in _together(rejected):
            answer = sqs.send_message_batch(QueueUrl=url, Entries=together)
            failed = answer.get("Failed", [])
            if failed:
                codes = ", ".join(sorted({failure["Code"] for failure in failed}))
                reason = f"the dead-letter queue did not take {len(failed)} records: {codes}"
                raise MonitorError(reason)

    return send


def _together(rejected: list[Rejected]) -> Iterator[list[dict[str, object]]]:
    """Yield entries in groups that one call takes, by number and by bytes."""
    group: list[dict[str, object]] = []
    size = 0
    for body, part in _parts(rejected):
        length = len(body.encode()) + ATTRIBUTE_BYTES
        if group and (len(group) == MESSAGES_TOGETHER or size + length > LARGEST_TOGETHER):
            yield group
            group, size = [], 0
        attributes = {"part": _attribute(part)}
        group.append({"Id": str(len(group)), "MessageBody": body, "MessageAttributes": attributes})
        size += length
    if group:
        yield group


def _parts(rejected: list[Rejected]) -> Iterator[tuple[str, str]]:
    """Yield the text of each message, and which part of its record it is."""
    for record in rejected:
        text = as_message(record)
        starts = range(0, len(text), LARGEST_PART)
        for number, start in enumerate(starts, start=1):
            yield text[start : start + LARGEST_PART], f"{number} of {len(starts)}"


def _attribute(text: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": text}


class LogBucket:
    """The bucket of a prediction log."""

    def __init__(
        self,
        s3: Any,
        bucket: str,
    ) -> None:
        """Read nothing yet.

        Args:
            s3: boto3's client.
            bucket: its name.
        """
        self._s3 = s3
        self._bucket = bucket

    def folders(self, prefix: str) -> list[str]:
        """Return the folders right below a prefix, each whole. Raises BadLog."""
        pages = self._pages(prefix, Delimiter="/")
        return [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", [])]

    def keys(self, prefix: str) -> list[str]:
        """Return the objects below a prefix, in the order of their names. Raises BadLog."""
        pages = self._pages(prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def _pages(
        self,
        prefix: str,
        **options: str,
    ) -> Iterator[Mapping[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2")
        with _reading_of("the prediction log cannot be listed"):
            yield from pages.paginate(Bucket=self._bucket, Prefix=prefix, **options)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """Return an object's bytes, read as they are asked for. Raises BadLog."""
        with _reading_of("an object of the prediction log cannot be read"):
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            try:
                yield body
            finally:
                body.close()


@contextmanager
def _reading_of(what: str) -> Iterator[None]:
    """Raise BadLog, with AWS's code or the kind of error, for whatever S3's client raises."""
    try:
        yield
    except ClientError as error:
        raise BadLog(f"{what}: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise BadLog(f"{what}: {type(error).__name__}") from error


def topic(
    sns: Any,
    arn: str,
) -> Callable[[Alert], None]:
    """Return what publishes alerts.

    An email holds the words first and the JSON after them; all other endpoints get the JSON.

    Args:
        sns: boto3's client.
        arn: the topic's.
    """

    def publish(alert: Alert) -> None:
        # SNS refuses a subject beyond ASCII, and with it the alert.
        subject = alert["title"].encode("ascii", "replace").decode()
        # Subscriptions filter by these.
        attributes = {
            "kind": _attribute(alert["kind"]),
            "state": _attribute(alert["state"]),
            "model": _attribute(alert["model"]),
        }
        document = json.dumps(alert)
        texts = {"default": document, "email": f"{plain_text(alert)}\n\n{document}"}
        sns.publish(
            TopicArn=arn,
            Subject=subject[:LONGEST_SUBJECT],
            Message=json.dumps(texts),
            MessageStructure="json",
            MessageAttributes=attributes,
        )

    return publish


def webhook(
    secrets: Any,
    secret: str,
) -> Callable[[bytes], None]:
    """Return what posts to the address in a secret, which is read once and never logged.

    Args:
        secrets: boto3's client of the Secrets Manager.
        secret: name or ARN of the secret.
    """
    address: list[str] = []

    def send(body: bytes) -> None:
        if not address:
            value = secrets.get_secret_value(SecretId=secret)
            address.append(value["SecretString"].strip())
        try:
            # The status says that the message was accepted. Waiting for the rest would send it
            # again where that comes late.
            post(address[0], body, JSON_HEADERS, wanted=0)
        except urllib.error.HTTPError as error:
            error.close()
            raise MonitorError(f"the webhook refused the message: status {error.code}") from None
        except OSError as error:
            reason = type(error).__name__
            raise MonitorError(f"the webhook did not accept the message: {reason}") from None

    return send


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses every redirect: the request would follow it without the alert, to anywhere."""

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
        OSError: no connection, no answer in time (TimeoutError), or a status other than 2xx
            (HTTPError).
    """
    return _exchanged(_request(url, body, headers), wanted, deadline)


def status_of(
    url: str,
    *,
    deadline: float = TIMEOUT,
) -> int:
    """Return the status of the answer to a GET, whatever it is.

    Args:
        url: begins with https:// or http://.
        deadline: seconds for all of it.

    Raises:
        MonitorError: another kind of address.
        OSError: no connection, or no answer in time (TimeoutError).
    """
    try:
        _exchanged(_request(url, None, {}), 0, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return SUCCESS


def _request(
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> urllib.request.Request:
    if not url.startswith(("https://", "http://")):
        raise MonitorError("expected an address that begins with https://")
    return urllib.request.Request(url, body, dict(headers))  # noqa: S310 - the scheme is checked above


def _exchanged(
    request: urllib.request.Request,
    wanted: int,
    deadline: float,
) -> bytes:
    return within(deadline, lambda: _exchange(request, wanted, deadline), "a whole answer")


def _exchange(
    request: urllib.request.Request,
    wanted: int,
    deadline: float,
) -> bytes:
    """Return the answer's first `wanted` bytes.

    Ends soon after the deadline (in seconds) also where bytes still drip.
    """
    end = time.monotonic() + deadline
    body = b""
    with _OPENER.open(request, timeout=deadline) as response:
        while len(body) < wanted and time.monotonic() < end:
            chunk = response.read1(wanted - len(body))
            if not chunk:
                break
            body += chunk
    return body


def signed_post(session: Any) -> Callable[[str, bytes, Mapping[str, str]], bytes]:
    """Return `post` with an AWS signature, for an API that asks for IAM.

    Args:
        session: boto3's, with credentials and region.
    """

    def send(
        url: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> bytes:
        request = AWSRequest("POST", url, data=body, headers=dict(headers))
        credentials = session.get_credentials()
        SigV4Auth(credentials, "execute-api", session.region_name).add_auth(request)
        return post(url, body, dict(request.headers.items()))

    return send


def invocation(
    client: Any,
    function: str,
) -> Callable[[PredictionRequestV1], object]:
    """Return a prediction by direct invocation, past an API that asks for a token.

    Args:
        client: boto3's of Lambda.
        function: the predictor's name or ARN.
    """

    def call(request: PredictionRequestV1) -> object:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
        document: object = json.loads(answer["Payload"].read())
        return document

    return call
