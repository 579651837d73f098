"""The HTTP API: a route for each operation of the OpenAPI document, in front of the alias."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import apigatewayv2, cloudwatch, lambda_

from drift_infra.routes import ACCESS_LOG, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_infra.naming import Site

# What a page sends: its body's type, and a token or a signature.
CALLERS_HEADERS = [
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
]
AUTHORIZATION = {"none": "NONE", "iam": "AWS_IAM", "jwt": "JWT"}


@dataclass(frozen=True)
class ApiArgs:
    """The alias that answers, who may call, and how fast."""

    site: Site
    #: What is called: the version behind it may change.
    alias: lambda_.Alias
    routes: Sequence[Route]
    #: Milliseconds after which API Gateway gives up: more than the function's own limit.
    integration_timeout_ms: int
    #: "none", "iam" or "jwt".
    authentication: str
    #: Of the accepted tokens; read for "jwt" only.
    jwt_issuer: str
    #: One of these must be in a token.
    jwt_audience: Sequence[str]
    #: Requests a second, of all callers together.
    throttle_rate: int
    #: Requests at once beyond the rate.
    throttle_burst: int
    #: Origins whose pages may call; none without CORS.
    cors_origins: Sequence[str]
    #: Headers by which models recognise sessions and callers, in small letters.
    recognised_headers: Sequence[str] = ()


class Api(pulumi.ComponentResource):
    """An HTTP API with throttling and JSON access logs; `url` is where it answers."""

    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Api", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.api = apigatewayv2.Api(
            f"{name}-api",
            name=args.site.names.of("api"),
            description="Predictions with drift scores",
            protocol_type="HTTP",
            cors_configuration=self._cors(args),
            opts=args.site.keeping.protection(self),
        )
        integration = self._integration(name, args)
        authorizer = self._authorizer(name, args)
        for route in args.routes:
            self._route(name, route, integration, authorizer, args.authentication)
        # API Gateway writes each group of another name into one policy of the account, which is
        # full after some forty; below this prefix one entry serves all.
        self.access_log = cloudwatch.LogGroup(
            f"{name}-requests-log",
            name=f"/aws/vendedlogs/apigateway/{args.site.names.of('api')}",
            retention_in_days=args.site.log_retention_days,
            opts=self._child,
        )
        self.stage = self._stage(name, args)
        self.url = self.api.api_endpoint
        self.register_outputs({"url": self.url, "id": self.api.id})

    @staticmethod
    def _cors(args: ApiArgs) -> apigatewayv2.ApiCorsConfigurationArgs | None:
        if not args.cors_origins:
            return None
        return apigatewayv2.ApiCorsConfigurationArgs(
            allow_origins=list(args.cors_origins),
            allow_methods=sorted({route.method for route in args.routes}),
            allow_headers=sorted({*CALLERS_HEADERS, *args.recognised_headers}),
            max_age=600,
        )

    def _integration(self, name: str, args: ApiArgs) -> apigatewayv2.Integration:
        lambda_.Permission(
            f"{name}-may-invoke",
            statement_id="HttpApi",
            action="lambda:InvokeFunction",
            function=args.alias.function_name,
            qualifier=args.alias.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self.api.execution_arn, "/*/*"),
            opts=self._child,
        )
        return apigatewayv2.Integration(
            f"{name}-integration",
            api_id=self.api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=args.alias.invoke_arn,
            payload_format_version="2.0",
            timeout_milliseconds=args.integration_timeout_ms,
            opts=self._child,
        )

    def _authorizer(self, name: str, args: ApiArgs) -> apigatewayv2.Authorizer | None:
        if args.authentication != "jwt":
            return None
        return apigatewayv2.Authorizer(
            f"{name}-authorizer",
            api_id=self.api.id,
            name="jwt",
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration=apigatewayv2.AuthorizerJwtConfigurationArgs(
                issuer=args.jwt_issuer, audiences=list(args.jwt_audience)
            ),
            opts=self._child,
        )

    def _route(
        self,
        name: str,
        route: Route,
        integration: apigatewayv2.Integration,
        authorizer: apigatewayv2.Authorizer | None,
        authentication: str,
    ) -> None:
        apigatewayv2.Route(
            f"{name}-{route.slug}",
            api_id=self.api.id,
            route_key=route.key,
            operation_name=route.operation,
            target=pulumi.Output.concat("integrations/", integration.id),
            authorization_type=AUTHORIZATION[authentication],
            authorizer_id=authorizer.id if authorizer else None,
            opts=self._child,
        )

    def _stage(self, name: str, args: ApiArgs) -> apigatewayv2.Stage:
        return apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self.api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings=apigatewayv2.StageAccessLogSettingsArgs(
                destination_arn=self.access_log.arn, format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.throttle_rate,
                throttling_burst_limit=args.throttle_burst,
                # Else each route has a custom metric, paid by the month and read by nobody.
                detailed_metrics_enabled=False,
            ),
            opts=args.site.keeping.protection(self),
        )
