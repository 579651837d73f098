"""A forest of regression trees: a compact file with nothing executable in it, and two engines.

`Forest` answers from the file, bit for bit as scikit-learn would. The compiled engine and its
pure-Python twin accept the same files and give the same answers; `Forest.engine` is the one that
runs. Whoever writes a file, and so trains, uses `drift_engine.forest.writer`. The format is
described in docs/forest-format.md.
"""

from drift_engine.forest._errors import (
    BadForest,
    BadRow,
    ForestError,
)
from drift_engine.forest._forest import ENGINES, Forest

__all__ = ["ENGINES", "BadForest", "BadRow", "Forest", "ForestError"]
