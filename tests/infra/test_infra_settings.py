"""Settings: every key alone, the rules between keys, and what a person reads when one is refused."""

from __future__ import annotations

import json

import pytest
from drift_infra.settings import KEYS, ConfigurationError, Hidden, load

PROJECT = "mlops-drift-monitor"
SECRETS = [f"{PROJECT}:{key.name}" for key in KEYS if key.secret]
ALERTS = {"alertEmails": '["ops@example.com"]'}


def settings(stack="dev", secret=SECRETS, **texts):
    given = {name if ":" in name else f"{PROJECT}:{name}": text for name, text in texts.items()}
    return load(given, stack=stack, project=PROJECT, secret=secret)


REFUSED = [
    ("dev", {"retentionDays": "7"}, "retentionDays"),
    ("dev", {"memory": "64"}, "memory"),
    ("dev", {"memory": "lots"}, "memory"),
    ("dev", {"memory": "512.5"}, "memory"),
    ("dev", {"timeout": "29"}, "timeout"),
    ("dev", {"tracing": "yes"}, "tracing"),
    ("dev", {"driftThreshold": "0"}, "driftThreshold"),
    ("dev", {"driftThreshold": "1e1"}, "driftThreshold"),
    ("dev", {"driftThreshold": "NaN"}, "driftThreshold"),
    ("dev", {"logRetentionDays": "10"}, "logRetentionDays"),
    ("dev", {"architecture": "arm"}, "architecture"),
    ("dev", {"imageDigest": "latest"}, "imageDigest"),
    ("dev", {"models": "[]"}, "models"),
    ("dev", {"models": '["house-price", "house-price"]'}, "models"),
    ("dev", {"models": "house-price"}, "models"),
    ("dev", {"models": "[1]"}, "models"),
    ("dev", {"tags": '{"aws:owner": "x"}'}, "tags"),
    ("dev", {"tags": '{"owner": true}'}, "tags"),
    ("dev", {"tags": "[]"}, "tags"),
    ("dev", {"alertEmails": '["nobody"]'}, "alertEmails"),
    ("dev", {"slackWebhook": "http://chat.example.com"}, "slackWebhook"),
    ("dev", {"alarmThresholds": '{"latency": 3}'}, "alarmThresholds"),
    ("dev", {"alarmThresholds": '{"drift_threshold": 3}'}, "alarmThresholds"),
    ("dev", {"alarmThresholds": '{"psi_alarm": 0.2}'}, "alarmThresholds"),
    ("dev", {"psiAlarm": "11"}, "psiAlarm"),
    ("dev", {"reference": "last"}, "reference"),
    ("dev", {"newNormalDays": "366"}, "newNormalDays"),
    ("dev", {"minimumEffects": '{"colour": 0.5}'}, "minimumEffects"),
    ("dev", {"mutedFeatures": '{"colour": "2026-12-01"}'}, "mutedFeatures"),
    ("dev", {"leftOut": '{"2026-02-30": "no day"}'}, "leftOut"),
    ("dev", {"leftOut": '{"2026-12-26/2026-12-24": "backwards"}'}, "leftOut"),
    ("dev", {"leftOut": '{"Christmas": "no day"}'}, "leftOut"),
    ("dev", {"aws:region": "moon-1"}, "aws:region"),
    ("dev", {"aws:allowedAccountIds": '["12345"]'}, "aws:allowedAccountIds"),
    ("dev", {"permissionsBoundary": "boundary"}, "permissionsBoundary"),
    ("dev", {"leaving": "true"}, "leaving"),
    *(
        ("dev", {"aws:assumeRoles": text}, "aws:assumeRoles")
        for text in (
            "{}",
            '["arn"]',
            '[{"sessionName": "drift"}]',
            '[{"roleArn": "role"}]',
            '[{"roleArn": 1}]',
            '[{"roleArn": "arn:aws:iam::123456789012:role/deploy", "policy": "{}"}]',
        )
    ),
    *(
        ("dev", {"aws:defaultTags": text}, "aws:defaultTags")
        for text in ("[]", '{"team": "x"}', '{"tags": {"aws:x": "y"}}', '{"tags": ["x"]}')
    ),
    ("dev", {"bundlesFolder": "../elsewhere"}, "bundlesFolder"),
    ("dev", {"authentication": "jwt"}, "jwtIssuer"),
    ("dev", {"authentication": "jwt", "jwtIssuer": "https://login.example.com"}, "jwtAudience"),
    ("dev", {"customDomain": "drift.example.com"}, "certificateArn"),
    ("dev", {"hostedZoneId": "Z01"}, "customDomain"),
    *(("dev", {"pathPrefix": text}, "pathPrefix") for text in ("v1", "/", "/v1/", "/a//b", "/..", "/a b", "/x" * 9)),
    (
        "dev",
        {"customDomain": "drift.example.com", "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0a"},
        "certificateArn",
    ),
    ("dev", {"imageDigest": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/image@sha256:" + "a" * 64}, "imageDigest"),
    ("dev", {"previousVersion": "3"}, "previousVersionPercent"),
    ("dev", {"reservedConcurrency": "1", "provisionedConcurrency": "2"}, "provisionedConcurrency"),
    ("dev", {"previousVersion": "3", "previousVersionPercent": "5", "liveVersion": "3"}, "previousVersion"),
    ("dev", {"liveVersion": "3", "rollout": "external"}, "liveVersion"),
    ("dev", {"corsOrigins": '["*", "https://app.example.com"]'}, "corsOrigins"),
    ("dev", {"modelVersions": json.dumps({"diabetes": "0" * 64})}, "modelVersions"),
    ("dev", {"modelVersions": '{"house-price": "0123456789ab"}'}, "modelVersions"),
    ("staging", {}, "tier"),
    ("staging", {"tier": "test"}, "tier"),
    ("prod", {}, "alertEmails"),
    ("prod", {**ALERTS, "authentication": "none"}, "authentication"),
    ("prod", {**ALERTS, "corsOrigins": '["*"]'}, "corsOrigins"),
    ("Prod!", {}, "stack"),
]


@pytest.mark.parametrize(
    ("stack", "texts", "key"), REFUSED, ids=lambda value: json.dumps(value) if isinstance(value, dict) else value
)
def test_refused_values(stack, texts, key):
    """A wrong value is refused with its key, what is allowed and the command that sets it."""
    with pytest.raises(ConfigurationError) as caught:
        settings(stack, **texts)
    error = caught.value
    assert error.key == key
    assert error.allowed
    assert "pulumi" in error.set_with
    assert str(error) == f"{key}: {error.problem}; allowed: {error.allowed}; set it with: {error.set_with}"


@pytest.mark.parametrize(("stack", "texts", "key"), [one for one in REFUSED if len(one[1]) == 1], ids=str)
def test_value_not_repeated(stack, texts, key):
    """No message repeats the refused value."""
    assert key
    (text,) = texts.values()
    with pytest.raises(ConfigurationError) as caught:
        settings(stack, **texts)
    if len(text) > 3 and text not in caught.value.allowed:
        assert text not in str(caught.value)


def test_plain_secret():
    """A secret in plain text is refused."""
    with pytest.raises(ConfigurationError, match=r"slackWebhook: .* plain text.*--secret"):
        settings(secret=[], slackWebhook="https://chat.example.com/key")


def test_no_secret_in_repr():
    """No repr shows a secret."""
    given = settings(slackWebhook="https://chat.example.com/key", alertWebhooks='["https://alerts.example.com/k2"]')
    assert "example.com/k" not in repr(given)
    assert given.slack_webhook == Hidden("https://chat.example.com/key")
    assert given.slack_webhook.reveal() == "https://chat.example.com/key"
    assert len({given.slack_webhook, Hidden("https://chat.example.com/key")}) == 1


def test_defaults_allowed():
    """Every default is in the range of its key."""
    for key in KEYS:
        key.parse(key.default_text)


def test_unknown_key():
    """An unknown key is refused with those that are similar."""
    with pytest.raises(ConfigurationError, match="logRetentionDays"):
        settings(logRetention="7")


def test_other_namespaces():
    """Keys of other namespaces are ignored."""
    assert settings(**{"docker:host": "unix:///run/docker.sock"}).region == "us-east-1"


def test_profile():
    """A profile reaches the provider, and a key that would not is refused."""
    assert settings(**{"aws:profile": "work"}).profile == "work"
    with pytest.raises(ConfigurationError, match=r"aws:maxRetries: is no key.*aws:profile.*aws:region"):
        settings(**{"aws:maxRetries": "3"})


def test_tier_of_other_stack():
    """A stack of another name states which tier it is."""
    assert settings("staging", tier="prod", **ALERTS).production
    assert not settings("staging", tier="dev").production


def test_former_settings():
    """What the former version let a user set can still be set."""
    names = {key.name for key in KEYS}
    older = {
        "aws:region",
        "projectName",
        "driftThreshold",
        "alertEmails",
        "logRetentionDays",
        "memory",
        "timeout",
        "tags",
    }
    assert older <= names
