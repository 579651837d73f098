"""Training: data sources, fit, evaluate, pack. scikit-learn is imported here and nowhere else."""

from drift_ml.tables import DataError, Finding, Table, read_table

from .data_warnings import DataWarning, find_warnings
from .errors import ModelWorseThanMean, TrainingError, WarningsFound
from .fit import Recipe, Sides, fit, split
from .job import Trained, load_rows, train
from .sources import find_source

__all__ = [
    "DataError",
    "DataWarning",
    "Finding",
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
