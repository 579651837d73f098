"""`python -m drift_console`."""

from drift_contracts.exits import run_module

if __name__ == "__main__":
    run_module("drift_console.cli", brings="drift-console")
