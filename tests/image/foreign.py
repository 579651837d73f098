"""Programs of another processor: qemu, announced to the kernel for as long as a block lasts."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

KERNEL = Path("/proc/sys/fs/binfmt_misc")
QEMU = {"arm64": "qemu-aarch64", "amd64": "qemu-x86_64"}


@contextmanager
def runnable(processor: str, *, foreign: bool) -> Iterator[None]:
    """Nothing to do for this machine's own processor, or where somebody has announced an interpreter already."""
    entry = KERNEL / QEMU[processor]
    if not foreign or entry.exists():
        yield
        return
    mounts = not (KERNEL / "register").exists()
    if mounts and subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", KERNEL], check=False).returncode:
        pytest.skip(f"NOT RUN: this kernel lets nobody announce an interpreter for {processor}")
    try:
        (KERNEL / "register").write_text(Path(f"/usr/lib/binfmt.d/{entry.name}.conf").read_text())
        try:
            yield
        finally:
            entry.write_text("-1")  # takes the announcement back
    finally:
        if mounts:
            subprocess.run(["umount", KERNEL], check=True)
