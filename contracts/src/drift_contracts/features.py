"""Feature sets: the inputs of a model, and which of their values are impossible or unusual."""

from __future__ import annotations

from drift_contracts import documents
from drift_contracts.errors import ContractError, NotJson, UnknownName, Violation
from drift_contracts.feature_rules import broken_rules
from drift_contracts.keywords import violations
from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from drift_contracts.documents import Path
    from drift_contracts.json_types import JsonObject
    from drift_contracts.types import (
        FeatureSetV2,
        FeatureSetV2Feature,
        FeatureSetV2Segment,
        FeatureSetV2Source,
        FeatureSetV2Target,
    )

CONTRACT = "feature-set.v1"
#: The version in which columns may have names of their own, and a target classes or outputs.
SECOND = "feature-set.v2"
#: What the first version holds; the second holds 2,000 and 10,000.
FIRST_FEATURES, FIRST_CATEGORIES = 90, 1000
#: The unit of what has none.
NO_UNIT = "none"
REGRESSION = "regression"
CLASSIFICATION = "classification"


class Output(Record):
    """One of the numbers that a model of several outputs predicts."""

    name: str
    unit: str
    description: str
    #: its name in files, where that is another
    column: str | None = None


class Target(Record):
    """What a model predicts: a number, several numbers, or a class."""

    name: str
    #: `NO_UNIT` of classes, and of several outputs, which have their own
    unit: str
    description: str
    #: its name in files, where that is another
    column: str | None = None
    kind: Literal["regression", "classification"] = "regression"
    #: in the model's order; files are compared as text
    classes: tuple[str, ...] = ()
    #: the one of two classes whose probability is the prediction; the last where it is None
    positive: str | None = None
    #: the probability from which on the label is the positive class; None for the library's rule
    threshold: float | None = None
    #: in the model's order
    outputs: tuple[Output, ...] = ()

    @property
    def is_class(self) -> bool:
        """Return whether a class is predicted."""
        return self.kind == CLASSIFICATION

    @property
    def is_number(self) -> bool:
        """Return whether one number is predicted, which the first versions of contracts hold."""
        return not self.is_class and not self.outputs

    @property
    def answers_version(self) -> int:
        """Return the version of the contracts of responses, batch responses and events."""
        return 1 if self.is_number else 2

    @property
    def positive_class(self) -> str | None:
        """Return the one of two classes whose probability is the prediction, else None."""
        if len(self.classes) != 2:  # noqa: PLR2004 - two classes are what `positive` is about
            return None
        return self.classes[-1] if self.positive is None else self.positive

    @property
    def output_names(self) -> tuple[str, ...]:
        """Return the names of several outputs, in the model's order; none of a single one."""
        return tuple(output.name for output in self.outputs)


class Feature(Record):
    """One feature. Outside of the bounds is impossible: refused. Outside of `usual`: drift."""

    name: str
    type: Literal["number", "integer", "boolean", "category"]
    unit: str
    description: str
    #: an ordinary value
    example: float | bool | str | None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    #: the lowest and the highest value that is not surprising
    usual: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()
    #: whether categories beside those are answered too
    other: bool = False
    nullable: bool = False
    #: its name in files, where that is another
    column: str | None = None

    @property
    def numeric(self) -> bool:
        """Return whether the values are numbers, with bounds, mean and standard deviation."""
        return self.type in ("number", "integer")


class Cut(Record):
    """A feature by which the traffic is cut into segments that are watched on their own."""

    feature: str
    #: where the bins of a number meet, in ascending order; none of a category or a boolean
    cuts: tuple[float, ...] = ()


class Source(Record):
    """Where a request names its session or its caller: exactly one of these places."""

    #: of the HTTP request, in small letters
    header: str | None = None
    #: its name
    feature: str | None = None
    #: a JSON pointer into the request context of the gateway in front
    context: str | None = None

    def __str__(self) -> str:
        """Return the place in words, such as `the header x-session-id`."""
        if self.header is not None:
            return f"the header {self.header}"
        if self.feature is not None:
            return f"the feature {self.feature}"
        return f"{self.context} of the request context"


