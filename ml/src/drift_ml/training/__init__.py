"""Training: data sources, fit, evaluate, pack. scikit-learn is imported here and nowhere else."""

from .errors import DataError, Finding, ModelWorseThanMean, TrainingError
from .files import read_table
from .fit import Recipe, fit
from .job import Trained, load_rows, train
from .sources import find_source
from .table import Table

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
