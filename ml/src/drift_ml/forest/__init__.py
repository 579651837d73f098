"""A forest of regression trees: a compact file with nothing executable in it, and two engines that read it.

`encode` writes the file from plain arrays, `Forest` answers from it, bit for bit as scikit-learn would. The
compiled engine and its pure-Python twin accept the same files and give the same answers; `Forest.engine` says
which one runs. The format is described in docs/forest-format.md.
"""

from drift_ml.forest._encode import Tree, encode, trees_of
from drift_ml.forest._errors import BadForest, BadRow, ForestError
from drift_ml.forest._forest import Forest

__all__ = ["BadForest", "BadRow", "Forest", "ForestError", "Tree", "encode", "trees_of"]
