"""A service over the two committed bundles, with a clock, randomness and a sink that the test holds."""

from __future__ import annotations

import json
from pathlib import Path

from drift_contracts import MonitoringSpec
from drift_predictor import Service, Settings, open_bundles

BUNDLES = Path(__file__).parents[1] / "predictor" / "bundles"
NOW = 1_795_435_200_123_456_789


class World:
    """Time stands still unless moved; every line is kept; `broken` makes the sink fail."""

    def __init__(self):
        self.now = NOW
        self.ticks = iter(range(0, 1 << 62, 52_000))
        self.lines = []
        self.broken = False

    def write(self, line):
        """Keep a line of the journal."""
        if self.broken:
            raise OSError("No space left on device")
        self.lines.append(line)

    @property
    def events(self):
        """The lines that were written, parsed."""
        return [json.loads(line) for line in self.lines]

    def service(self, spec=None, loaded=None, **settings):
        """Return a service of this world; settings are those of `drift_predictor.Settings`."""
        chosen = Settings(**{"bundles": str(BUNDLES), "model": "house-price", **settings})
        return Service(
            loaded or open_bundles(chosen),
            chosen,
            spec or MonitoringSpec.load(),
            clock=lambda: self.now,
            timer=lambda: next(self.ticks),
            random_bytes=lambda n: bytes(i % 256 for i in range(n)),
            write=self.write,
        )
