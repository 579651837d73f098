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


def test_the_version_answers_and_is_warm_before_the_alias_moves(built):
    """A version that cannot start stops the update while callers still get the one before."""
    alias, (warm,), (trial,) = parts(built(provisionedConcurrency="1"))
    version = alias.inputs["functionVersion"]
    assert version.endswith("|version}")
    assert {warm.inputs["qualifier"], trial.inputs["qualifier"]} == {version}
    assert {warm.urn, trial.urn} <= set(alias.after)
    assert trial.urn in warm.after


def test_a_versions_baseline_is_kept_before_it_answers(built):
    """The first event of a new version, and the last of the old one, have something to be compared with."""
    graph = built()
    kept = graph.one("lambda.Invocation", "monitor-baselines")
    assert kept.inputs["triggers"]["image"] == graph.one("lambda.Function", "aggregator-function").inputs["imageUri"]
    assert kept.urn in graph.one("lambda.Alias", "predictor-alias").after


def test_a_warm_instance_goes_with_a_split(built):
    """Lambda refuses a split alias that is kept warm, not one whose versions are."""
    alias, (warm,), _ = parts(built(provisionedConcurrency="1", **SPLIT))
    assert alias.inputs["routingConfig"]["additionalVersionWeights"] == {"7": 0.2}
    assert warm.inputs["qualifier"] == alias.inputs["functionVersion"]


@pytest.mark.parametrize(("qualifier", "first"), [("live", True), ("3", False)])
def test_only_an_instance_on_the_alias_goes_before_the_new_one_is_warm(built, qualifier, first):
    """Lambda keeps no version warm twice; from version to version the old one stays until the new one answers."""
    _, (warm,), _ = parts(built(state(warm={"qualifier": qualifier}), provisionedConcurrency="1"))
    assert warm.delete_first is first


def test_traffic_that_is_stopped_is_not_called(built):
    """A reserved concurrency of 0 refuses the trial as it refuses everybody."""
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


def test_going_back_before_the_first_update_is_refused(built, root, tmp_path):
    """There is no version to go back to, and no image to keep."""
    with pytest.raises(ConfigurationError) as caught:
        built(None, tmp_path, imageDigest="", liveVersion="3")
    assert f"`{caught.value.key}: {caught.value.problem}`" in (root / "docs/configuration.md").read_text("utf-8")
