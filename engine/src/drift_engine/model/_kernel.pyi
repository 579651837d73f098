from collections.abc import Callable

from drift_engine.model import _python

# takes the numbers of Shape in their order, then the columns of Parts; None: it was not built
Engine: Callable[..., _python.Engine] | None
