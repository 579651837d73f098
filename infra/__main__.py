"""What `pulumi up` runs, with this folder as working directory; Pulumi.yaml is one above."""

from __future__ import annotations

from pathlib import Path

import pulumi
from drift_infra.program import run
from drift_infra.settings import ConfigurationError, from_pulumi

try:
    run(from_pulumi(), Path(__file__).resolve().parent.parent)
except ConfigurationError as error:
    raise pulumi.RunError(str(error)) from None
