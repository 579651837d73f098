"""What models of many features answer, against the contracts."""

import pytest
from drift_contracts import schemas

from tests.support.predictor import World
from tests.support.wide import answered, wide


@pytest.mark.no_cover
@pytest.mark.parametrize("features", [30, 90, 91, 500, 2000])
@pytest.mark.parametrize("most", [0, 30, 90])
def test_wide_answers(features, most):
    """Answer and line of any width hold their contracts, however many features have metrics."""
    answer, event = answered(World(), wide(features), {0: 3.0}, metric_features=most)
    schemas.check("prediction.response.v1", answer)
    schemas.check("prediction.event.v1", event)
