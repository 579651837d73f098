"""A tag that is the content: the same files and platform give the same tag, and a new file gives a new one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# What services/predictor/Dockerfile copies; a test compares this list with its COPY lines.
SOURCES = (
    "requirements/build.txt",
    "requirements/runtime.txt",
    "requirements/monitor.txt",
    "contracts",
    "engine",
    "ml",
    "services",
)
DOCKERFILE = "services/predictor/Dockerfile"
# Digests of training rows are for replays: .dockerignore keeps them out of the image.
PASSING = {"__pycache__", "build", "dist", "rows.bin"}
PASSING_ENDINGS = (".egg-info", ".pyc", ".so")


def content_tag(root: Path, bundles: Path, architecture: str, build_arguments: Sequence[str]) -> str:
    """A tag such as `c-0f3a...-arm64` from every file that the image is made of."""
    digest = hashlib.sha256("\n".join(build_arguments).encode())
    for base in (*(root / source for source in SOURCES), bundles):
        for file in _files(base):
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"c-{digest.hexdigest()[:24]}-{architecture.replace('_', '-')}"


def _files(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
        return
    for path in sorted(base.rglob("*")):
        parts = path.relative_to(base).parts
        passing = any(part in PASSING or part.endswith(PASSING_ENDINGS) for part in parts)
        if path.is_file() and not passing:
            yield path
