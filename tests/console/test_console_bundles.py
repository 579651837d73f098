"""Which models a console serves."""

import io

import pytest
from drift_console.bundles import ready_bundles
from drift_contracts import UnknownName
from rich.console import Console as Terminal


def test_a_model_that_nobody_knows_is_refused_before_anything_is_trained(tmp_path):
    told = io.StringIO()
    with pytest.raises(UnknownName, match="house-price"):
        ready_bundles(tmp_path / "bundles", ("nope",), Terminal(file=told))
    assert told.getvalue() == ""
    assert not (tmp_path / "bundles").exists()
