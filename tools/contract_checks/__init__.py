"""Checks of the contracts: schemas, cases, releases, documentation; for a checkout only."""
