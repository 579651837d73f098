"""The forest engine under its former name; `drift_engine.forest` is its home."""

from drift_engine.forest import BadForest, BadRow, Forest, ForestError

__all__ = ["BadForest", "BadRow", "Forest", "ForestError"]
