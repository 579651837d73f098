"""Feature sets: those that ship, those of a user, and what is wrong with the rest."""

import json
import pickle

import pytest
from drift_contracts import (
    ContractError,
    DriftError,
    Feature,
    FeatureSet,
    NotJson,
    Record,
    RequestValidator,
    UnknownName,
    Violation,
    feature_set,
    feature_set_names,
)

from tools.contract_checks.cases import cases

HOUSE = feature_set("house-price").to_json()


@pytest.fixture
def third(tmp_path):
    """A folder with a model that does not ship."""
    document = {**HOUSE, "name": "flat-rent", "features": HOUSE["features"][:2]}
    (tmp_path / "flat-rent.json").write_text(json.dumps(document), "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", feature_set_names())
def test_json_round_trip(name):
    """Each feature set that ships comes back from its JSON."""
    one = feature_set(name)
    assert FeatureSet.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert one.name == name


VALID = [case for name in ("feature-set.v1", "feature-set.v2") for case in cases(name) if case.valid]


def test_targets_without_unit():
    """A class needs no unit, and gets none in its document; a number keeps the word for none."""
    targets = [case.instance["target"] for case in cases("feature-set.v2") if case.valid]
    for target in targets:
        document = {**HOUSE, "contract": "feature-set.v2", "target": target}
        assert FeatureSet.from_json(document).to_json()["target"].keys() >= target.keys() - {"unit", "kind"}
    late = next(target for target in targets if "classes" in target and "unit" not in target)
    document = FeatureSet.from_json({**HOUSE, "contract": "feature-set.v2", "target": late}).to_json()
    assert document["target"] == late
    number = {**HOUSE["target"], "unit": "none"}
    assert FeatureSet.from_json({**HOUSE, "target": number}).to_json()["target"] == number


@pytest.mark.parametrize("case", VALID, ids=str)
def test_kinds_round_trip(case):
    """Every kind of feature comes back from its JSON, with the same hash."""
    one = FeatureSet.from_json(case.instance)
    assert FeatureSet.from_json(one.to_json()) == one
    assert hash(FeatureSet.from_json(one.to_json())) == hash(one)


def test_diabetes_columns():
    """The diabetes feature set has the columns and ranges of the published data."""
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_diabetes(scaled=False)
    one = feature_set("diabetes")
    assert list(one.names) == list(data.feature_names)
    for feature, column in zip(one.features, data.data.T, strict=True):
        assert feature.usual == (column.min(), column.max()) or feature.name in ("bmi", "bp")
    validator = RequestValidator(one)
    for row in data.data.tolist():
        assert validator.row({"features": dict(zip(one.names, row, strict=True))}) == tuple(row)


def test_third_model(third):
    """A third model is a file in a folder."""
    assert feature_set_names(third) == ["diabetes", "flat-rent", "flight-delay", "house-price"]
    flat = feature_set("flat-rent", third)
    assert flat.names == ("bedrooms", "bathrooms")
    assert RequestValidator(flat).row({"features": {"bedrooms": 2, "bathrooms": 1}}) == (2.0, 1.0)
    assert feature_set("house-price", third) == feature_set("house-price")


def test_folder_first(third):
    """A folder's feature set replaces the one that ships."""
    (third / "house-price.json").write_text(json.dumps({**HOUSE, "version": "2.0.0"}), "utf-8")
    assert feature_set("house-price", third).version == "2.0.0"


def test_unknown_feature_set():
    """An unknown feature set is refused with the names that there are."""
    with pytest.raises(UnknownName, match="'car-price'; there is diabetes, flight-delay, house-price"):
        feature_set("car-price")


def test_misnamed_file(third):
    """A file that holds another feature set's name is refused."""
    (third / "flat-rent.json").rename(third / "flat.json")
    with pytest.raises(ContractError, match=r"flat.json: .* const at /name"):
        feature_set("flat", third)


def test_broken_file(tmp_path):
    """A broken file is named, with the place and the rule."""
    path = tmp_path / "x.json"
    path.write_text("{", "utf-8")
    with pytest.raises(ContractError, match=r"x.json: .* json at the top"):
        FeatureSet.load(path)


