"""Export a fitted estimator, in the process that holds it, as a bundle that can be served."""

from drift_ml.exporting.errors import ExportError
from drift_ml.exporting.export import export
from drift_ml.exporting.measured import Exported

__all__ = ["ExportError", "Exported", "export"]
