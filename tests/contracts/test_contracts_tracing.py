"""What is marked as not traced is not, whichever process runs it."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.no_cover
def test_marked_is_untraced(request):
    """A marked test takes no longer under the gate than without it."""
    is_under_gate = bool(request.config.getoption("cov_source", None))
    assert not (is_under_gate and sys.gettrace())
