from collections.abc import Callable

from drift_ml.forest import _python

# takes the features, missing_accepted and code widths of Parts, then its columns; None: it was not built
Engine: Callable[..., _python.Engine] | None
