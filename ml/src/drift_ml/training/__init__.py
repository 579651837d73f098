"""Training: data sources, fit, evaluate, pack. scikit-learn is imported here and nowhere else.

What is named here is imported when it is asked for, so that `python -m drift_ml.training` meets a
library that is missing or broken inside its door, where it has an exit code.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift_ml.tables import CellFinding, DataError, Table, read_table

    from .data_warnings import DataWarning, find_warnings
    from .errors import ModelWorseThanMean, TrainingError, WarningsFound
    from .fitting import Sides, fit, split
    from .job import Trained, load_rows, train
    from .recipes import Recipe
    from .sources import find_source

__all__ = [
    "CellFinding",
    "DataError",
    "DataWarning",
    "ModelWorseThanMean",
    "Recipe",
    "Sides",
    "Table",
    "Trained",
    "TrainingError",
    "WarningsFound",
    "find_source",
    "find_warnings",
    "fit",
    "load_rows",
    "read_table",
    "split",
    "train",
]

_HOMES = {
    "drift_ml.tables": ("DataError", "CellFinding", "Table", "read_table"),
    "drift_ml.training.data_warnings": ("DataWarning", "find_warnings"),
    "drift_ml.training.errors": (
        "ModelWorseThanMean",
        "TrainingError",
        "WarningsFound",
    ),
    "drift_ml.training.fitting": ("Sides", "fit", "split"),
    "drift_ml.training.job": ("Trained", "load_rows", "train"),
    "drift_ml.training.recipes": ("Recipe",),
    "drift_ml.training.sources": ("find_source",),
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` from its module."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
