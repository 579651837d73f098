"""What a feature set must hold beyond its schema: unique names, bounds that leave room."""

from __future__ import annotations

from math import ceil, floor, inf

from drift_contracts.errors import Violation
from drift_contracts.keywords import violations
from drift_contracts.value_schema import value_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift_contracts.types import (
        FeatureSetV2,
        FeatureSetV2Feature,
        FeatureSetV2Output,
        FeatureSetV2Segment,
        FeatureSetV2Target,
    )

    Named = FeatureSetV2Feature | FeatureSetV2Output

NUMBERS = ("number", "integer")
NUMERIC_ONLY = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "usual")
CATEGORY_ONLY = ("categories", "other")
CLASSES_ONLY = ("classes", "positive", "threshold")
#: Members of a target that mean something where there are two classes.
PAIR_ONLY = ("positive", "threshold")
PAIR = 2


def broken_rules(document: FeatureSetV2) -> Iterator[Violation]:
    """Yield every rule that a document breaks which already follows the feature set's schema.

    Args:
        document: A feature set of version 2, or of version 1, which only lacks its columns.
    """
    target = document["target"]
    yield from _target(target)
    names = {target["name"]}
    columns = {target.get("column", target["name"])}
    outputs = target.get("outputs", [])
    if outputs:
        # the target is then no column itself, but the outputs together
        columns.clear()
    for index, output in enumerate(outputs):
        yield from _repeated(output, names, columns, f"/target/outputs/{index}")
        names.add(output["name"])
        columns.add(output.get("column", output["name"]))
    for index, feature in enumerate(document["features"]):
        pointer = f"/features/{index}"
        yield from _repeated(feature, names, columns, pointer)
        names.add(feature["name"])
        columns.add(feature.get("column", feature["name"]))
        broken = [*_misplaced(feature, pointer), *_bounds(feature, pointer)]
        yield from broken
        # an example cannot be judged by bounds that are wrong themselves
        if not broken:
            schema = value_schema(feature)
            yield from violations(schema, feature["example"], f"{pointer}/example")
    yield from _segments(document)
    yield from _sources(document)


def _segments(document: FeatureSetV2) -> Iterator[Violation]:
    """Find what cuts the traffic by no feature, by one feature twice, or by bins that are none."""
    types = {feature["name"]: feature["type"] for feature in document["features"]}
    cut_by: set[str] = set()
    for index, segment in enumerate(document.get("segments", [])):
        pointer, name = f"/segments/{index}", segment["feature"]
        if name not in types:
            yield Violation(f"{pointer}/feature", "enum", f"one of {', '.join(types)}")
        elif name in cut_by:
            yield Violation(f"{pointer}/feature", "unique", "a feature that no other entry cuts by")
        else:
            yield from _cuts(segment, pointer, is_number=types[name] in NUMBERS)
        cut_by.add(name)


def _cuts(segment: FeatureSetV2Segment, pointer: str, *, is_number: bool) -> Iterator[Violation]:
    """Find cuts of what is no number, a number without cuts, and cuts that do not ascend."""
    cuts = segment.get("cuts")
    if not is_number:
        if cuts is not None:
            expected = "to be set for numbers and integers only"
            yield Violation(f"{pointer}/cuts", "belongs", expected)
    elif cuts is None:
        expected = "the member cuts, because the feature is a number"
        yield Violation(pointer, "required", expected)
    elif cuts != sorted(set(cuts)):
        yield Violation(f"{pointer}/cuts", "order", "numbers in ascending order, each once")


def _sources(document: FeatureSetV2) -> Iterator[Violation]:
    """Find a session or a caller that is named by a feature which does not exist."""
    names = [feature["name"] for feature in document["features"]]
    sources = {"session": document.get("session"), "caller": document.get("caller")}
    for member, source in sources.items():
        if source is not None and source.get("feature", names[0]) not in names:
            expected = "the name of one of the features"
            yield Violation(f"/{member}/feature", "enum", expected)


