"""Training: data sources, fit, evaluate, pack. scikit-learn is imported here and nowhere else."""

from drift_ml.tables import DataError, Finding, Table, read_table

from .errors import ModelWorseThanMean, TrainingError
from .fit import Recipe, fit
from .job import Trained, load_rows, train
from .sources import find_source

__all__ = [
    "DataError",
    "Finding",
    "ModelWorseThanMean",
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
