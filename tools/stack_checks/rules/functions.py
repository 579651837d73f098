"""Functions: logs they own, one image, the alias, what happens to a call that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import environment, functions
from drift_infra.policies import statements

from tools.stack_checks.graph import references

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph, Node

    from .finding import Facts, Found

COMMANDS = {
    "predictor-function": "drift_predictor.handler.handler",
    "aggregator-function": "drift_monitor.handlers.aggregate",
    "evaluator-function": "drift_monitor.handlers.evaluate",
    "notifier-function": "drift_monitor.handlers.notify",
    "probe-function": "drift_monitor.handlers.probe",
}
MOST_VERSIONS = 2
#: A function that contracts know nothing of has what every function has.
UNKNOWN_FUNCTION = functions.FunctionVariables(functions.EVERYWHERE)
ROLE_ARN = ("aws:iam/role:Role", "arn")


def owns_its_logs(graph: Graph, _facts: Facts) -> Found:
    """Each function's log group is ours and is there before the function, or Lambda makes one that is kept for ever."""
    groups = {str(node.inputs["name"]): node.urn for node in graph.of("cloudwatch.LogGroup")}
    for node in graph.of("lambda.Function"):
        group = groups.get(f"/aws/lambda/{node.inputs['name']}")
        if group is None:
            yield node.address, "has no log group of its own"
        elif group not in node.after:
            yield node.address, "may run before its log group is there"


def allowed_before_it_runs(graph: Graph, _facts: Facts) -> Found:
    """Whatever works under a role waits for the role's policy, or its first calls fail."""
    roles = {node.name: node.inputs["name"] for node in graph.of("iam.Role")}
    for node in graph.resources:
        used = {name for kind, name, attribute in references(node.inputs) if (kind, attribute) == ROLE_ARN}
        for name in sorted(used):
            given = {one.urn for one in graph.of("iam.RolePolicy") if one.inputs["role"] == roles[name]}
            if not given & set(node.after):
                yield node.address, f"does not wait for the policy of {name}"


def own_role(graph: Graph, _facts: Facts) -> Found:
    """No two functions share a role."""
    seen: dict[str, str] = {}
    for node in graph.of("lambda.Function"):
        role = str(node.inputs.get("role"))
        if role in seen:
            yield node.address, f"shares its role with {seen[role]}"
        seen[role] = node.address


def one_image(graph: Graph, facts: Facts) -> Found:
    """Every function runs the same image for the configured processor, each with its own command."""
    images = {str(node.inputs.get("imageUri")) for node in graph.of("lambda.Function")}
    for node in graph.of("lambda.Function"):
        given = node.inputs
        if node.inputs.get("packageType") != "Image" or len(images) > 1:
            yield node.address, "does not run the one image"
        if given.get("architectures") != [facts.architecture]:
            yield node.address, f"is not for {facts.architecture}"
        if given.get("imageConfig", {}).get("commands") != [COMMANDS.get(node.name)]:
            yield node.address, "has a command that the image does not have"


def known_environment(graph: Graph, _facts: Facts) -> Found:
    """The environment of a function is what its service reads: nothing missing, nothing unknown."""
    for node in graph.of("lambda.Function"):
        variables = set(node.inputs.get("environment", {}).get("variables", {}))
        function = functions.FUNCTIONS.get(node.name.removesuffix("-function"), UNKNOWN_FUNCTION)
        differing = (function.required - variables) | (variables - function.all())
        if differing:
            yield node.address, f"environment differs by {', '.join(sorted(differing))}"


def probe_may_mark(graph: Graph, _facts: Facts) -> Found:
    """The predictor can tell the probe from a stranger, or refuses its synthetic requests.

    A probe that signs is named by its role; any other goes past the API, straight to the function.
    """
    roles = {node.name: str(node.inputs["name"]) for node in graph.of("iam.Role")}
    variables = {
        node.name: node.inputs.get("environment", {}).get("variables", {}) for node in graph.of("lambda.Function")
    }
    if "probe-function" not in variables:
        return
    probe = variables["probe-function"]
    callers = str(variables["predictor-function"].get(environment.SYNTHETIC_CALLERS, "")).split(",")
    if probe.get(environment.API_AUTH) != "iam" and not probe.get(environment.FUNCTION):
        yield "lambda.Function probe-function", "calls the API, which cannot tell who it is"
    if probe.get(environment.API_AUTH) == "iam" and not any(
        caller.endswith(f":role/{roles['probe-role']}") for caller in callers
    ):
        yield "lambda.Function predictor-function", "does not name the probe among its synthetic callers"


def alias_is_sound(graph: Graph, facts: Facts) -> Found:
    """The alias follows the published version; a rollout tool outside is not reverted."""
    for node in graph.of("lambda.Alias"):
        weights = (node.inputs.get("routingConfig") or {}).get("additionalVersionWeights", {})
        if len(weights) >= MOST_VERSIONS or any(not 0 < weight < 1 for weight in weights.values()):
            yield node.address, "splits traffic in a way that Lambda refuses"
        version = str(node.inputs.get("functionVersion"))
        published = any(attribute == "version" for _, _, attribute in references(version))
        if not published and not version.isdecimal():
            yield node.address, "follows neither the function's newest version nor a published one"
        expected = {"functionVersion", "routingConfig"} if facts.rollout == "external" else set()
        if set(node.ignored) != expected:
            yield node.address, "would be reverted, or never moves: ignore_changes does not fit the rollout"
    for node in graph.of("lambda.Function"):
        if node.name == "predictor-function" and not node.inputs.get("publish"):
            yield node.address, "publishes no version"


