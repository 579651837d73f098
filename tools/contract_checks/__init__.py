"""Do the contracts hold, with what was released and with the documentation? `python -m tools.contract_checks`."""
