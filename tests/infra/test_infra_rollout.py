"""A new version, a split, the way back: what the alias calls has answered before anybody gets it."""

from __future__ import annotations

import pytest
from drift_infra.components.predictor import WARM
from drift_infra.preflight import FUNCTION
from drift_infra.settings import ConfigurationError

from tools.stack_checks.stacks import graph_of, settings_of

RUNNING = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-drift-monitor-dev-image@sha256:" + "c" * 64
PIN = "d" * 64
SPLIT = {"previousVersion": "7", "previousVersionPercent": "20"}


def state(**resources):
    """What the engine answers of a deployed stack; resources: outputs of a type by its last word."""
    kinds = {"function": (FUNCTION, "predictor-function"), "warm": (WARM, "predictor-warm")}
    found = {}
    for word, outputs in resources.items():
        kind, name = kinds[word]
        found[f"urn:pulumi:dev::mlops-drift-monitor::drift:infra:Predictor${kind}::{name}"] = {"outputs": outputs}
    return {
        "pulumi:pulumi:readStackOutputs": {"outputs": {"apiUrl": "https://api.example.com"}},
        "pulumi:pulumi:readStackResourceOutputs": {"outputs": found},
    }


DEPLOYED = state(
    function={"imageUri": RUNNING, "environment": {"variables": {"DRIFT_MODEL_VERSIONS": f"house-price={PIN}"}}}
)


@pytest.fixture(scope="module")
def built(root):
    def one(answers=None, folder=root, **changes):
        return graph_of(settings_of(root, "dev", changes), folder, answers=answers)

    return one


def parts(graph):
    """The alias, and the warm instance and the trial where there are any."""
    alias = graph.one("lambda.Alias", "predictor-alias")
    trials = [node for node in graph.of("lambda.Invocation") if node.name == "predictor-trial"]
    return alias, graph.of("lambda.ProvisionedConcurrencyConfig"), trials


def test_trial_before_alias(built):
    """A version is called and warm before the alias moves, so that a broken one stops the update."""
    alias, (warm,), (trial,) = parts(built(provisionedConcurrency="1"))
    version = alias.inputs["functionVersion"]
    assert version.endswith("|version}")
    assert {warm.inputs["qualifier"], trial.inputs["qualifier"]} == {version}
    assert {warm.urn, trial.urn} <= set(alias.after)
    assert trial.urn in warm.after


def test_baseline_first(built):
    """A version's baseline is stored before it answers, so that its first event can be compared."""
    graph = built()
    kept = graph.one("lambda.Invocation", "monitor-baselines")
    assert kept.inputs["triggers"]["image"] == graph.one("lambda.Function", "aggregator-function").inputs["imageUri"]
    assert kept.urn in graph.one("lambda.Alias", "predictor-alias").after


def test_filters_first(built):
    """What reads the log takes a version's events before the version answers."""
    graph = built()
    filters = {node.urn for node in graph.of("cloudwatch.LogSubscriptionFilter")}
    assert len(filters) == 2
    assert filters <= set(graph.one("lambda.Alias", "predictor-alias").after)


def test_warm_split(built):
    """A split has its warm instance on the version, as Lambda refuses one on the alias."""
    alias, (warm,), _ = parts(built(provisionedConcurrency="1", **SPLIT))
    assert alias.inputs["routingConfig"]["additionalVersionWeights"] == {"7": 0.2}
    assert warm.inputs["qualifier"] == alias.inputs["functionVersion"]


@pytest.mark.parametrize(("qualifier", "first"), [("live", True), ("3", False)])
def test_warm_order(built, qualifier, first):
    """Only a warm instance on the alias goes first, and one of a version stays for the next."""
    _, (warm,), _ = parts(built(state(warm={"qualifier": qualifier}), provisionedConcurrency="1"))
    assert warm.delete_first is first


def test_stopped_traffic(built):
    """Where traffic is stopped the version is not called, as it would be refused."""
    _, _, trials = parts(built(reservedConcurrency="0"))
    assert trials == []


def test_going_back_builds_nothing(built, tmp_path):
    """A published version gets all traffic, with the image and the pins that the state has, whatever lies here."""
    graph = built(DEPLOYED, tmp_path, imageDigest="", liveVersion="3")
    alias, _, (trial,) = parts(graph)
    assert (alias.inputs["functionVersion"], trial.inputs["qualifier"]) == ("3", "3")
    assert not alias.inputs.get("routingConfig")
    function = graph.one("lambda.Function", "predictor-function").inputs
    assert function["imageUri"] == RUNNING
    assert function["environment"]["variables"]["DRIFT_MODEL_VERSIONS"] == f"house-price={PIN}"
    assert graph.of("docker.Image") == []


def test_nothing_to_go_back_to(built, root, tmp_path):
    """Going back before the first update is refused, as there is no version."""
    with pytest.raises(ConfigurationError) as caught:
        built(None, tmp_path, imageDigest="", liveVersion="3")
    assert f"`{caught.value.key}: {caught.value.problem}`" in (root / "docs/configuration.md").read_text("utf-8")
