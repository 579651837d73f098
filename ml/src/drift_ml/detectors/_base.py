"""What every detector is: something that takes batches in, and may raise an alarm that stays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import fields
from typing import (
    TYPE_CHECKING,
    ClassVar,
    Final,
    Generic,
    Literal,
    Protocol,
    TypeVar,
)

from drift_contracts import DriftError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import DataclassInstance
    from drift_contracts.json_types import (
        JsonObject,
        JsonValue,
        ReadableJson,
    )
    from drift_contracts.types import DetectorStateV1, DetectorStateV1Named

CONTRACT: Final = "detector.state.v1"

BatchType_contra = TypeVar("BatchType_contra", contravariant=True)
ParametersType = TypeVar("ParametersType", bound="DataclassInstance")
StateType = TypeVar("StateType", bound="DataclassInstance")
ItemType = TypeVar("ItemType")

Name = Literal["adwin", "cusum", "ks", "mean-absolute-z", "page-hinkley", "psi"]


class DetectorError(DriftError):
    """A detector's parameters, batch or state that cannot be used; says what was expected."""


class Detector(Protocol[BatchType_contra]):
    """The interface of all detectors: equal batches in equal order give equal state and alarm."""

    @property
    def name(self) -> str:
        """Return what the detector is called in a state document."""
        ...

    @property
    def reason(self) -> str | None:
        """Return the alarm in one line, None while there is none; it stays until `reset`."""
        ...

    def update(self, batch: BatchType_contra, /) -> bool:
        """Take a batch in; return whether there is an alarm. An empty one changes nothing."""
        ...

    def reset(self) -> None:
        """Forget everything but the parameters."""
        ...

    def to_json(self) -> DetectorStateV1:
        """Return the state as detector.state.v1; equal states continue equally."""
        ...


class NamedDetector(ABC, Generic[ParametersType, StateType, ItemType]):
    """What the named detectors share: values of parameters and state, and an alarm that stays.

    A subclass has a `name`, says how a state begins, and observes items one by one. After an alarm
    nothing is observed until `reset`.
    """

    #: In state documents.
    name: ClassVar[Name]

    def __init__(self, parameters: ParametersType) -> None:
        self.parameters = parameters
        self.reset()

    def reset(self) -> None:
        """Forget everything but the parameters."""
        self.reason: str | None = None
        self.state: StateType = self._initial_state()

    def update(self, batch: Sequence[ItemType], /) -> bool:
        """Take a batch in, item by item, up to an alarm; return whether there is one."""
        for item in batch:
            if self.reason is not None:
                break
            self.reason = self._observe(item)
        return self.reason is not None

    def to_json(self) -> DetectorStateV1Named:
        """Return the state as detector.state.v1."""
        return {
            "contract": CONTRACT,
            "detector": self.name,
            "parameters": _members(self.parameters),
            "state": _members(self.state),
            "reason": self.reason,
        }

    def restore(
        self,
        state: Mapping[str, ReadableJson],
        reason: str | None,
    ) -> None:
        """Go on from a state that `to_json` returned.

        Args:
            state: its member `state`; it is copied.
            reason: its member `reason`.
        """
        self.state = type(self.state)(**deepcopy(dict(state)))
        self.reason = reason

    @abstractmethod
    def _initial_state(self) -> StateType:
        """Return the state before the first item."""

    @abstractmethod
    def _observe(self, item: ItemType) -> str | None:
        """Take one item in; return the reason of an alarm, if it raises one."""


def _members(value: DataclassInstance) -> JsonObject:
    """Return the fields of a value as JSON that shares nothing with it."""
    return {field.name: _copy(getattr(value, field.name)) for field in fields(value)}


def _copy(value: ReadableJson) -> JsonValue:
    """Return a JSON value as lists and numbers; tuples, which JSON does not know, become lists."""
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value  # type: ignore[return-value]  # no state or parameter holds objects


def expect(condition: bool, expected: str) -> None:
    """Raise DetectorError unless a parameter is as expected.

    Args:
        condition: whether it is.
        expected: in words.
    """
    if not condition:
        raise DetectorError(f"a detector's parameters: expected {expected}")
