"""What can go wrong with an ONNX file; a row that it cannot answer is `BadRow`, as a forest's."""

from drift_contracts.errors import DriftError


class BadOnnx(DriftError):
    """A file is no ONNX model that is served, or not of the rows of its feature set."""

    def __init__(self, reason: str, way_out: str) -> None:
        #: What is wrong.
        self.reason = reason
        #: What to do instead.
        self.way_out = way_out
        super().__init__(f"model.onnx: {reason}; {way_out}")


class RuntimeAbsent(DriftError):
    """ONNX Runtime is not installed."""

    #: CANNOT_START of drift_contracts.exits, whose import a cold start is spared.
    exit_code = 5

    def __init__(self) -> None:
        super().__init__(
            "model.onnx: the Python package onnxruntime is not installed;"
            " pip install 'drift-predictor[onnx]' brings it, and an image has it that was built"
            " with --build-arg ENGINE=onnx"
        )


class BadAnswer(DriftError):
    """A model answered nothing, or what JSON has no number for."""
