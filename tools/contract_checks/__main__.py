"""`python -m tools.contract_checks`: see `command`."""

from drift_contracts.exits import run_module

if __name__ == "__main__":
    run_module("tools.contract_checks.command", brings="drift-contracts[cli]")
