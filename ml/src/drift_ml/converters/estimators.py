"""What an estimator is: an object of this process, or a lifeless one that was read out of a file.

Converters ask here, so that they read both by their class's name and by their attributes alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .errors import CannotServe

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Lifeless:
    """An object out of a file: its attributes, and nothing that could run.

    A reader derives a class without code for each that a file names; `type(value).__module__` and
    `type(value).__name__` are then as the library has them, though it was never imported.
    """


def is_lifeless(estimator: object) -> bool:
    """Return whether an estimator was read out of a file, so that it has no methods."""
    return isinstance(
        estimator,
        Lifeless,
    )


def library_and_class(estimator: object) -> tuple[str, str]:
    """Return the package and the class of an estimator, as its library names them.

    >>> library_and_class(1.5)
    ('builtins', 'float')
    """
    kind = type(estimator)
    package = kind.__module__.partition(".")[0]
    return package, kind.__name__


def library_version(estimator: object) -> str:
    """Return the version of the library that an estimator is of: the file's, or the process's.

    Raises:
        CannotServe: it is a file's, which does not say.
    """
    if not is_lifeless(estimator):
        package = sys.modules[type(estimator).__module__.partition(".")[0]]
        version: str = package.__version__
        return version
    # scikit-learn writes its version into every estimator that is pickled.
    written: str | None = getattr(estimator, "_sklearn_version", None)
    if written is None:
        raise CannotServe(
            library_and_class(estimator)[1],
            "the file does not say which version of scikit-learn wrote it",
            "save it again with scikit-learn 1.2 or later",
        )
    return written


def version_numbers(estimator: object) -> tuple[int, int]:
    """Return the first two numbers of the version of an estimator's library."""
    major, minor = library_version(estimator).split(".")[:2]
    return int(major), int(minor)


def method_of(estimator: Any, *names: str) -> Callable[..., Any]:
    """Return the first of some methods that an estimator has.

    Args:
        estimator: Live or lifeless.
        names: Of methods, the preferred one first.

    Returns:
        The method; of a lifeless estimator one that raises CannotServe, since nothing of it runs.
    """
    if is_lifeless(estimator):
        return _without_library
    present = [name for name in names if hasattr(estimator, name)]
    method: Callable[..., Any] = getattr(estimator, present[0])
    return method


def _without_library(*_arguments: object, **_options: object) -> Any:
    raise CannotServe(
        "model file",
        "nothing of it is run, so there is no library to compare with",
        "give the library's answers as a column of the rows",
    )
