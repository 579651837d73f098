"""The cases are data: both judges give each the verdict, the places and the rules that it states."""

import pytest
from drift_contracts import (
    ContractError,
    FeatureSet,
    MonitoringSpec,
    RequestValidator,
    UnknownName,
    feature_set,
    schemas,
)
from drift_contracts.baseline_rules import SMALLEST, broken_baseline, broken_figures

from tools.contract_checks.cases import case_names, cases, changed
from tools.contract_checks.checks import broken_pairs

EVERY = [case for name in case_names() for case in cases(name)]
TYPED = {
    "feature-set.v1": FeatureSet.from_json,
    "feature-set.v2": FeatureSet.from_json,
    "monitoring.spec.v1": MonitoringSpec.from_json,
    "monitoring.spec.v2": MonitoringSpec.from_json,
}
HOUSES = RequestValidator(feature_set("house-price"))


@pytest.mark.no_cover
@pytest.mark.parametrize("case", EVERY, ids=str)
def test_case_breaks(case):
    """Each case breaks exactly the rules that it lists."""
    assert broken_pairs(case.contract, case.instance) == case.breaks


@pytest.mark.parametrize("case", [case for case in EVERY if case.contract in TYPED], ids=str)
def test_typed_reader(case):
    """Reading a document as a typed value accepts and refuses the same cases."""
    assert broken_by(TYPED[case.contract], case.instance) == case.breaks


@pytest.mark.parametrize("case", cases("prediction.request.v1"), ids=str)
def test_request_validator(case):
    """The request validator accepts and refuses the same cases."""
    assert broken_by(HOUSES.row, case.instance) == case.breaks


@pytest.mark.parametrize("case", cases("prediction.batch.request.v1"), ids=str)
def test_batch_frame(case):
    """The validator of a batch's frame accepts and refuses the same cases."""
    assert broken_by(HOUSES.instances, case.instance) == case.breaks


def broken_by(read, instance):
    try:
        read(instance)
    except ContractError as error:
        return {(violation.pointer, violation.rule) for violation in error.violations}
    return set()


def test_contracts_have_cases():
    """Every contract has valid and invalid cases."""
    assert set(case_names()) == set(schemas.names())
    for name in case_names():
        assert {case.valid for case in cases(name)} == {True, False}, name


def test_descriptions_are_unique():
    """No two cases have the same description, which is their test id."""
    assert len({str(case) for case in EVERY}) == len(EVERY)


def test_unknown_contract():
    """A contract without cases is refused with the names that there are."""
    with pytest.raises(UnknownName, match=r"'none\.v1'; there is alert\.v1"):
        cases("none.v1")


def test_no_sources(tmp_path):
    """An installed package without its sources has no cases."""
    assert case_names(tmp_path / "absent") == []


def test_change_at_top():
    """A change at the top replaces the whole document."""
    assert changed({"a": 1}, {"": [2]}, []) == [2]


def test_pointers_are_unescaped():
    """Escaped characters of a JSON pointer are unescaped."""
    assert changed({"a/b": {"~": 1}}, {"/a~1b/~0": 2}, []) == {"a/b": {"~": 2}}


