"""What a baseline keeps of its columns."""

import json
import math
import sys

import numpy as np
import pytest
from drift_contracts import ContractError, feature_set, schemas
from drift_ml.baseline import Baseline, BaselineError
from drift_ml.baseline.fit import fit_baseline
from drift_ml.columns import as_codes, as_numbers
from hypothesis import given
from hypothesis import strategies as st


def of_area(make, column, **options):
    return fit_baseline(make.feature_set("area"), {"area": column}, **options)


def test_moments(houses, make):
    """Mean, deviation and range are those of the column."""
    area = make.columns(1, 600)["area"]
    summary = houses.features["area"]
    assert summary.mean == pytest.approx(area.mean(), rel=1e-14)
    assert summary.std == pytest.approx(area.std(ddof=1), rel=1e-14)
    assert (summary.min, summary.max, summary.count, summary.missing) == (area.min(), area.max(), 600, 0)


def test_missing_values(houses, make):
    """Missing values are counted, and left out of the figures."""
    ground = make.columns(1, 600)["ground"]
    summary = houses.features["ground"]
    assert summary.missing == int(np.isnan(ground).sum()) > 0
    assert summary.mean == pytest.approx(np.nanmean(ground))


def test_category_summary(houses):
    """A category has counts and no mean, deviation or range."""
    summary = houses.features["heating"]
    assert (summary.mean, summary.std, summary.min, summary.max) == (None,) * 4
    assert summary.count + summary.missing == 600


def test_target_and_error(houses):
    """Target and error have bins, and the prediction has a channel."""
    assert sum(houses.target.bins.counts) == 600
    assert houses.error.bins.counts == (200,)
    assert houses.prediction.bins is None
    assert sum(houses.channel("prediction").counts) == 200


def test_correlations(houses, make):
    """Correlations are Pearson's over the rows that have both values."""
    of = make.columns(1, 600)
    names = houses.correlation_names
    assert names == ("rooms", "area", "garden", "ground")
    both = ~np.isnan(of["ground"])
    expected = np.corrcoef(of["area"][both], of["ground"][both])[0, 1]
    assert houses.correlation[1][3] == houses.correlation[3][1] == pytest.approx(expected, abs=5e-5)
    assert houses.correlation[0][0] == 1.0


def test_constant_column(make):
    """A constant column has no correlation and no deviation."""
    baseline = of_area(make, [0.1] * 7)
    assert baseline.correlation == ((None,),)
    assert (baseline.features["area"].mean, baseline.features["area"].std) == (0.1, 0.0)
    assert baseline.channel("area").counts == (7,)


def test_all_missing_column(make):
    """A column without values keeps only its missing channel."""
    baseline = of_area(make, [math.nan, math.nan], target=[math.nan] * 2, predictions=[math.nan])
    assert [channel.name for channel in baseline.channels] == ["missing:area"]
    assert baseline.features["area"].mean is None
    assert baseline.correlation == ((None,),)
    assert baseline.target.bins is None


def test_single_row(make):
    """A single row makes a baseline."""
    of = make.columns(3, 1)
    baseline = fit_baseline(make.feature_set("rooms", "area"), of)
    assert baseline.rows == 1
    assert baseline.features["area"].std == 0.0
    assert baseline.target is None
    assert baseline.channel("new:area").counts == (0, 1)


def test_huge_values(make):
    """Huge values do not overflow."""
    baseline = of_area(make, [-1.7e308, 1.7e308, 1.7e308, -1.7e308])
    summary = baseline.features["area"]
    assert summary.mean == 0.0
    assert summary.std == sys.float_info.max
    assert baseline.correlation == ((1.0,),)


def test_tiny_values(make):
    """Tiny values have a deviation above 0."""
    summary = of_area(make, [0.0, 5e-324, 1e-320]).features["area"]
    assert 0 < summary.std < 1e-319


def test_row_order(make, houses):
    """The order of rows does not matter."""
    of = make.columns(1, 600)
    order = np.random.default_rng(5).permutation(600)
    again = fit_baseline(
        make.feature_set(),
        {name: column[order] for name, column in of.items()},
        target=make.predictions(of)[order] + 1,
        predictions=make.predictions(of)[:200][::-1],
        errors=np.ones(200),
    )
    assert json.dumps(again.to_json()) == json.dumps(houses.to_json())


def test_json_round_trip(houses):
    """A baseline comes back equal from its JSON, which keeps the contract."""
    document = json.loads(json.dumps(houses.to_json()))
    schemas.check("baseline.v2", document)
    again = Baseline.from_json(document)
    assert again == houses
    assert again.digest == houses.digest
    assert again.to_json() == houses.to_json()


def test_size():
    """A baseline of 10,000 rows of five features takes a few kilobytes."""
    random = np.random.default_rng(7)
    rows = 10_000
    of = {
        "bedrooms": random.integers(1, 6, rows),
        "bathrooms": random.integers(1, 4, rows),
        "sqft": random.normal(2000, 500, rows),
        "age": random.integers(0, 50, rows),
        "location_score": random.uniform(1, 10, rows),
    }
    baseline = fit_baseline(feature_set("house-price"), of, target=of["sqft"], predictions=of["sqft"])
    assert len(json.dumps(baseline.to_json(), separators=(",", ":"))) < 14_000
    assert all(len(channel.counts) <= 64 for channel in baseline.channels)


def test_unknown_channel(houses):
    """An unknown channel is refused with those that there are."""
    with pytest.raises(BaselineError, match="there is rooms, area"):
        houses.channel("nothing")


