"""`python -m tools.mutants`: see `command`."""

from drift_contracts.exits import run_module

if __name__ == "__main__":
    run_module("tools.mutants.command")
