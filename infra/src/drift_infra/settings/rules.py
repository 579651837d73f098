"""Rules that tie one key to another, checked after each key has passed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import DriftError, MonitoringSpec, feature_set

from .errors import ConfigurationError
from .model import BY_NAME, Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

TIERS = ("dev", "prod")


def tier_of(stack: str, tier: str) -> str:
    """dev or prod: as configured, else by the stack's own name; an unknown stack must say."""
    if tier or stack in TIERS:
        return tier or stack
    raise BY_NAME["tier"].error(f"stack '{stack}' is neither dev nor prod", "dev or prod")


def check(settings: Settings) -> None:
    """Raise the first rule that the settings break."""
    for name, problem, allowed in _broken(settings):
        raise BY_NAME[name].error(problem, allowed)


def _broken(one: Settings) -> Iterator[tuple[str, str, str]]:
    yield from _protected(one) if one.production else ()
    if one.only_endpoint == "pagerdutyUrl":
        yield (
            "pagerdutyUrl",
            "hears only what wakes somebody, and nothing else hears the rest",
            "beside at least one of alertEmails, alertWebhooks, slackWebhook",
        )
    if one.only_endpoint == "slackWebhook":
        yield (
            "slackWebhook",
            "is the only endpoint, and would have to report that it cannot be reached",
            "beside at least one of alertEmails, alertWebhooks, pagerdutyUrl",
        )
    yield from _api(one)
    yield from _traffic(one)
    yield from _regional(one)
    unknown = sorted(set(one.model_versions) - set(one.models))
    if unknown:
        yield (
            "modelVersions",
            f"names a model that is not served: {unknown[0]}",
            f"names among: {', '.join(one.models)}",
        )
    if one.leaving and not one.production:
        yield "leaving", "goes with tier prod: dev is destroyed as it is", "false"
    yield from _thresholds(one.alarm_thresholds)
    yield from _features(one)


def _protected(one: Settings) -> Iterator[tuple[str, str, str]]:
    if one.authentication == "none":
        yield "authentication", "prod must not be open to everybody", "iam or jwt"
    if not one.alerts_somebody:
        yield (
            "alertEmails",
            "prod has no alert endpoint",
            "at least one of alertEmails, alertWebhooks, pagerdutyUrl, slackWebhook",
        )
    if "*" in one.cors_origins:
        yield "corsOrigins", "prod must name its origins", "origins such as https://app.example.com"


def _api(one: Settings) -> Iterator[tuple[str, str, str]]:
    if one.authentication == "jwt":
        if not one.jwt_issuer:
            yield (
                "jwtIssuer",
                "is needed when authentication is jwt",
                "the https:// address of the issuer",
            )
        if not one.jwt_audience:
            yield "jwtAudience", "is needed when authentication is jwt", "at least one audience"
    if "*" in one.cors_origins and len(one.cors_origins) > 1:
        yield "corsOrigins", "has * beside other origins", "* alone, or origins"
    if one.custom_domain and not one.certificate_arn:
        yield (
            "certificateArn",
            "is needed for customDomain",
            "the ARN of an ACM certificate in the same region",
        )
    if (one.certificate_arn or one.hosted_zone_id) and not one.custom_domain:
        yield "customDomain", "is needed for certificateArn and hostedZoneId", "a host name"


def _regional(one: Settings) -> Iterator[tuple[str, str, str]]:
    """Lambda takes images, and an API certificates, of its own region only."""
    if "@" in one.image_digest and f".ecr.{one.region}." not in one.image_digest:
        yield "imageDigest", "is in another region than the functions", f"an image in {one.region}"
    if one.certificate_arn and f":acm:{one.region}:" not in one.certificate_arn:
        yield (
            "certificateArn",
            "is in another region than the API",
            f"a certificate in {one.region}",
        )


def _traffic(one: Settings) -> Iterator[tuple[str, str, str]]:
    if bool(one.previous_version) != bool(one.previous_version_percent):
        yield "previousVersionPercent", "goes with previousVersion", "both set, or neither"
    if one.live_version and one.live_version == one.previous_version:
        yield (
            "previousVersion",
            "is the version that is live",
            "another published version, or empty",
        )
    if one.live_version and one.rollout == "external":
        yield (
            "liveVersion",
            "goes with rollout pulumi: a tool outside moves the alias",
            "empty, or rollout pulumi",
        )
    if 0 <= one.reserved_concurrency < one.provisioned_concurrency:
        yield (
            "provisionedConcurrency",
            "is more than reservedConcurrency",
            f"0 to {one.reserved_concurrency}",
        )


def _features(one: Settings) -> Iterator[tuple[str, str, str]]:
    """Find settings of features that no model has; a misspelt one would be passed over."""
    # the answers of any model
    names = {"prediction"}
    for model in one.models:
        try:
            names |= {*feature_set(model).names}
        except DriftError:
            # what is checked on this machine says more about it
            return
    chosen: dict[str, Collection[str]] = {
        "minimumEffects": one.minimum_effects,
        "mutedFeatures": one.muted_features,
    }
    for key, features in chosen.items():
        if not set(features) <= names:
            yield (
                key,
                "names a feature that no model has",
                f"names among: {', '.join(sorted(names))}",
            )


def _thresholds(given: Collection[str]) -> Iterator[tuple[str, str, str]]:
    names = sorted(
        {setting.name for setting in MonitoringSpec.load().settings}
        - {"drift_threshold", "psi_alarm"}
    )
    if set(given) - set(names):
        yield (
            "alarmThresholds",
            "names no setting of the monitoring spec",
            f"{', '.join(names)} (driftThreshold and psiAlarm have keys of their own)",
        )


__all__ = ["ConfigurationError", "check", "tier_of"]
