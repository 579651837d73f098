"""Names and tags: one rule for every resource, so that people can guess them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi

    from .keeping import Keeping


@dataclass(frozen=True)
class Names:
    """Names of one stack's resources: `PROJECT-STACK-WHAT`, 64 characters at most.

    >>> Names("mlops-drift-monitor", "dev").of("predictor")
    'mlops-drift-monitor-dev-predictor'
    """

    project: str
    stack: str

    @property
    def prefix(self) -> str:
        """Return what every name starts with."""
        return f"{self.project}-{self.stack}"

    def of(self, what: str) -> str:
        """Return the name of a resource."""
        return f"{self.prefix}-{what}"


@dataclass(frozen=True)
class Site:
    """What every component needs to know of where it is."""

    names: Names
    region: str
    account: pulumi.Input[str]
    keeping: Keeping
    #: Days that logs are kept.
    log_retention_days: int

    @property
    def production(self) -> bool:
        """Return whether the stack is protected and its data survives it."""
        return self.keeping.production


def partition_of(region: str) -> str:
    """Return the second word of every ARN in a region.

    China's regions are a partition too, which `aws:region` does not take.

    >>> partition_of("us-gov-west-1"), partition_of("us-west-1")
    ('aws-us-gov', 'aws')
    """
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def tags(project: str, stack: str, more: dict[str, str]) -> dict[str, str]:
    """Return the tags of every resource; those that name its owner cannot be overridden.

    `Deployment` names one stack among all of an account: a budget filters by one tag only.
    """
    owner = {
        "Project": project,
        "Stack": stack,
        "Deployment": f"{project}-{stack}",
        "ManagedBy": "Pulumi",
    }
    return {**more, **owner}
