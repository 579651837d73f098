"""Open a model with ONNX Runtime, which may not be there."""

from __future__ import annotations

from drift_engine.onnx._errors import RuntimeAbsent
from drift_engine.onnx._file import check_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drift_contracts import FeatureSet

    from drift_engine.onnx._model import OnnxModel, Signature


def open_model(content: bytes, feature_set: FeatureSet) -> OnnxModel:
    """Return the model in an ONNX file, which was checked before its runtime saw it.

    Args:
        content: of the file.
        feature_set: what its rows and its answers are.

    Raises:
        BadOnnx: it is no ONNX file that is served, or not of these rows.
        RuntimeAbsent: ONNX Runtime is not installed.
    """
    check_file(content)
    runtime_version()
    from drift_engine.onnx._model import OnnxModel  # noqa: PLC0415 - it imports the runtime

    return OnnxModel(content, feature_set)


def read_signature(content: bytes) -> Signature:
    """Return what an ONNX file takes and answers, after it was checked.

    Args:
        content: of the file.

    Raises:
        BadOnnx: it is no ONNX file that is served.
        RuntimeAbsent: ONNX Runtime is not installed.
    """
    check_file(content)
    runtime_version()
    from drift_engine.onnx import _model  # noqa: PLC0415 - as above

    return _model.read_signature(content)


def runtime_version() -> str:
    """Return the version of ONNX Runtime. Raises RuntimeAbsent."""
    try:
        import onnxruntime  # noqa: PLC0415 - where it is needed
    except ImportError:
        raise RuntimeAbsent from None
    version: str = onnxruntime.__version__
    return version
