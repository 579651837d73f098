"""MLOps Drift Monitor: `drift_ml.export` packs a model in the process that trained it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from drift_ml.exporting import export

__all__ = ["export"]


def __getattr__(name: str) -> Any:
    """Return `export`, imported when it is asked for: services need none of what it needs.

    Raises:
        AttributeError: there is nothing of that name.
    """
    if name != "export":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from drift_ml.exporting import export  # noqa: PLC0415 - as above

    return export
