"""Feature sets: what a model is told about each instance, and which values are impossible or only unusual."""

from __future__ import annotations

from drift_contracts import documents
from drift_contracts.errors import ContractError, NotJson, UnknownName, Violation
from drift_contracts.feature_rules import broken_rules
from drift_contracts.keywords import violations
from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any, Literal

CONTRACT = "feature-set.v1"
WITH_COLUMNS = "feature-set.v2"
"""The version in which features and the target may name their columns."""


class Target(Record):
    """What a model predicts. column: its name in files, where that is another."""

    name: str
    unit: str
    description: str
    column: str | None = None


class Feature(Record):
    """One feature. Outside the bounds is impossible: rejected. Outside `usual`: answered, and drift.

    column: its name in files, where that is another.
    """

    name: str
    type: Literal["number", "integer", "boolean", "category"]
    unit: str
    description: str
    example: float | bool | str | None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    usual: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()
    other: bool = False
    nullable: bool = False
    column: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers, with bounds and moments."""
        return self.type in ("number", "integer")


class FeatureSet(Record):
    """The features of one model, in the order in which it takes them."""

    name: str
    version: str
    description: str
    target: Target
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        return tuple(feature.name for feature in self.features)

    def __getitem__(self, name: str) -> Feature:
        """The feature of that name. Raises UnknownName."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise UnknownName("feature", name, self.names)

    @property
    def example(self) -> dict[str, float | bool | str | None]:
        """An ordinary instance: every feature's example."""
        return {feature.name: feature.example for feature in self.features}

    @classmethod
    def from_json(cls, document: Any, source: str | None = None) -> FeatureSet:
        """The feature set in a document. Raises ContractError, naming `source`, with every violation."""
        contract = contract_of(document)
        found = list(violations(documents.schema(contract), document)) or list(broken_rules(document))
        if found:
            raise ContractError(contract, found, source)
        return cls(
            name=document["name"],
            version=document["version"],
            description=document["description"],
            target=Target(**document["target"]),
            features=tuple(_feature(item) for item in document["features"]),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FeatureSet:
        """The feature set in a file. Raises OSError, or ContractError naming the file."""
        try:
            document = documents.read(path)
        except NotJson as error:
            raise ContractError(
                CONTRACT, [Violation("", "json", str(error).removeprefix("expected "))], str(path)
            ) from error
        return cls.from_json(document, str(path))

    def to_json(self) -> dict[str, Any]:
        """The document that `from_json` reads back as an equal feature set."""
        columns = [self.target.column, *(feature.column for feature in self.features)]
        named = columns != [None] * len(columns)
        return {
            "contract": WITH_COLUMNS if named else CONTRACT,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "target": {name: value for name, value in vars(self.target).items() if value is not None},
            "features": [_members(feature) for feature in self.features],
        }


def feature_set(name: str, folder: str | os.PathLike[str] | None = None) -> FeatureSet:
    """A feature set by its name: from `folder` if given and it has one, else of those that ship.

    Raises UnknownName with the choices, or ContractError.

    >>> feature_set("house-price").names
    ('bedrooms', 'bathrooms', 'sqft', 'age', 'location_score')
    """
    path = documents.find("feature set", name, *_folders(folder))
    found = FeatureSet.load(path)
    if found.name != name:
        raise ContractError(CONTRACT, [Violation("/name", "const", f'"{name}", the name of its file')], path)
    return found


def feature_set_names(folder: str | os.PathLike[str] | None = None) -> list[str]:
    """The names of the feature sets that ship, and of those in `folder`.

    >>> feature_set_names()
    ['diabetes', 'house-price']
    """
    return documents.names(*_folders(folder))


def contract_of(document: Any) -> str:
    """Return the contract that a feature set follows: the one with columns if it says so, else the first."""
    named = isinstance(document, dict) and document.get("contract") == WITH_COLUMNS
    return WITH_COLUMNS if named else CONTRACT


def _folders(folder: str | os.PathLike[str] | None) -> list[str | os.PathLike[str]]:
    shipped = documents.folder("feature_sets")
    return [shipped] if folder is None else [folder, shipped]


def _feature(item: dict[str, Any]) -> Feature:
    facts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}
    return Feature(**facts)


def _members(feature: Feature) -> dict[str, Any]:
    chosen = {name: value for name, value in vars(feature).items() if value != getattr(Feature, name, ...)}
    chosen["example"] = feature.example
    return {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items()}
