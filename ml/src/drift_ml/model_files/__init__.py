"""Files of models, read without executing anything that they hold and without their libraries."""

from drift_ml.model_files.errors import FileRefused
from drift_ml.model_files.read import ModelFile, read_model

__all__ = ["FileRefused", "ModelFile", "read_model"]
