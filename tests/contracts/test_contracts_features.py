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
def test_a_feature_set_comes_back_from_its_json(name):
    one = feature_set(name)
    assert FeatureSet.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert one.name == name


VALID = [case for name in ("feature-set.v1", "feature-set.v2") for case in cases(name) if case.valid]


@pytest.mark.parametrize("case", VALID, ids=str)
def test_every_kind_of_feature_comes_back_from_its_json(case):
    one = FeatureSet.from_json(case.instance)
    assert FeatureSet.from_json(one.to_json()) == one
    assert hash(FeatureSet.from_json(one.to_json())) == hash(one)


def test_the_diabetes_feature_set_names_the_columns_of_the_published_data():
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_diabetes(scaled=False)
    one = feature_set("diabetes")
    assert list(one.names) == list(data.feature_names)
    for feature, column in zip(one.features, data.data.T, strict=True):
        assert feature.usual == (column.min(), column.max()) or feature.name in ("bmi", "bp")
    validator = RequestValidator(one)
    for row in data.data.tolist():
        assert validator.row({"features": dict(zip(one.names, row, strict=True))}) == tuple(row)


def test_a_third_model_is_a_file_in_a_folder(third):
    assert feature_set_names(third) == ["diabetes", "flat-rent", "house-price"]
    flat = feature_set("flat-rent", third)
    assert flat.names == ("bedrooms", "bathrooms")
    assert RequestValidator(flat).row({"features": {"bedrooms": 2, "bathrooms": 1}}) == (2.0, 1.0)
    assert feature_set("house-price", third) == feature_set("house-price")


def test_a_folder_comes_before_what_ships(third):
    (third / "house-price.json").write_text(json.dumps({**HOUSE, "version": "2.0.0"}), "utf-8")
    assert feature_set("house-price", third).version == "2.0.0"


def test_an_unknown_feature_set_is_named_with_the_choices():
    with pytest.raises(UnknownName, match="no feature set 'car-price'; there is diabetes, house-price"):
        feature_set("car-price")


def test_a_file_that_holds_another_name_is_refused(third):
    (third / "flat-rent.json").rename(third / "flat.json")
    with pytest.raises(ContractError, match=r"flat.json: feature-set.v1: const at /name: expected \"flat\""):
        feature_set("flat", third)


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("{", "utf-8")
    with pytest.raises(ContractError, match=r"x.json: feature-set.v1: json at the top: expected valid JSON"):
        FeatureSet.load(path)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        FeatureSet.load(tmp_path / "absent.json")


def test_a_feature_is_found_by_its_name():
    assert feature_set("house-price")["sqft"].unit == "square feet"
    assert feature_set("house-price")["sqft"].numeric
    with pytest.raises(UnknownName, match="no feature 'size'; there is bedrooms"):
        feature_set("house-price")["size"]


def test_values_are_frozen():
    feature = feature_set("house-price")["sqft"]
    with pytest.raises(AttributeError, match="cannot be set: the value is frozen"):
        feature.unit = "acres"
    with pytest.raises(AttributeError, match="cannot be deleted: the value is frozen"):
        del feature.unit


def test_values_are_equal_by_their_fields_and_type():
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
def test_a_value_takes_each_field_once(values, named):
    with pytest.raises(TypeError, match="Violation takes pointer, rule, expected, each once"):
        Violation(*values, **named)


def test_a_value_needs_the_fields_without_a_default():
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
def test_errors_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    assert isinstance(error, DriftError)


def test_an_error_shows_five_violations_and_counts_the_rest():
    error = ContractError("problem.v1", [Violation(f"/{i}", "type", "null") for i in range(7)])
    assert str(error).count("expected null") == 5
    assert str(error).endswith("; and 2 more")


def test_an_unknown_name_among_nothing_says_so():
    assert str(UnknownName("model", "x", [])) == "there is no model 'x'; there is none"
