"""What `pulumi up` runs, with this folder as working directory; Pulumi.yaml is one above."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# `pulumi install` installs libraries only: pip's hash mode takes no local folders, so ours are found by their place
sys.path[:0] = [str(ROOT / room / "src") for room in ("infra", "contracts")]

import pulumi  # noqa: E402 - after the path
from drift_infra.program import run  # noqa: E402
from drift_infra.settings import ConfigurationError, from_pulumi  # noqa: E402

# The engine interrupts the program after the first error of a resource. What Python and gRPC would print then are
# fifty lines of other registrations, among which nobody finds the error that the engine reports.
signal.signal(signal.SIGINT, lambda *_: os._exit(1))

try:
    run(from_pulumi(), ROOT)
except ConfigurationError as error:
    raise pulumi.RunError(str(error)) from None
