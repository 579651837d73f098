"""`python -m drift_ml.training`: another door to `driftctl train`."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("drift_ml.training.__main__", brings="drift-ml[train]")

from drift_ml.training.commands import main

__all__ = ["main"]
