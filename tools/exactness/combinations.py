"""Which versions of Python and of the libraries are tried together."""

from __future__ import annotations

from dataclasses import dataclass

PYTHONS = ("3.11", "3.12", "3.13")
SCIKIT = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9")
NUMPY = ("1.26", "2")
#: The last version of Python that wheels of these versions of scikit-learn were built for.
NEWEST_PYTHON = {"1.2": "3.11", "1.3": "3.12", "1.4": "3.12"}
#: From this version on scikit-learn takes numpy 2.
NUMPY_2_SINCE = "1.5"
#: From this version on it takes no numpy 1.
NUMPY_1_UNTIL = "1.8"

#: Solvers of these versions call scipy with arguments that later ones do not have.
SCIPY = dict.fromkeys(("1.2", "1.3"), ("scipy<1.14",))


@dataclass(frozen=True)
class Combination:
    """Versions that are tried together; a set of requirements, or versions to be resolved."""

    python: str
    scikit: str
    numpy: str
    xgboost: str
    #: Name of the pinned set in requirements/, "" where versions are resolved.
    pinned: str = ""

    @property
    def name(self) -> str:
        """Return the name of its environment and of its row."""
        return f"python{self.python}-sklearn{self.scikit}-numpy{self.numpy}-xgboost{self.xgboost}"

    @property
    def requirements(self) -> list[str]:
        """Return what to install where no set is pinned."""
        numpy = "numpy>=2,<3" if self.numpy == "2" else f"numpy=={self.numpy}.*"
        return [
            f"scikit-learn=={self.scikit}.*",
            numpy,
            f"xgboost-cpu=={self.xgboost}.*",
            "lightgbm>=4.6",
            # Those who have an older scikit-learn have the pandas of its day.
            "pandas>=2.2,<3",
            *SCIPY.get(self.scikit, ()),
            "pylignum",
        ]


PINNED = Combination("3.11", "1.9", "2", "3.2", pinned="exact")
OLDEST = Combination("3.11", "1.2", "1.26", "3.2", pinned="exact-oldest")
NEWEST = Combination("3.13", "1.9", "2", "3.4")
DEFAULT = (PINNED, OLDEST, NEWEST)


def every() -> list[Combination]:
    """Return the default ones, then each other combination that has wheels."""
    listed = list(DEFAULT)
    for python in PYTHONS:
        for scikit in SCIKIT:
            fitting = [numpy for numpy in NUMPY if exists(python, scikit, numpy)]
            listed += [_combination(python, scikit, numpy) for numpy in fitting]
    names: dict[str, Combination] = {}
    for combination in listed:
        names.setdefault(combination.name, combination)
    return list(names.values())


def _combination(python: str, scikit: str, numpy: str) -> Combination:
    xgboost = "3.4" if python == PYTHONS[-1] else "3.2"
    return Combination(python, scikit, numpy, xgboost)


def exists(python: str, scikit: str, numpy: str) -> bool:
    """Return whether there are wheels for versions that go together.

    Args:
        python: Such as 3.11.
        scikit: Version of scikit-learn, such as 1.2.
        numpy: 1.26 or 2.
    """
    if python > NEWEST_PYTHON.get(scikit, PYTHONS[-1]):
        return False
    if numpy == "2":
        return scikit >= NUMPY_2_SINCE
    return python != PYTHONS[-1] and scikit <= NUMPY_1_UNTIL
