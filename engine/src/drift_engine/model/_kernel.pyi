from collections.abc import Callable

from drift_engine.model import _python, _steps_python

# takes the numbers of Shape in their order, then the columns of Parts; None: it was not built
Engine: Callable[..., _python.Engine] | None
# takes the numbers of StepsShape in their order, words, constants, a tuple of an Engine for each
# member, and keys
Steps: Callable[..., _steps_python.Engine] | None
