"""Policies as values: a statement names its actions and resources, and gives no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

# Any: a condition's value is a text, a list, or an output that is one.
Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; `principals` only where the policy belongs to a resource."""

    #: Says why; unique in its policy.
    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    conditions: Conditions = field(default_factory=dict)
    #: Who, in a policy of a resource; None in a policy of a role.
    principals: Mapping[str, Any] | str | None = None
    effect: str = "Allow"

    def document(self) -> dict[str, Any]:
        """Return the statement as IAM writes it."""
        return {
            "Sid": self.sid,
            "Effect": self.effect,
            **({"Principal": self.principals} if self.principals is not None else {}),
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **({"Condition": self.conditions} if self.conditions else {}),
        }


def policy(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """Return a policy document as JSON."""
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": [statement.document() for statement in statements]}
    )


def assumed_by(service: str, conditions: Conditions | None = None) -> pulumi.Output[str]:
    """Return the trust policy of a role that one AWS service assumes."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **({"Condition": conditions} if conditions else {}),
    }
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]})


def tls_only(resources: Sequence[pulumi.Input[str]], actions: str) -> Statement:
    """Refuse everything that comes without TLS."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return Statement("RefuseWithoutTls", [actions], resources, plain, principals="*", effect="Deny")


def within(
    boundary: str,
) -> Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]:
    """Return what gives every role of a stack a permissions boundary.

    An organisation may refuse a role without one.
    """

    def transform(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "aws:iam/role:Role":
            return None
        return pulumi.ResourceTransformationResult(
            {**args.props, "permissions_boundary": boundary}, args.opts
        )

    return transform