def _target(target: FeatureSetV2Target) -> Iterator[Violation]:
    """Find members that do not fit what is predicted: a number, several, or a class."""
    if target.get("kind") == "classification":
        yield from _classes(target)
        return
    for name in CLASSES_ONLY:
        if name in target:
            expected = 'to be set where the kind is "classification" only'
            yield Violation(f"/target/{name}", "belongs", expected)
    if "outputs" not in target and "unit" not in target:
        expected = "the member unit, because a number is predicted"
        yield Violation("/target", "required", expected)
    if "outputs" in target and "column" in target:
        expected = "to be set on each output, not on the target"
        yield Violation("/target/column", "belongs", expected)


def _classes(target: FeatureSetV2Target) -> Iterator[Violation]:
    """Find what a target lacks that is a class, and what fits no class or not so many."""
    if "outputs" in target:
        yield Violation("/target/outputs", "belongs", "to be set where numbers are predicted only")
    if "classes" not in target:
        expected = 'the member classes, because the kind is "classification"'
        yield Violation("/target", "required", expected)
        return
    classes = target["classes"]
    for name in PAIR_ONLY:
        if name in target and len(classes) != PAIR:
            expected = "to be set where there are two classes only"
            yield Violation(f"/target/{name}", "belongs", expected)
    if len(classes) == PAIR and target.get("positive", classes[-1]) not in classes:
        yield Violation("/target/positive", "enum", "one of the classes")


def _repeated(
    feature: Named, names: set[str], columns: set[str], pointer: str
) -> Iterator[Violation]:
    """Find a name or a column that an earlier feature or output or the target has."""
    repeated = feature["name"] in names
    if repeated:
        expected = "a name that no other feature and not the target has"
        yield Violation(f"{pointer}/name", "unique", expected)
    column = feature.get("column", feature["name"])
    # a feature without a column of its own would be reported twice for one repeated name
    if column in columns and not (repeated and "column" not in feature):
        member = "column" if "column" in feature else "name"
        expected = "a column that no other feature and not the target has"
        yield Violation(f"{pointer}/{member}", "unique", expected)


def _misplaced(feature: FeatureSetV2Feature, pointer: str) -> Iterator[Violation]:
    """Find members that mean nothing for the feature's type, and one that a category lacks."""
    if feature["type"] not in NUMBERS:
        for name in NUMERIC_ONLY:
            if name in feature:
                expected = "to be set for numbers and integers only"
                yield Violation(f"{pointer}/{name}", "belongs", expected)
    if feature["type"] != "category":
        for name in CATEGORY_ONLY:
            if name in feature:
                yield Violation(f"{pointer}/{name}", "belongs", "to be set for categories only")
    elif "categories" not in feature:
        expected = "the member categories, because the type is category"
        yield Violation(pointer, "required", expected)


def _bounds(feature: FeatureSetV2Feature, pointer: str) -> Iterator[Violation]:
    """Find bounds that exclude each other, and usual values that they exclude."""
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive_{bound}"
        if bound in feature and exclusive in feature:
            expected = f"no second bound beside {bound}"
            yield Violation(f"{pointer}/{exclusive}", "once", expected)
    if not _leaves_room(feature):
        yield Violation(pointer, "bounds", "bounds that leave at least one value possible")
    elif "usual" in feature:
        yield from _usual(feature, pointer)


def _usual(feature: FeatureSetV2Feature, pointer: str) -> Iterator[Violation]:
    """Find usual values that are out of order or out of bounds."""
    low, high = feature["usual"]
    if low > high:
        expected = "the lowest usual value before the highest"
        yield Violation(f"{pointer}/usual", "order", expected)
    # quantiles of integers may be fractions, and null is no usual value
    schema = value_schema({**feature, "type": "number", "nullable": False})
    for index, value in enumerate(feature["usual"]):
        yield from violations(schema, value, f"{pointer}/usual/{index}")


def _leaves_room(feature: FeatureSetV2Feature) -> bool:
    """Return whether a number can keep the bounds."""
    low = max(feature.get("minimum", -inf), feature.get("exclusive_minimum", -inf))
    high = min(feature.get("maximum", inf), feature.get("exclusive_maximum", inf))
    if inf in (-low, high):
        return True
    open_low = low == feature.get("exclusive_minimum")
    open_high = high == feature.get("exclusive_maximum")
    if feature["type"] == "number":
        return low < high or (low == high and not open_low and not open_high)
    # for integers, the room is what lies between the first and the last one
    first = floor(low) + 1 if open_low else ceil(low)
    last = ceil(high) - 1 if open_high else floor(high)
    return first <= last
