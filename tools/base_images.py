"""Pin the base images of the Dockerfile: ask their registry for the digest behind each tag, and
write it there.

`python -m tools.base_images [DOCKERFILE] [--registry http://HOST:PORT]`. A tag moves; with a digest
the base is part of what the image's own tag is made of, so that taking a repaired base is a change
of one line.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCKERFILE = Path("services/predictor/Dockerfile")
# `ARG BASE_IMAGE=python:3.13-slim-trixie`, with a digest or without.
PINNED = re.compile(r"^(ARG (?:BASE|BUILD)_IMAGE=)([^\s@]+)(@sha256:[0-9a-f]{64})?$", re.MULTILINE)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HUB, LIBRARY = "registry-1.docker.io", "library"
# An index where there is one: it stands for every processor.
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
SECONDS = 30
LARGEST_ANSWER = 1024 * 1024


class NotPinnedError(Exception):
    """A digest could not be found; the message says of which image, and why."""


@dataclass(frozen=True)
class Reference:
    """An image as a Dockerfile names it: registry, repository and tag."""

    registry: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the parts of a name, Docker Hub's where it names no registry.

        >>> Reference.parse("python:3.13-slim-trixie").repository
        'library/python'
        >>> Reference.parse("localhost:5000/base").tag
        'latest'
        """
        name, _, tag = (
            text.rpartition(":") if ":" in text.rpartition("/")[2] else (text, "", "latest")
        )
        first, slash, rest = name.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            return cls(first, rest, tag)
        return cls(HUB, name if slash else f"{LIBRARY}/{name}", tag)


def digest_of(reference: Reference, registry: str = "") -> str:
    """Return the digest that a registry has under a tag now.

    Args:
        reference: what to look up.
        registry: address of another registry to ask, `http://127.0.0.1:5000`.

    Raises:
        NotPinnedError: the registry does not answer, or not with a digest.
    """
    place = (registry or f"https://{reference.registry}").rstrip("/")
    address = f"{place}/v2/{reference.repository}/manifests/{urllib.parse.quote(reference.tag)}"
    headers = {"accept": ", ".join(MANIFESTS)}
    if not place.startswith(("https://", "http://")):
        raise NotPinnedError("expected a registry's address that begins with https:// or http://")
    try:
        try:
            found = _digest(address, headers)
        except urllib.error.HTTPError as error:
            error.close()
            challenge = error.headers.get("www-authenticate", "")
            if error.code != 401 or not challenge.lower().startswith("bearer "):  # noqa: PLR2004 - HTTP's unauthorized
                raise
            found = _digest(address, {**headers, "authorization": f"Bearer {_token(challenge)}"})
    except (OSError, ValueError, KeyError) as error:
        raise NotPinnedError(
            f"{reference.repository}:{reference.tag}: {place} gave no digest ({error})"
        ) from None
    if not DIGEST.fullmatch(found):
        raise NotPinnedError(
            f"{reference.repository}:{reference.tag}: {place} answered without a digest"
        )
    return found


def pin(text: str, registry: str = "") -> str:
    """Return a Dockerfile's text with each base image under the digest that its tag has now."""

    def pinned(found: re.Match[str]) -> str:
        head, name = found.group(1), found.group(2)
        return f"{head}{name}@{digest_of(Reference.parse(name), registry)}"

    changed, number = PINNED.subn(pinned, text)
    if not number:
        raise NotPinnedError("expected ARG BASE_IMAGE=NAME:TAG in the Dockerfile")
    return changed


def main(words: Sequence[str] | None = None) -> int:
    """Pin the Dockerfile; nothing is written where one digest is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.base_images", description=__doc__.splitlines()[0]
    )
    parser.add_argument("dockerfile", nargs="?", type=Path, default=DOCKERFILE)
    parser.add_argument(
        "--registry", default="", help="ask this registry instead of the one that an image names"
    )
    chosen = parser.parse_args(words)
    try:
        before = chosen.dockerfile.read_text("utf-8")
        after = pin(before, chosen.registry)
    except (NotPinnedError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if after != before:
        chosen.dockerfile.write_text(after, "utf-8")
    for found in PINNED.finditer(after):
        sys.stdout.write(f"{found.group(2)}{found.group(3)}\n")
    return 0


def _digest(address: str, headers: dict[str, str]) -> str:
    request = urllib.request.Request(address, headers=headers, method="HEAD")  # noqa: S310 - checked by digest_of
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - checked by digest_of
        return str(answer.headers.get("docker-content-digest", ""))


def _token(challenge: str) -> str:
    """Return the token that a registry's challenge says where to get, for nobody in particular."""
    parts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = urllib.parse.urlencode(
        {name: parts[name] for name in ("service", "scope") if name in parts}
    )
    if not parts["realm"].startswith(("https://", "http://127.0.0.1")):
        raise ValueError("the challenge names no https:// address")
    with urllib.request.urlopen(f"{parts['realm']}?{query}", timeout=SECONDS) as answer:  # noqa: S310 - checked above
        document = json.loads(answer.read(LARGEST_ANSWER))
    return str(document.get("token") or document["access_token"])


if __name__ == "__main__":
    raise SystemExit(main())
