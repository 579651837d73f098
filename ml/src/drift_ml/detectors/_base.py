"""What every detector is: something that takes batches in, and may raise an alarm that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from drift_contracts import DriftError

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTRACT = "detector.state.v1"

Batch_contra = TypeVar("Batch_contra", contravariant=True)


class DetectorError(DriftError):
    """A detector's parameters, batch or state that cannot be used; says what was expected."""


class Detector(Protocol[Batch_contra]):
    """The one interface: the same batches in the same order give the same state and the same alarm."""

    @property
    def name(self) -> str:
        """What the detector is called in a state document."""
        ...

    @property
    def reason(self) -> str | None:
        """The alarm in one line, None while there is none; an alarm stays until `reset`."""
        ...

    def update(self, batch: Batch_contra, /) -> bool:
        """Take in a batch; an empty one changes nothing. Returns whether there is an alarm."""
        ...

    def reset(self) -> None:
        """Forget everything but the parameters."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The state as detector.state.v1; equal states continue equally."""
        ...


class Named:
    """What the named detectors share: parameters and state in two dictionaries of JSON values.

    A subclass gives `name`, its parameters to `__init__`, `_fresh()` (the state at the beginning) and
    `_observe(item)`, which may return the reason of an alarm. After an alarm nothing is observed until
    `reset`.
    """

    name = ""

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters
        self.reset()

    def reset(self) -> None:
        """Forget everything but the parameters."""
        self.reason: str | None = None
        self.state: dict[str, Any] = self._fresh()

    def update(self, batch: Sequence[Any], /) -> bool:
        """Take in a batch, item by item, up to an alarm. Returns whether there is one."""
        for item in batch:
            if self.reason is not None:
                break
            self.reason = self._observe(item)
        return self.reason is not None

    def to_json(self) -> dict[str, Any]:
        """The state as detector.state.v1."""
        return {
            "contract": CONTRACT,
            "detector": self.name,
            "parameters": copied(self.parameters),
            "state": copied(self.state),
            "reason": self.reason,
        }

    def _fresh(self) -> dict[str, Any]:
        raise NotImplementedError

    def _observe(self, item: Any) -> str | None:
        raise NotImplementedError


def copied(value: Any) -> Any:
    """The same JSON value, sharing nothing with the detector that goes on."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list | tuple) else value


def expect(condition: bool, expected: str) -> None:
    """Raise DetectorError unless a parameter is as expected."""
    if not condition:
        raise DetectorError(f"a detector's parameters: expected {expected}")
