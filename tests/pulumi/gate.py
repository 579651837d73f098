"""A door before a local AWS: it writes down what a deployer asks for, and refuses what no policy allows."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .asked import Asked, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Headers that are of one connection, and not of what travels on it.
OF_THE_CONNECTION = {"connection", "content-length", "transfer-encoding"}
SECONDS = 120


class Gate:
    """What may pass: statements of IAM, without Deny; what passed, and what was refused.

    key_tags: gives the tags of a key by its id, which a condition reads.
    """

    def __init__(self, statements: list[dict], key_tags: Callable[[str], dict[str, str]]) -> None:
        self.statements, self.key_tags = statements, key_tags
        self.without: set[str] = set()
        self.seen: set[str] = set()
        self.refused: set[Asked] = set()

    def refuses(self, needed: list[Asked]) -> Asked | None:
        """Return the first action of a request that nothing allows, and remember all of them."""
        for each in needed:
            if not self._allows(each):
                self.refused.add(each)
                return each
        self.seen |= {each.action for each in needed}
        return None

    def _allows(self, each: Asked) -> bool:
        if each.action in self.without:
            return False
        return any(self._matches(statement, each) for statement in self.statements)

    def _matches(self, statement: dict, each: Asked) -> bool:
        """Return whether a statement allows an action; a resource that the request does not name is not judged."""
        places = statement["Resource"]
        there = not each.resource or any(fnmatchcase(each.resource, place) for place in places)
        return each.action in statement["Action"] and there and self._holds(statement, each)

    def _holds(self, statement: dict, each: Asked) -> bool:
        """Return whether the conditions hold: every one is an equality, of one of the values that it lists."""
        conditions = statement.get("Condition", {"StringEquals": {}})
        assert conditions.keys() == {"StringEquals"}
        return all(self._value(name, each) in listed(wanted) for name, wanted in conditions["StringEquals"].items())

    def _value(self, name: str, each: Asked) -> str | None:
        kind, _, tag = name.partition("/")
        if kind == "aws:ResourceTag":
            return self.key_tags(each.context["key"]).get(tag)
        return each.context.get(name)


def listed(value: str | list[str]) -> list[str]:
    """Return what a policy may write as one text or as a list."""
    return [value] if isinstance(value, str) else value


class Door(BaseHTTPRequestHandler):
    """Hands a request on to the local AWS as it came, or refuses it in the words of its protocol."""

    protocol_version = "HTTP/1.1"
    gate: Gate
    port: int

    def pass_on(self):
        body = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        missing = self.gate.refuses(asked(self.command, self.path, headers, body))
        if missing:
            return self.refuse(missing, headers)
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in OF_THE_CONNECTION:
                upstream.putheader(name, value)
        upstream.putheader("content-length", str(len(body)))
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        self.answer(answer.status, dict(answer.getheaders()), content)
        return upstream.close()

    def body(self) -> bytes:
        """Return the request's body, in one piece where it came in chunks."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        content = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def refuse(self, missing: Asked, headers: dict[str, str]) -> None:
        """Answer as AWS does where the caller's policies do not allow an action."""
        words = f"User: deployer is not authorized to perform: {missing.action} on resource: {missing.resource or '*'}"
        if "x-amz-target" in headers or "json" in headers.get("content-type", "json"):
            content = json.dumps({"__type": "AccessDeniedException", "message": words}).encode()
            status = 400 if "x-amz-target" in headers else 403
            return self.answer(status, {"x-amzn-errortype": "AccessDeniedException"}, content)
        error = f"<Error><Code>AccessDenied</Code><Message>{words}</Message></Error>"
        content = (error if "s3" in headers["authorization"] else f"<ErrorResponse>{error}</ErrorResponse>").encode()
        return self.answer(403, {"content-type": "text/xml"}, content)

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        size = str(len(content))
        for name, value in headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                size = value
            elif name.lower() not in OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("content-length", size)
        self.send_header("connection", "close")  # the emulator ends kept connections too
        self.close_connection = True
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - the names that http.server calls

    def log_message(self, *words):
        """Say nothing."""


@contextmanager
def guarded(gate: Gate, port: int) -> Iterator[str]:
    """Serve the door before a port of the loopback, and give its address."""
    door = type("DoorOf", (Door,), {"gate": gate, "port": port})
    with ThreadingHTTPServer(("127.0.0.1", 0), door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
