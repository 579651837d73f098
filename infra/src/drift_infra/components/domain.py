"""A host name of one's own for the API."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, route53


@dataclass(frozen=True)
class DomainArgs:
    """The host name, its certificate and the zone that gets its record.

    The path of the API may be empty.
    """

    host: str
    certificate_arn: str
    #: Route 53's zone; empty where the record is made elsewhere.
    zone_id: str
    api_id: pulumi.Input[str]
    stage: pulumi.Input[str]
    #: Of the API on the host; empty for its root.
    path_prefix: str


class Domain(pulumi.ComponentResource):
    """The custom domain of an HTTP API; `url` is where the API answers under it."""

    def __init__(
        self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Domain", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.domain = apigatewayv2.DomainName(
            f"{name}-name",
            domain_name=args.host,
            domain_name_configuration=apigatewayv2.DomainNameDomainNameConfigurationArgs(
                certificate_arn=args.certificate_arn,
                endpoint_type="REGIONAL",
                security_policy="TLS_1_2",
            ),
            opts=child,
        )
        apigatewayv2.ApiMapping(
            f"{name}-mapping",
            api_id=args.api_id,
            domain_name=self.domain.id,
            stage=args.stage,
            api_mapping_key=args.path_prefix.strip("/") or None,
            opts=child,
        )
        if args.zone_id:
            target = self.domain.domain_name_configuration
            alias = route53.RecordAliasArgs(
                name=target.apply(lambda target_facts: target_facts.target_domain_name or ""),
                zone_id=target.apply(lambda target_facts: target_facts.hosted_zone_id or ""),
                evaluate_target_health=False,
            )
            route53.Record(
                f"{name}-record",
                zone_id=args.zone_id,
                name=args.host,
                type="A",
                aliases=[alias],
                opts=child,
            )
        self.url = f"https://{args.host}{args.path_prefix}"
        self.register_outputs({"url": self.url})