class FeatureSet(Record):
    """The features of one model, in the order in which it takes them."""

    name: str
    version: str
    description: str
    target: Target
    features: tuple[Feature, ...]
    #: by what the traffic is cut into segments; nothing where it is watched as a whole alone
    segments: tuple[Cut, ...] = ()
    #: what tells requests of one session, None where nothing does
    session: Source | None = None
    #: what tells requests of one caller, None where nothing does
    caller: Source | None = None

    @property
    def sources(self) -> dict[Literal["session", "caller"], Source]:
        """Return the places of session and caller, without those that are not named."""
        sources: dict[Literal["session", "caller"], Source] = {}
        if self.session is not None:
            sources["session"] = self.session
        if self.caller is not None:
            sources["caller"] = self.caller
        return sources

    @property
    def names(self) -> tuple[str, ...]:
        """Return the features' names, in order."""
        return tuple(feature.name for feature in self.features)

    def __getitem__(self, name: str) -> Feature:
        """Return the feature of that name. Raises UnknownName."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise UnknownName("feature", name, self.names)

    @property
    def example(self) -> dict[str, float | bool | str | None]:
        """Return an ordinary instance: every feature's example."""
        return {feature.name: feature.example for feature in self.features}

    # Any: whatever has been parsed, or a document of either version, which have no common type
    @classmethod
    def from_json(cls, document: Any, source: str | None = None) -> FeatureSet:
        """Return the feature set in a document.

        Args:
            document: A parsed feature set of version 1 or 2.
            source: Where it is from, for the message.

        Raises:
            ContractError: The document breaks its contract; every violation is named.
        """
        contract = contract_of(document)
        broken = list(violations(documents.schema(contract), document))
        # the rules read members that a document which breaks the schema may not have
        broken = broken or list(broken_rules(document))
        if broken:
            raise ContractError(contract, broken, source)
        checked: FeatureSetV2 = document
        return cls(
            name=checked["name"],
            version=checked["version"],
            description=checked["description"],
            target=_target(checked["target"]),
            features=tuple(map(_feature, checked["features"])),
            segments=tuple(map(_cut, checked.get("segments", ()))),
            session=_source(checked.get("session")),
            caller=_source(checked.get("caller")),
        )

    @classmethod
    def load(cls, path: Path) -> FeatureSet:
        """Return the feature set in a file. Raises OSError, or ContractError naming the file."""
        try:
            document = documents.read(path)
        except NotJson as error:
            expected = str(error).removeprefix("expected ")
            violation = Violation("", "json", expected)
            raise ContractError(CONTRACT, [violation], str(path)) from error
        return cls.from_json(document, str(path))

    def to_json(self) -> JsonObject:
        """Return the document that `from_json` reads back as an equal feature set."""
        target = _target_members(self.target)
        # the first version, which everybody reads, unless something needs the second
        needs_second = target.keys() != {"name", "unit", "description"}
        needs_second |= len(self.features) > FIRST_FEATURES
        needs_second |= any(map(_needs_second, self.features)) or bool(self.segments)
        sources: JsonObject = {}
        for name, source in self.sources.items():
            sources[name] = _members(source)
        needs_second |= bool(sources)
        document: JsonObject = {
            "contract": SECOND if needs_second else CONTRACT,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "target": target,
            "features": [_members(feature) for feature in self.features],
            **sources,
        }
        if self.segments:
            document["segments"] = [_members(cut) for cut in self.segments]
        return document


def feature_set(name: str, folder: Path | None = None) -> FeatureSet:
    """Return a feature set by its name.

    Args:
        name: Such as `house-price`.
        folder: Where NAME.json is looked for first; those that ship are looked at next.

    Raises:
        UnknownName: There is none; the message has the choices.
        ContractError: It breaks its contract, or has another name than its file.

    >>> feature_set("house-price").names
    ('bedrooms', 'bathrooms', 'sqft', 'age', 'location_score')
    """
    path = documents.find("feature set", name, *_folders(folder))
    loaded = FeatureSet.load(path)
    if loaded.name != name:
        violation = Violation("/name", "const", f'"{name}", the name of its file')
        raise ContractError(CONTRACT, [violation], path)
    return loaded


def feature_set_names(folder: Path | None = None) -> list[str]:
    """Return the names of the feature sets that ship, and of those in `folder`.

    >>> feature_set_names()
    ['diabetes', 'flight-delay', 'house-price']
    """
    return documents.names(*_folders(folder))


def contract_of(document: object) -> str:
    """Return the contract that a feature set follows: the one that it names, else the first."""
    named = isinstance(document, dict) and document.get("contract") == SECOND
    return SECOND if named else CONTRACT


def _folders(folder: Path | None) -> list[Path]:
    shipped = documents.folder("feature_sets")
    return [shipped] if folder is None else [folder, shipped]


def _feature(document: FeatureSetV2Feature) -> Feature:
    """Return the feature in a document; lists become tuples, which are frozen."""
    lists: dict[str, Any] = {}  # as the fields have it
    for member in ("usual", "categories"):
        if member in document:
            lists[member] = tuple(document[member])
    return Feature(**{**document, **lists})


def _cut(document: FeatureSetV2Segment) -> Cut:
    return Cut(document["feature"], tuple(document.get("cuts", ())))


def _needs_second(feature: Feature) -> bool:
    """Return whether the first version of the contract cannot hold a feature."""
    return feature.column is not None or len(feature.categories) > FIRST_CATEGORIES


def _source(document: FeatureSetV2Source | None) -> Source | None:
    """Return the source in a document; names of headers are compared in small letters."""
    if document is None:
        return None
    source = Source(**document)
    return source if source.header is None else Source(header=source.header.lower())


def _target(document: FeatureSetV2Target) -> Target:
    """Return the target in a document; lists become tuples, which are frozen."""
    lists: dict[str, Any] = {}  # as the fields have it
    if "classes" in document:
        lists["classes"] = tuple(document["classes"])
    if "outputs" in document:
        lists["outputs"] = tuple(Output(**output) for output in document["outputs"])
    return Target(**{"unit": NO_UNIT, **document, **lists})


def _target_members(target: Target) -> JsonObject:
    """Return the members of a target's document."""
    members = _members(target)
    # a number has a unit, if only the word for none
    if target.unit == NO_UNIT and not target.is_number:
        del members["unit"]
    if target.outputs:
        members["outputs"] = [_members(output) for output in target.outputs]
    return members


def _members(value: Feature | Target | Output | Cut | Source) -> JsonObject:
    """Return the members of a value's document: those that are not what they are by default."""
    members: JsonObject = {}
    for name, member in vars(value).items():
        # a required field has no default, and no value equals `...`
        if member != getattr(type(value), name, ...):
            members[name] = list(member) if isinstance(member, tuple) else member
    return members
