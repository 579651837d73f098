"""How much a channel has drifted, in four words."""

from __future__ import annotations

from typing import Literal

Level = Literal["none", "small", "moderate", "large"]

LEVELS: tuple[Level, ...] = ("none", "small", "moderate", "large")
