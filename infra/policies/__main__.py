"""The rules of drift_infra.policies as a policy pack: `pulumi up --policy-pack infra/policies`."""

from __future__ import annotations

import sys
from pathlib import Path

# as in infra/__main__.py: our own code is found by its place, not installed
sys.path[:0] = [
    str(Path(__file__).resolve().parents[2] / room / "src") for room in ("infra", "contracts")
]

from pulumi_policy import (  # noqa: E402
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from drift_infra.policies import Rule, rules  # noqa: E402 - after the path


def as_policy(rule: Rule) -> ResourceValidationPolicy:
    """Return a rule as a mandatory policy: a violation stops the update."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type in rule.kinds and rule.broken(args.props):
            report(f"{rule.sentence}.")

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.sentence,
        enforcement_level=EnforcementLevel.MANDATORY,
        validate=validate,
    )


if __name__ == "__main__":
    PolicyPack(name="drift-monitor", policies=[as_policy(rule) for rule in rules()])
