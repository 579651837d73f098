"""Estimators of other libraries to models of the model file, and the proof that both agree.

No library is imported: an estimator brings its own, and the files of boosters are inert data.
"""

from drift_ml.converters.convert import convert, encode_converted, too_large
from drift_ml.converters.converted import Converted, Reference
from drift_ml.converters.errors import CannotServe, ConversionError, DoesNotFit, NotExact
from drift_ml.converters.inputs import JsonRow, label_text
from drift_ml.converters.proof import Exactness, prove, prove_model

__all__ = [
    "CannotServe",
    "ConversionError",
    "Converted",
    "DoesNotFit",
    "Exactness",
    "JsonRow",
    "NotExact",
    "Reference",
    "convert",
    "encode_converted",
    "label_text",
    "prove",
    "prove_model",
    "too_large",
]