CHANNEL = {"name": "area", "kind": "quantiles", "of": ["area"], "edges": [1, 2], "counts": [3, 4, 3], "scores": [0] * 3}
NO_BASELINES = {
    "another contract": ({"contract": "other.v1"}, "const at /contract"),
    "no channels": ({"channels": []}, "minItems at /channels"),
    "channels that are an object": ({"channels": {}}, "type at /channels"),
    "features that are a number": ({"features": 3}, "type at /features"),
    "a deviation below 0": ({"features": {"area": {"std": -1}}}, "at /features/area"),
    "a name twice": ({"channels": [CHANNEL, CHANNEL]}, "unique at /channels/1/name"),
    "a channel of no feature": ({"channels": [CHANNEL | {"of": ["garden"]}]}, "choice at /channels/0/of"),
    "a count too few": ({"channels": [CHANNEL | {"counts": [3, 4]}]}, "size at /channels/0/counts"),
    "a score too few": ({"channels": [CHANNEL | {"scores": [0]}]}, "size at /channels/0/scores"),
    "edges that descend": ({"channels": [CHANNEL | {"edges": [2, 1]}]}, "order at /channels/0/edges"),
    "values that descend": (
        {"channels": [CHANNEL | {"kind": "values", "values": [2, 1, 3]}]},
        "order at /channels/0/values",
    ),
    "a category too few": (
        {"channels": [CHANNEL | {"kind": "categories", "categories": ["a", "b"]}]},
        "size at /channels/0/counts",
    ),
    "a third bin of missing ones": ({"channels": [CHANNEL | {"kind": "missing"}]}, "size at /channels/0/counts"),
    "a correlation of no feature": (
        {"correlation": {"names": ["garden"], "matrix": [[1]]}},
        "choice at /correlation/names",
    ),
    "a row too few": ({"correlation": {"names": ["area"], "matrix": []}}, "size at /correlation/matrix"),
    "a column too few": ({"correlation": {"names": ["area"], "matrix": [[]]}}, "size at /correlation/matrix"),
}


@pytest.mark.parametrize(("changed", "place"), NO_BASELINES.values(), ids=NO_BASELINES)
def test_broken_document(make, changed, place):
    """A document that breaks its contract is refused with the place."""
    document = of_area(make, [1.0, 2.0, 3.0]).to_json()
    with pytest.raises(ContractError, match=rf"baseline\.v1: .*{place}"):
        Baseline.from_json(document | changed)


def test_document_no_object():
    """A document that is no object is refused."""
    with pytest.raises(ContractError, match="type at the top"):
        Baseline.from_json([])


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["area"], {"rooms": [1]}, "expected a column 'area'; there is rooms"),
        (["area"], {}, "there is none"),
        (["area"], {"area": []}, "at least one row"),
        (["area", "rooms"], {"area": [1.0], "rooms": [1, 2]}, "area 1, rooms 2"),
        (["area"], {"area": ["wide"]}, "'area': expected a vector of numbers"),
        (["area"], {"area": np.ones((2, 2))}, "'area': expected a vector of numbers"),
        (["area"], {"area": [1.0, math.inf]}, "'area': expected finite numbers; 1 are not"),
        (["garden"], {"garden": [0.5]}, "'garden': expected booleans"),
    ],
)
def test_refused_columns(make, names, given, message):
    """Columns that no baseline can be made of are refused with the reason."""
    with pytest.raises(BaselineError, match=message):
        fit_baseline(make.feature_set(*names), given)


def test_reserved_name(make):
    """No feature may have the name of the predictions."""
    named = make.feature_set("area", prediction={"type": "number", "example": 1})
    with pytest.raises(BaselineError, match="no feature may be named 'prediction'"):
        fit_baseline(named, {"area": [1.0], "prediction": [1.0]})


def test_number_inputs():
    """Numbers may be lists, booleans or objects."""
    assert as_numbers([True, None, 2.5])[[0, 2]].tolist() == [1.0, 2.5]
    assert math.isnan(as_numbers(np.array([None, 1], dtype=object))[0])


def test_category_codes():
    """A category may be given by its indices."""
    assert as_codes(["a", "b"], [0, 1, 7]).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.no_cover
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_any_finite_column(make, column):
    """Any finite column makes a baseline that comes back from its JSON."""
    baseline = of_area(make, column)
    assert Baseline.from_json(json.loads(json.dumps(baseline.to_json()))) == baseline
    assert sum(baseline.channel("area").counts) == len(column)


NOISE = [0.3, 0.1 + 0.2] * 50


def test_tiny_deviation(make):
    """A deviation under a billionth of the magnitude counts as 0, and correlates with nothing."""
    baseline = of_area(make, NOISE)
    assert baseline.features["area"].std == 0.0
    assert baseline.features["area"].mean == pytest.approx(0.3, rel=1e-12)
    assert baseline.correlation == ((None,),)


@pytest.mark.parametrize(("share", "varies"), [(0.4e-9, False), (4e-9, True)])
def test_deviation_floor(make, share, varies):
    """The floor of the deviation is relative to the largest magnitude."""
    column = -5e12 * (1 + share * np.linspace(-1, 1, 101))
    baseline = of_area(make, column)
    assert (baseline.features["area"].std > 0) is varies
    assert (baseline.correlation[0][0] == 1.0) is varies


def test_floor_of_older_baseline(make):
    """The floor also holds for baselines that were fitted before there was one."""
    document = of_area(make, NOISE).to_json()
    document["features"]["area"]["std"] = 2.8e-17
    baseline = Baseline.from_json(document)
    assert baseline.features["area"].usable_std == 0.0
    (source,) = baseline.plan.sources
    assert source.scale == 0.0
