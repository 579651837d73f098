"""A second engine: a model in an ONNX file, answered by ONNX Runtime where that is installed.

`check_file` reads a file without its runtime and without executing anything; `open_model` does so
too before the runtime sees it. Nothing here is imported unless a manifest names the engine, and the
runtime comes with an extra: `pip install 'drift-predictor[onnx]'`.
"""

from drift_engine.onnx._errors import BadOnnx, RuntimeAbsent
from drift_engine.onnx._file import check_file
from drift_engine.onnx._open import open_model, read_signature, runtime_version

__all__ = [
    "BadOnnx",
    "RuntimeAbsent",
    "check_file",
    "open_model",
    "read_signature",
    "runtime_version",
]