@pytest.mark.parametrize(
    ("figures", "rules"),
    [
        ({}, set()),
        ({"mean": 0.0, "std": 1.7e308, "min": -1.7e308, "max": 1.7e308}, set()),
        ({"mean": None, "std": None, "min": None, "max": None}, set()),
        ({"mean": None}, {"figures"}),
        ({"mean": 1e9}, {"order"}),
        ({"std": 1e9}, {"spread"}),
        ({"std": 0.0}, {"spread"}),
        ({"count": 4, "mean": 0.0, "std": 1.0, "min": -0.5, "max": 1.5}, set()),
        ({"count": 4, "mean": 0.0, "std": 1.0, "min": -0.5, "max": 1.51}, {"spread"}),
        ({"count": 0, "mean": 5.0, "std": 1.0, "min": 4.0, "max": 6.0}, {"spread"}),
        ({"mean": 1e12 + 1, "std": 0.0, "min": 1e12, "max": 1e12}, set()),
        ({"mean": SMALLEST, "std": 0.0, "min": 0.0, "max": 0.0}, set()),
        ({"mean": -SMALLEST, "std": 0.0, "min": 0.0, "max": 0.0}, set()),
    ],
    ids=[
        "as it is",
        "as wide as floats",
        "no numbers",
        "one missing",
        "beyond max",
        "too wide",
        "too narrow",
        "one value far from three equal ones",
        "further than any value can be",
        "numbers of no value",
        "a rounded mean",
        "a mean above by what rounding may do",
        "a mean below by what rounding may do",
    ],
)
def test_baseline_figures(figures, rules):
    """A column with a baseline's figures can exist, or the broken rule is reported at its place."""
    case = next(case for case in cases("baseline.v1") if case.valid)
    name = next(iter(case.instance["features"]))
    change = {f"/features/{name}/{member}": value for member, value in figures.items()}
    document = changed(case.instance, change, [])
    for broken in (broken_figures(document), broken_baseline(document)):
        assert {violation.rule for violation in broken} == rules
        assert all(violation.pointer.startswith(f"/features/{name}") for violation in broken)


def test_baseline_importances():
    """Importances are of features; another name is reported once, at its place."""
    case = next(case for case in cases("baseline.v2") if case.valid)
    figure = {"value": 0.1, "low": 0.0, "high": 0.2}
    document = {**case.instance, "importances": {"bedrooms": figure, "height": figure, "width": figure}}
    for broken in (broken_figures(document), broken_baseline(document)):
        assert [(violation.pointer, violation.rule) for violation in broken] == [("/importances", "enum")]


@pytest.mark.parametrize(
    ("names", "counts", "place", "rule"),
    [
        (["garden", "sqft"], [18, 22], "/concordance/names", "enum"),
        (["bedrooms", "sqft"], [18, 22, 3], "/concordance/counts", "size"),
        (["bedrooms", "sqft"], [18, 22], None, None),
    ],
    ids=["of no feature", "a count too many", "as it should be"],
)
def test_pairs_on_one_side(names, counts, place, rule):
    """Pairs are of features, and each has two counts."""
    case = next(case for case in cases("baseline.v2") if case.valid)
    document = changed(case.instance, {"/concordance": {"names": names, "counts": counts}}, [])
    broken = [(violation.pointer, violation.rule) for violation in broken_baseline(document)]
    assert broken == ([(place, rule)] if rule else [])


def test_correlation_of_another_size():
    """A square matrix that is larger than its list of names is refused."""
    case = next(case for case in cases("baseline.v1") if case.valid)
    names = list(case.instance["features"])[:2]
    row = [1.0, 0.0, 0.0]
    document = changed(case.instance, {"/correlation": {"names": names, "matrix": [row] * 3}}, [])
    broken = {(violation.pointer, violation.rule) for violation in broken_baseline(document)}
    assert ("/correlation/matrix", "size") in broken


@pytest.mark.parametrize(
    ("change", "place", "rule"),
    [
        ({"/channels/0/of": ["height"]}, "/channels/0/of", "enum"),
        ({"/channels/1/name": None}, "/channels/1/name", "unique"),
    ],
    ids=["of no feature", "named twice"],
)
def test_broken_channels(change, place, rule):
    """A channel is of features and has a name of its own."""
    case = next(case for case in cases("baseline.v1") if case.valid and len(case.instance.get("channels", ())) > 1)
    name = case.instance["channels"][0]["name"]
    document = changed(case.instance, {key: value or name for key, value in change.items()}, [])
    assert (place, rule) in {(violation.pointer, violation.rule) for violation in broken_baseline(document)}
