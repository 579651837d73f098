"""Functions: logs they own, one image, the alias, what happens to a call that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import environment
from drift_contracts.functions import EVERYWHERE, FUNCTIONS, FunctionVariables
from drift_infra.policies import statements

from tools.stack_checks.graph import Inputs, referenced_names, references

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph, Node

    from .finding import Facts, Found

#: What each function runs in the image.
COMMANDS = {
    "predictor-function": "drift_predictor.handler.handler",
    "aggregator-function": "drift_monitor.handlers.aggregate",
    "evaluator-function": "drift_monitor.handlers.evaluate",
    "notifier-function": "drift_monitor.handlers.notify",
    "probe-function": "drift_monitor.handlers.probe",
}
#: Versions behind an alias that Lambda takes.
MOST_VERSIONS = 2
#: A function that contracts know nothing of has what every function has.
UNKNOWN_FUNCTION = FunctionVariables(EVERYWHERE)
ROLE = "aws:iam/role:Role"


def owns_its_logs(graph: Graph, _facts: Facts) -> Found:
    """Report functions whose log group is not ours or not there before them.

    Lambda would make one that is kept for ever.
    """
    groups = {node.inputs.text("name"): node for node in graph.of("cloudwatch.LogGroup")}
    for node in graph.of("lambda.Function"):
        group = groups.get(f"/aws/lambda/{node.inputs.text('name')}")
        if group is None:
            yield node.address, "has no log group of its own"
        elif not node.waits_for(group):
            yield node.address, "may run before its log group is there"


def allowed_before_it_runs(graph: Graph, _facts: Facts) -> Found:
    """Report what works under a role and does not wait for its policy: its first calls fail."""
    roles = {node.name: node.inputs.text("name") for node in graph.of("iam.Role")}
    policies = graph.of("iam.RolePolicy")
    for node in graph.resources:
        used = set()
        for reference in references(node.inputs):
            if (reference.kind, reference.attribute) == (ROLE, "arn"):
                used.add(reference.name)
        for name in sorted(used):
            grants = [policy for policy in policies if policy.inputs.text("role") == roles[name]]
            if not any(node.waits_for(policy) for policy in grants):
                yield node.address, f"does not wait for the policy of {name}"


def own_role(graph: Graph, _facts: Facts) -> Found:
    """Report functions that share a role."""
    users: dict[str, str] = {}
    for node in graph.of("lambda.Function"):
        role = node.inputs.text("role")
        if role in users:
            yield node.address, f"shares its role with {users[role]}"
        users[role] = node.address


def one_image(graph: Graph, facts: Facts) -> Found:
    """Report functions that run another image, for another processor, or an unknown command."""
    functions = graph.of("lambda.Function")
    images = {node.inputs.text("imageUri") for node in functions}
    for node in functions:
        function = node.inputs
        if function.text("packageType") != "Image" or len(images) > 1:
            yield node.address, "does not run the one image"
        if function.texts("architectures") != [facts.architecture]:
            yield node.address, f"is not for {facts.architecture}"
        if function.texts("imageConfig/commands") != [COMMANDS.get(node.name)]:
            yield node.address, "has a command that the image does not have"


def known_environment(graph: Graph, _facts: Facts) -> Found:
    """Report functions whose environment is not what their service reads, no more and no less."""
    for node in graph.of("lambda.Function"):
        variables = set(_variables(node))
        name = node.name.removesuffix("-function")
        function = FUNCTIONS.get(name, UNKNOWN_FUNCTION)
        missing = function.required - variables
        unknown = variables - function.all()
        if missing or unknown:
            names = ", ".join(sorted(missing | unknown))
            yield node.address, f"environment differs by {names}"


def _variables(node: Node) -> Inputs:
    return node.inputs.members("environment/variables")


def probe_may_mark(graph: Graph, _facts: Facts) -> Found:
    """Report a probe that the predictor cannot tell from a stranger, whose marks it refuses.

    A probe that signs is named by its role; any other calls the function itself, not the API.
    """
    variables = {node.name: _variables(node) for node in graph.of("lambda.Function")}
    probe = variables.get("probe-function")
    if probe is None:
        return
    if probe.text(environment.API_AUTH) != "iam":
        if not probe.text(environment.FUNCTION):
            yield "lambda.Function probe-function", "calls the API, which cannot tell who it is"
        return
    role = graph.one("iam.Role", "probe-role").inputs.text("name")
    callers = variables["predictor-function"].text(environment.SYNTHETIC_CALLERS).split(",")
    # Callers are ARNs or patterns of them, whose last part is the role's name.
    if not any(caller.endswith(f":role/{role}") for caller in callers):
        function = "lambda.Function predictor-function"
        yield function, "does not name the probe among its synthetic callers"


def alias_is_sound(graph: Graph, facts: Facts) -> Found:
    """Report an alias that follows no published version, or that fights a rollout from outside."""
    for node in graph.of("lambda.Alias"):
        weights = node.inputs.members("routingConfig/additionalVersionWeights")
        shares = [weights.number(version) for version in weights]
        if len(shares) >= MOST_VERSIONS or not all(0 < share < 1 for share in shares):
            yield node.address, "splits traffic in a way that Lambda refuses"
        version = node.inputs.text("functionVersion")
        published = any(reference.attribute == "version" for reference in references(version))
        if not published and not version.isdecimal():
            message = "follows neither the function's newest version nor a published one"
            yield node.address, message
        # An update of ours would undo the steps that a rollout tool has taken.
        expected = set()
        if facts.rollout == "external":
            expected = {"functionVersion", "routingConfig"}
        if set(node.ignored) != expected:
            message = "would be reverted, or never moves: ignore_changes does not fit the rollout"
            yield node.address, message
    for node in graph.of("lambda.Function"):
        if node.name == "predictor-function" and not node.inputs.flag("publish"):
            yield node.address, "publishes no version"


def a_version_is_tried_first(graph: Graph, _facts: Facts) -> Found:
    """Report an alias that moves to a version that has not answered, or is not warm yet."""
    invocations = graph.of("lambda.Invocation")
    for alias in graph.of("lambda.Alias"):
        version = alias.inputs.at("functionVersion")
        trials = [node for node in invocations if node.inputs.at("qualifier") == version]
        was_called = any(alias.waits_for(node) for node in trials)
        if not was_called and not _is_stopped(graph):
            yield alias.address, "moves to a version that was never called"
        keepers = [node for node in invocations if "baselines" in str(node.inputs.at("input"))]
        # Without a trigger the version would be called once, and never for a new image.
        renewed = [node for node in keepers if node.inputs.flag("triggers/image")]
        if not any(alias.waits_for(node) for node in renewed):
            yield alias.address, "moves to a version whose baseline is not kept"
        for warm in graph.of("lambda.ProvisionedConcurrencyConfig"):
            if warm.inputs.at("qualifier") != version:
                yield warm.address, "is not on the version that callers get"
            elif not alias.waits_for(warm):
                yield alias.address, "moves before its version is warm"


def _is_stopped(graph: Graph) -> bool:
    """Return whether the predictor may run no instance at all, as after a stop by its budget."""
    for node in graph.of("lambda.Function"):
        instances = node.inputs.at("reservedConcurrentExecutions")
        if node.name == "predictor-function" and instances == 0:
            return True
    return False


def failures_are_kept(graph: Graph, _facts: Facts) -> Found:
    """Report callers that do not wait for an answer and have no dead-letter queue.

    The predictor should have no such caller; one that is wired to it by mistake must lose nothing,
    whether it calls the function or its alias.
    """
    yield from _functions_that_lose(graph)
    for node in graph.of("scheduler.Schedule"):
        if not node.inputs.flag("target/deadLetterConfig/arn"):
            yield node.address, "loses calls that cannot be delivered"
    for node in graph.of("sns.TopicSubscription"):
        is_called = node.inputs.text("protocol") in ("https", "lambda")
        if is_called and not _topic_may_write(node, graph):
            yield node.address, "loses messages that cannot be delivered"
    for node in graph.of("lambda.EventSourceMapping"):
        if node.inputs.texts("functionResponseTypes") != ["ReportBatchItemFailures"]:
            yield node.address, "repeats a whole batch for one bad message"


def _functions_that_lose(graph: Graph) -> Found:
    called = [("aggregator-function", ""), ("notifier-function", ""), ("predictor-function", "")]
    # What calls the alias has the alias's own settings for calls that fail.
    aliases = [node.inputs.text("name") for node in graph.of("lambda.Alias")]
    called += [("predictor-function", alias) for alias in aliases]
    safe = set()
    for node in graph.of("lambda.FunctionEventInvokeConfig"):
        if node.inputs.flag("destinationConfig/onFailure/destination"):
            safe.add((_target(node, graph), node.inputs.text("qualifier")))
    present = {node.name for node in graph.of("lambda.Function")}
    for name, qualifier in called:
        if name in present and (name, qualifier) not in safe:
            yield f"lambda.Function {name}", "loses calls that fail"


def _topic_may_write(subscription: Node, graph: Graph) -> bool:
    """Return whether a subscription's dead-letter queue admits the topic in its own policy.

    SNS has no role that it could use instead.
    """
    queues = referenced_names(subscription.inputs.text("redrivePolicy"))
    admitted = []
    for node in graph.of("sqs.QueuePolicy"):
        if not queues & referenced_names(node.inputs.text("queueUrl")):
            continue
        for statement in statements(node.inputs.text("policy")):
            rule = Inputs(statement)
            principal = {"Service": "sns.amazonaws.com"}
            if rule.text("Effect") == "Allow" and rule.at("Principal") == principal:
                source = rule.text("Condition/ArnLike/aws:SourceArn")
                admitted.append(source.rpartition(":")[2])
    topics = [node.inputs.text("name") for node in graph.of("sns.Topic")]
    return bool(queues) and admitted == topics


def scheduled_runs_are_not_repeated(graph: Graph, _facts: Facts) -> Found:
    """Report scheduled runs that are tried again: the next one is due, and two would collide."""
    once = set()
    for node in graph.of("lambda.FunctionEventInvokeConfig"):
        if node.inputs.at("maximumRetryAttempts") == 0:
            once.add(_target(node, graph))
    for node in graph.of("scheduler.Schedule"):
        called = referenced_names(node.inputs.text("target/arn"))
        # The notifier's retries are those of notices; a call without one does nothing twice.
        if not called <= {*once, "notifier-function"}:
            yield node.address, "repeats runs that fail"


def nobody_sleeps(graph: Graph, _facts: Facts) -> Found:
    """Report a function that alerts alone call: Lambda puts it to sleep before the first."""
    scheduled = [node.inputs.text("target/arn") for node in graph.of("scheduler.Schedule")]
    for node in graph.of("lambda.Function"):
        is_called = any(node.name in target for target in scheduled)
        if node.name == "notifier-function" and not is_called:
            yield node.address, "sleeps through the first alert"


def _target(node: Node, graph: Graph) -> str:
    """Return the name in the program of the function that a node names as AWS does."""
    functions = graph.of("lambda.Function")
    names = {function.inputs.text("name"): function.name for function in functions}
    return names.get(node.inputs.text("functionName"), "")


RULES = (
    owns_its_logs,
    allowed_before_it_runs,
    own_role,
    one_image,
    known_environment,
    probe_may_mark,
    alias_is_sound,
    a_version_is_tried_first,
    failures_are_kept,
    scheduled_runs_are_not_repeated,
    nobody_sleeps,
)
