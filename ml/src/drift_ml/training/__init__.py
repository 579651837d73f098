"""Training: data sources, fit, evaluate, pack. scikit-learn is imported here and nowhere else.

What is named here is imported when it is asked for, so that `python -m drift_ml.training` meets a library that is
missing or broken inside its door, where it has an exit code.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift_ml.tables import DataError, Finding, Table, read_table

    from .errors import ModelWorseThanMean, PackedDiffers, TrainingError
    from .fitting import Recipe, fit
    from .job import Trained, load_rows, train
    from .sources import find_source

__all__ = [
    "DataError",
    "Finding",
    "ModelWorseThanMean",
    "PackedDiffers",
    "Recipe",
    "Table",
    "Trained",
    "TrainingError",
    "find_source",
    "fit",
    "load_rows",
    "read_table",
    "train",
]

_HOMES = {
    "drift_ml.tables": ("DataError", "Finding", "Table", "read_table"),
    "drift_ml.training.errors": ("ModelWorseThanMean", "PackedDiffers", "TrainingError"),
    "drift_ml.training.fitting": ("Recipe", "fit"),
    "drift_ml.training.job": ("Trained", "load_rows", "train"),
    "drift_ml.training.sources": ("find_source",),
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` from its module."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
