"""`python -m tools.contract_checks`: see `command`."""

from drift_contracts.exits import run_module

if __name__ == "__main__":  # pragma: no branch - python -m runs it
    run_module("tools.contract_checks.command", brings="drift-contracts[cli]")
