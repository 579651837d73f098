"""A packed model: the trees of any library in a file with nothing executable in it.

`PackedModel` answers from the file with the library's own arithmetic: its casts, its rules for
missing values and categories, the order and precision of its sums, its link. The compiled engine
and its pure-Python twin accept the same files and give the same answers; `PackedModel.engine` is
the one that runs. Whoever writes a file uses `drift_engine.model.writer`. The format is described
in docs/model-format.md.
"""

from drift_engine.forest._errors import BadRow
from drift_engine.model._errors import BadModel, TooLarge
from drift_engine.model._model import ENGINES, PackedModel

__all__ = ["ENGINES", "BadModel", "BadRow", "PackedModel", "TooLarge"]
