"""What an estimator is: of this process, or lifeless out of a file."""

from __future__ import annotations

import pytest
import sklearn
from drift_ml.converters import CannotServe
from drift_ml.converters.estimators import (
    Lifeless,
    is_lifeless,
    library_and_class,
    library_version,
    method_of,
    version_numbers,
)
from sklearn.dummy import DummyRegressor


def lifeless(module: str, name: str, **members: object) -> Lifeless:
    """Return an object as a reader of files makes it."""
    record = type(name, (Lifeless,), {"__module__": module})()
    vars(record).update(members)
    return record


def test_class_of_both_kinds() -> None:
    """A live and a lifeless estimator have the same library and class."""
    record = lifeless("sklearn.dummy", "DummyRegressor")
    names = library_and_class(record)
    assert names == library_and_class(DummyRegressor()) == ("sklearn", "DummyRegressor")
    assert is_lifeless(record)
    assert not is_lifeless(DummyRegressor())


def test_version_of_both_kinds() -> None:
    """A file's version is what it says, a live estimator's the process's."""
    record = lifeless("sklearn.dummy", "DummyRegressor", _sklearn_version="1.5.2")
    assert library_version(record) == "1.5.2"
    assert version_numbers(record) == (1, 5)
    assert library_version(DummyRegressor()) == sklearn.__version__


def test_version_that_is_absent() -> None:
    """A file without a version is refused by the class's name."""
    with pytest.raises(CannotServe) as refused:
        library_version(lifeless("sklearn.dummy", "DummyRegressor"))
    assert refused.value.subject == "DummyRegressor"


def test_methods_of_both_kinds() -> None:
    """A live estimator's first method is returned; a lifeless one has none that runs."""
    live = DummyRegressor().fit([[0.0]], [2.0])
    assert method_of(live, "decision_function", "predict")([[1.0]]).tolist() == [2.0]
    with pytest.raises(CannotServe):
        method_of(lifeless("sklearn.dummy", "DummyRegressor"), "predict")([[1.0]])
