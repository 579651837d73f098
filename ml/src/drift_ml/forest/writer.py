"""The writer of forest files under its former name; `drift_engine.forest.writer` is its home."""

from drift_engine.forest.writer import Tree, encode, trees_of

__all__ = ["Tree", "encode", "trees_of"]
