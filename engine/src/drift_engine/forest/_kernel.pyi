from collections.abc import Callable

from drift_engine.forest import _python

# takes the numbers of Parts in their order, then its columns; None: it was not built
Engine: Callable[..., _python.Engine] | None
