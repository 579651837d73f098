"""What `pulumi up` runs, with this folder as working directory; Pulumi.yaml is one above."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# nearly all objects of the program live until its end: looking for cycles frees nothing and takes a
# sixth of its time
gc.disable()
# `pulumi install` installs libraries only: pip's hash mode takes no local folders, so ours are
# found by their place
sys.path[:0] = [str(ROOT / room / "src") for room in ("infra", "contracts")]

import pulumi  # noqa: E402 - after the path

from drift_infra.program import run  # noqa: E402
from drift_infra.settings import ConfigurationError, from_pulumi  # noqa: E402

NEWER_THAN = ">=3.272.0"  # as Pulumi.yaml has it

# The engine interrupts the program after the first error of a resource. What Python and gRPC would
# print then are fifty lines of other registrations, among which nobody finds the error that the
# engine reports.
signal.signal(signal.SIGINT, lambda *_: os._exit(1))

try:
    # A CLI before 3.219 does not read requiredPulumiVersion, and one before 3.217 cannot be asked:
    # the error says so.
    pulumi.require_pulumi_version(NEWER_THAN)
except Exception as error:  # what it raises has no type of its own
    raise pulumi.RunError(f"the Pulumi CLI: expected {NEWER_THAN} ({error})") from None

try:
    run(from_pulumi(), ROOT)
except ConfigurationError as error:
    raise pulumi.RunError(str(error)) from None
