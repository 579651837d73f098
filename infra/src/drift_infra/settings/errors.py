"""What stops a deployment before it touches anything."""

from __future__ import annotations

from drift_contracts import DriftError


class ConfigurationError(DriftError):
    """A configuration key that cannot be used: `key`, what is `allowed`, and the command that sets
    it.

    The message never holds the value that was refused: it may be a secret.
    """

    def __init__(self, key: str, problem: str, allowed: str, set_with: str) -> None:
        super().__init__(f"{key}: {problem}; allowed: {allowed}; set it with: {set_with}")
        self.key, self.problem, self.allowed, self.set_with = key, problem, allowed, set_with
