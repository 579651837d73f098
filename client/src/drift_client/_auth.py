"""How a client says who it is: a signature with AWS credentials, or a bearer token.

Each is an `httpx.Auth`, so that every attempt at a request is signed anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
from drift_contracts.environment import TOKEN

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

KINDS = ("none", "iam", "jwt")
SERVICE = "execute-api"
# An API's address says its region, as in `abc.execute-api.eu-central-1.amazonaws.com`; a host of
# one's own does not.
_REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Bearer(httpx.Auth):
    """Sends a token with every request."""

    def __init__(self, token: str) -> None:
        """Keep a token. Raises ValueError, which does not repeat it, if a header cannot hold it."""
        if _TOKEN.fullmatch(token) is None:
            raise ValueError("expected a token of printable ASCII without blanks")
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["authorization"] = self._header
        yield request


class SignedByAws(httpx.Auth):
    """Signs every request with SigV4, for an API whose callers are IAM's roles and users.

    Source: "Signature Version 4 signing process" in AWS's IAM guide; botocore does it.
    """

    requires_request_body = True

    def __init__(self, url: str, region: str | None = None, credentials: Any = None) -> None:
        """Find credentials and region.

        Args:
            url: Of the service; that of an API names its region.
            region: Where the API is; the URL's, or that of the AWS configuration, if absent.
            credentials: botocore's; those at hand (environment, profile, role) if absent.

        Raises:
            ModuleNotFoundError: botocore is not installed: `pip install 'drift-client[aws]'`.
            ValueError: There are no credentials, or no region.
        """
        from botocore.session import Session  # noqa: PLC0415 - only who signs needs it

        session = Session()
        found = _REGION.search(url)
        #: where the API is
        self.region = region or (found and found[1]) or session.get_config_variable("region")
        # Any: botocore has no types
        self._credentials: Any = credentials or session.get_credentials()
        if self._credentials is None:
            raise ValueError(
                "expected AWS credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and others"
            )
        if not self.region:
            raise ValueError(
                "expected the region of the API: AWS_DEFAULT_REGION, or one in the profile"
            )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request as it is sent; credentials that expire are asked for anew."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - see above
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        kept = {"host": request.headers["host"]}
        if "content-type" in request.headers:
            kept["content-type"] = request.headers["content-type"]
        signed = AWSRequest(request.method, str(request.url), data=request.content, headers=kept)
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, SERVICE, self.region).add_auth(signed)
        for name in ("authorization", "x-amz-date", "x-amz-security-token"):
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request


def authorized(kind: str, url: str, environ: Mapping[str, str]) -> httpx.Auth | None:
    """Return how requests to a service are authorized.

    Args:
        kind: One of KINDS, as the stack's key `authentication` has it.
        url: Of the service.
        environ: Holds the token under DRIFT_TOKEN: a command line would show it to everybody.

    Raises:
        ValueError: There is no token, no credentials or no region; the message names what to set.
        ModuleNotFoundError: botocore is not installed, and requests are to be signed.
    """
    if kind == "iam":
        return SignedByAws(url)
    if kind == "jwt":
        token = environ.get(TOKEN, "").strip()
        if not token:
            raise ValueError(f"expected a bearer token in {TOKEN}")
        return Bearer(token)
    return None