def test_missing_file(tmp_path):
    """A file that does not exist raises FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        FeatureSet.load(tmp_path / "absent.json")


def test_feature_by_name():
    """A feature is reached by its name, and an unknown name is refused with the choices."""
    assert feature_set("house-price")["sqft"].unit == "square feet"
    assert feature_set("house-price")["sqft"].numeric
    with pytest.raises(UnknownName, match="'size'; there is bedrooms"):
        feature_set("house-price")["size"]


def test_frozen_values():
    """The fields of a value can be neither set nor deleted."""
    feature = feature_set("house-price")["sqft"]
    with pytest.raises(AttributeError, match=r"set: .* frozen"):
        feature.unit = "acres"
    with pytest.raises(AttributeError, match=r"deleted: .* frozen"):
        del feature.unit


def test_equality():
    """Values are equal by their type and fields."""

    class Other(Record):
        pointer: str
        rule: str
        expected: str

    assert Violation("", "type", "a number") == Violation("", "type", expected="a number")
    assert Violation("", "type", "a number") != Other("", "type", "a number")
    assert repr(Violation("/a", "type", "x")) == "Violation(pointer='/a', rule='type', expected='x')"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((1, 2, 3, 4), {}),
        (("",), {"pointer": ""}),
        ((), {"pointer": "", "rule": "", "expected": "", "extra": 1}),
    ],
    ids=["too many", "one twice", "an unknown one"],
)
def test_fields_once(values, named):
    """A value takes each field once, by place or by name."""
    with pytest.raises(TypeError, match=r"Violation .*pointer, rule, expected"):
        Violation(*values, **named)


def test_required_fields():
    """A value needs the fields that have no default."""
    with pytest.raises(TypeError, match="Feature needs type"):
        Feature("age")


@pytest.mark.parametrize(
    "error",
    [
        NotJson("expected this", 3),
        ContractError("problem.v1", [Violation("", "type", "an object")], "file.json"),
        UnknownName("model", "x", ["y"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_pickle(error):
    """Errors survive pickling."""
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    assert isinstance(error, DriftError)


def test_five_violations():
    """An error shows five violations and counts the others."""
    error = ContractError("problem.v1", [Violation(f"/{i}", "type", "null") for i in range(7)])
    assert str(error).count("expected null") == 5
    assert str(error).endswith("; and 2 more")


def test_no_choices():
    """An unknown name says so where there is nothing to choose from."""
    assert str(UnknownName("model", "x", [])) == "there is no model 'x'; there is none"


def test_integer_below_a_bound():
    """An integer has room between a bound and the whole number before an excluded one."""
    feature = {"name": "rooms", "type": "integer", "unit": "rooms", "description": "Rooms.", "example": 3}
    document = {**HOUSE, "features": [{**feature, "minimum": 3, "exclusive_maximum": 4}]}
    assert FeatureSet.from_json(document).features[0].exclusive_maximum == 4


def documented(features, levels):
    """Return the document of so many features, the first with so many levels."""
    number = {"type": "number", "unit": "none", "example": 0.5, "description": "A number."}
    names = [f"level {place}" for place in range(levels)]
    first = {"type": "category", "unit": "none", "example": names[0], "categories": names, "description": "Levels."}
    return {
        "contract": "feature-set.v2", "name": "wide", "version": "1.0.0", "description": "Wide.",
        "target": {"name": "y", "unit": "points", "description": "A number."},
        "features": [{"name": "n0", **first}, *({"name": f"n{place}", **number} for place in range(1, features))],
    }  # fmt: skip


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("features", "levels", "version"), [(90, 1000, 1), (91, 1, 2), (1, 1001, 2), (2000, 10_000, 2)]
)
def test_wide_feature_sets(features, levels, version):
    """Up to 2,000 features and 10,000 levels are read, in the first version that holds them."""
    read = FeatureSet.from_json(documented(features, levels))
    document = read.to_json()
    assert document["contract"] == f"feature-set.v{version}"
    assert FeatureSet.from_json(document) == read


@pytest.mark.parametrize(
    ("features", "levels", "place"), [(2001, 1, "/features"), (1, 10_001, "/features/0/categories")]
)
def test_too_wide(features, levels, place):
    """More features or levels are refused at their place."""
    with pytest.raises(ContractError) as caught:
        FeatureSet.from_json(documented(features, levels))
    assert [(broken.pointer, broken.rule) for broken in caught.value.violations] == [(place, "maxItems")]
