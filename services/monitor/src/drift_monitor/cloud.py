"""The edge to AWS: each function wraps one call, so that everything behind it is testable without."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from .aggregate import as_message
from .errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .aggregate import Rejected

TIMEOUT = 10
LARGEST_PART = 200_000
MESSAGES_TOGETHER = 10


def dead_letter_queue(sqs: Any, url: str) -> Callable[[list[Rejected]], None]:
    """Sends rejected records to a queue; a record larger than a message goes in numbered parts."""

    def keep(rejected: list[Rejected]) -> None:
        for record in rejected:
            text = as_message(record)
            parts = [text[start : start + LARGEST_PART] for start in range(0, len(text), LARGEST_PART)]
            for number, part in enumerate(parts, start=1):
                attribute = {"DataType": "String", "StringValue": f"{number} of {len(parts)}"}
                sqs.send_message(QueueUrl=url, MessageBody=part, MessageAttributes={"part": attribute})

    return keep


def topic(sns: Any, arn: str) -> Callable[[dict[str, Any]], None]:
    """Publishes alerts; the subject is the title, cut to what e-mail allows."""

    def publish(alert: dict[str, Any]) -> None:
        subject = alert["title"].encode("ascii", "replace").decode()[:100]
        attributes = {name: {"DataType": "String", "StringValue": alert[name]} for name in ("kind", "state", "model")}
        sns.publish(TopicArn=arn, Subject=subject, Message=json.dumps(alert), MessageAttributes=attributes)

    return publish


def webhook(secrets: Any, secret: str) -> Callable[[bytes], None]:
    """Posts to the address in a secret, which is read once and never logged."""
    address: list[str] = []

    def send(body: bytes) -> None:
        if not address:
            address.append(secrets.get_secret_value(SecretId=secret)["SecretString"].strip())
        try:
            post(address[0], body, {"content-type": "application/json"})
        except urllib.error.HTTPError as error:
            error.close()
            raise MonitorError(f"the webhook did not take the message: status {error.code}") from None
        except OSError as error:
            raise MonitorError(f"the webhook did not take the message: {type(error).__name__}") from None

    return send


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body of a 2xx answer. Raises OSError; addresses other than http and https are refused."""
    if not url.startswith(("https://", "http://")):
        raise MonitorError("expected an address that begins with https://")
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - the scheme is checked above
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - the scheme is checked above
        answer: bytes = response.read()
    return answer


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
