"""Bundles that are small, sound for the program's own checks, and never served."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def bundles(root: Path, content: str = "") -> Path:
    """Write a bundle of the default model below build/bundles; another content is another model."""
    example = root / "contracts/examples/bundle.manifest.v1.json"
    manifest = json.loads(example.read_text("utf-8"))
    folder = root / "build/bundles/house-price"
    folder.mkdir(parents=True, exist_ok=True)
    for name, facts in manifest["files"].items():
        text = f"{name} {content}"
        (folder / name).write_text(text, "utf-8")
        facts |= {"sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return root
