"""Any valid settings give a sound graph; any invalid value is refused by the name of its key."""

# ruff: noqa: E501 - a strategy is read as one line of a table

from __future__ import annotations

import json

import pytest
from drift_infra.settings import KEYS, ConfigurationError, load
from drift_infra.settings.kinds import Choice, Flag, Many, Number, Table, Whole
from drift_infra.settings.model import BY_NAME
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.stack_checks.rules import examine
from tools.stack_checks.stacks import facts_of, graph_of

PROJECT = "mlops-drift-monitor"
KEY = {key.field: key for key in KEYS}
SECRET = {f"{PROJECT}:{key.name}" for key in KEYS if key.secret}
DIGEST = "sha256:" + "c" * 64

NAMED = {  # texts whose patterns say more than a kind does
    "region": st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"]),
    "project_name": st.from_regex(r"[a-z][a-z0-9-]{1,22}[a-z0-9]", fullmatch=True),
    "tags": st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,10}", fullmatch=True), st.from_regex(r"[a-z :/+=@-]{0,10}", fullmatch=True), max_size=3).map(json.dumps),
    "models": st.sampled_from(['["house-price"]', '["diabetes"]', '["diabetes", "house-price"]']),
    "alert_emails": st.sampled_from(['["ops@example.com"]', '["a@example.com", "b@example.com"]']),
    "alert_webhooks": st.sampled_from(["[]", '["https://a.example.com/x", "https://b.example.com:8443/y"]']),
    "slack_webhook": st.sampled_from(["", "https://chat.example.com/k"]),
    "pagerduty_url": st.sampled_from(["", "https://events.example.com/k"]),
    "alarm_thresholds": st.sampled_from(["{}", '{"error_limit": 3, "latency_limit_ms": 250.5}']),
    "cors_origins": st.sampled_from(["[]", '["https://app.example.com", "http://localhost:3000"]']),
}  # fmt: skip
TOGETHER = {  # keys that go together
    "access": st.sampled_from([
        {"authentication": "iam"},
        {"authentication": "jwt", "jwtIssuer": "https://login.example.com/", "jwtAudience": '["drift"]'},
    ]),
    "traffic": st.sampled_from([{}, {"previousVersion": "3", "previousVersionPercent": "10"}, {"rollout": "external"}]),
    "domain": st.sampled_from([{}, {"aws:region": "us-east-1", "customDomain": "drift.example.com", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a"}]),
}  # fmt: skip


def of_kind(kind):
    if isinstance(kind, Choice):
        return st.sampled_from([str(option) for option in kind.options])
    if isinstance(kind, Whole):
        return st.integers(kind.low, kind.high).map(str)
    if isinstance(kind, Number):
        return st.decimals(kind.low, kind.high, places=3).map(str)
    return st.sampled_from(["true", "false"]) if isinstance(kind, Flag) else None


APART = {
    "tier",
    "authentication",
    "rollout",
    "leaving",  # only a prod stack that is deployed can be left: test_infra_leaving
    "previous_version_percent",
    "provisioned_concurrency",
    "reserved_concurrency",
}
VALUES = {key.name: NAMED.get(key.field, of_kind(key.kind)) for key in KEYS if key.field not in APART}
VALID = st.builds(
    lambda own, *others: {**own, **{name: text for other in others for name, text in other.items()}},
    st.fixed_dictionaries({}, optional={name: values for name, values in VALUES.items() if values is not None}),
    *TOGETHER.values(),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=VALID, stack=st.sampled_from(["dev", "prod"]))
def test_any_settings(root, texts, stack):
    """Any valid settings give a graph that breaks no rule."""
    texts = {"alertEmails": '["ops@example.com"]', "imageDigest": DIGEST, **texts}
    given_texts = {name if ":" in name else f"{PROJECT}:{name}": text for name, text in texts.items()}
    one = load(given_texts, stack=stack, project=PROJECT, secret=SECRET)
    assert [str(found) for found in examine(graph_of(one, root), facts_of(one))] == []


@settings(max_examples=300, deadline=None)
@given(key=st.sampled_from(KEYS), text=st.one_of(st.text(max_size=20), st.integers().map(str), st.floats().map(str)))
def test_any_text_of_key(key, text):
    """Any text is a value of its key, or is refused by the key's name."""
    error = None
    try:
        key.parse(text)
    except ConfigurationError as refused:
        error = refused
    assert error is None or (error.key == key.name and key.name in str(error))


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(KEYS),
    text=st.one_of(
        st.text(max_size=20), st.integers(-1, 10**5).map(str), st.sampled_from(["true", "iam", "jwt", "{}", "[]"])
    ),
    stack=st.sampled_from(["dev", "prod", "staging"]),
)
def test_any_value_of_any_key(key, text, stack):
    """Any value under any key gives settings, or a message that names a key."""
    full = key.name if key.namespace else f"{PROJECT}:{key.name}"
    error = None
    try:
        load({full: text}, stack=stack, project=PROJECT, secret=SECRET)
    except ConfigurationError as refused:
        error = refused
    assert error is None or (error.key in BY_NAME and error.allowed and error.set_with.startswith("pulumi "))


@settings(max_examples=100, deadline=None)
@given(
    key=st.sampled_from([one for one in KEYS if isinstance(one.kind, Whole)]),
    beyond=st.integers(1, 10**6),
    low=st.booleans(),
)
def test_range_ends(key, beyond, low):
    """The ends of a range are accepted, and the numbers beyond are refused."""
    assert key.parse(str(key.kind.low)) == key.kind.low
    assert key.parse(str(key.kind.high)) == key.kind.high
    with pytest.raises(ConfigurationError, match=str(key.kind.high)):
        key.parse(str(key.kind.low - beyond if low else key.kind.high + beyond))


@settings(max_examples=100, deadline=None)
@given(
    key=st.sampled_from([one for one in KEYS if isinstance(one.kind, Many | Table)]),
    value=st.recursive(st.none() | st.booleans() | st.integers(), lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.just("é"), inner, min_size=1)),
)  # fmt: skip
def test_wrong_structures(key, value):
    """Structures of the wrong shape are refused."""
    with pytest.raises(ConfigurationError):
        key.parse(json.dumps(value))
