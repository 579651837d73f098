"""Windows of traffic as values that add, counted on a baseline's frozen bins."""

from drift_ml.window._errors import WindowError
from drift_ml.window._moments import Moments
from drift_ml.window._window import Window

__all__ = ["Moments", "Window", "WindowError"]