def a_version_is_tried_first(graph: Graph, _facts: Facts) -> Found:
    """The alias moves to a version that has answered, and that is warm where instances are kept."""
    for alias in graph.of("lambda.Alias"):
        version = alias.inputs.get("functionVersion")
        tried = [node for node in graph.of("lambda.Invocation") if node.inputs.get("qualifier") == version]
        stopped = any(
            node.name == "predictor-function" and node.inputs.get("reservedConcurrentExecutions") == 0
            for node in graph.of("lambda.Function")
        )
        if not stopped and not any(node.urn in alias.after for node in tried):
            yield alias.address, "moves to a version that was never called"
        kept = [node for node in graph.of("lambda.Invocation") if "baselines" in str(node.inputs.get("input"))]
        if not any(node.urn in alias.after and node.inputs.get("triggers", {}).get("image") for node in kept):
            yield alias.address, "moves to a version whose baseline is not kept"
        for warm in graph.of("lambda.ProvisionedConcurrencyConfig"):
            if warm.inputs.get("qualifier") != version:
                yield warm.address, "is not on the version that callers get"
            elif warm.urn not in alias.after:
                yield alias.address, "moves before its version is warm"


def failures_are_kept(graph: Graph, _facts: Facts) -> Found:
    """Whatever calls a function without waiting has a dead-letter queue.

    The predictor should have no such caller; one that is wired to it by mistake must lose nothing, whether it calls
    the function or its alias.
    """
    present = {node.name for node in graph.of("lambda.Function")}
    called = [(name, "") for name in ("aggregator-function", "notifier-function", "predictor-function")]
    called += [("predictor-function", str(node.inputs["name"])) for node in graph.of("lambda.Alias")]
    safe = {
        (_target(node, graph), str(node.inputs.get("qualifier") or ""))
        for node in graph.of("lambda.FunctionEventInvokeConfig")
        if _destination(node)
    }
    for name, qualifier in called:
        if name in present and (name, qualifier) not in safe:
            yield f"lambda.Function {name}", "loses calls that fail"
    for node in graph.of("scheduler.Schedule"):
        if not node.inputs.get("target", {}).get("deadLetterConfig", {}).get("arn"):
            yield node.address, "loses calls that cannot be delivered"
    for node in graph.of("sns.TopicSubscription"):
        if node.inputs.get("protocol") in ("https", "lambda") and not _topic_may_write(node, graph):
            yield node.address, "loses messages that cannot be delivered"
    for node in graph.of("lambda.EventSourceMapping"):
        if node.inputs.get("functionResponseTypes") != ["ReportBatchItemFailures"]:
            yield node.address, "repeats a whole batch for one bad message"


def _topic_may_write(subscription: Node, graph: Graph) -> bool:
    """Whether the subscription has a dead-letter queue whose own policy admits the topic: SNS has no role to use."""
    queues = {name for _, name, _ in references(subscription.inputs.get("redrivePolicy"))}
    topics = [node.inputs["name"] for node in graph.of("sns.Topic")]
    admitted = [
        one.get("Condition", {}).get("ArnLike", {}).get("aws:SourceArn", "").rpartition(":")[2]
        for node in graph.of("sqs.QueuePolicy")
        if queues & {name for _, name, _ in references(node.inputs["queueUrl"])}
        for one in statements(node.inputs["policy"])
        if (one["Effect"], one.get("Principal")) == ("Allow", {"Service": "sns.amazonaws.com"})
    ]
    return bool(queues) and admitted == topics


def scheduled_runs_are_not_repeated(graph: Graph, _facts: Facts) -> Found:
    """A run that fails is not tried again behind the schedule's back: the next one is due, and two would collide."""
    once = {
        _target(node, graph)
        for node in graph.of("lambda.FunctionEventInvokeConfig")
        if node.inputs.get("maximumRetryAttempts") == 0
    }
    for node in graph.of("scheduler.Schedule"):
        called = {name for _, name, _ in references(node.inputs["target"].get("arn"))}
        # The notifier's retries are those of notices; a call without one does nothing twice.
        if not called <= {*once, "notifier-function"}:
            yield node.address, "repeats runs that fail"


def nobody_sleeps(graph: Graph, _facts: Facts) -> Found:
    """A function that only alerts call is called on a schedule too, or Lambda puts it to sleep before the first."""
    for node in graph.of("lambda.Function"):
        called = any(node.name in str(one.inputs["target"].get("arn")) for one in graph.of("scheduler.Schedule"))
        if node.name == "notifier-function" and not called:
            yield node.address, "sleeps through the first alert"


def _destination(node: Node) -> object:
    return (node.inputs.get("destinationConfig") or {}).get("onFailure", {}).get("destination")


def _target(node: Node, graph: Graph) -> str:
    names = {one.inputs["name"]: one.name for one in graph.of("lambda.Function")}
    return names.get(node.inputs["functionName"], "")


RULES = (
    owns_its_logs, allowed_before_it_runs, own_role, one_image, known_environment, probe_may_mark, alias_is_sound,
    a_version_is_tried_first,
    failures_are_kept, scheduled_runs_are_not_repeated, nobody_sleeps,
)  # fmt: skip
