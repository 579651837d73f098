"""Run the program against a monitor that makes nothing and remembers everything, options too."""

from __future__ import annotations

import asyncio
import importlib
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from google.protobuf import empty_pb2
from pulumi import _types
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime import stack as pulumi_stack
from pulumi.runtime.proto import provider_pb2, resource_pb2

from .graph import Graph, Inputs, Node, marker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from drift_contracts.json_types import JsonObject, JsonValue

    #: What a question is answered with; an exception stands for an answer that is an error.
    Answer: TypeAlias = "Mapping[str, JsonValue] | Exception"

#: An account that is nobody's: AWS uses this number in its examples.
ACCOUNT = "123456789012"
#: What the provider and the state answer, by question.
ANSWERS: dict[str, Answer] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": ACCOUNT,
        "arn": "",
        "id": ACCOUNT,
        "userId": "A",
    },
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "userName": "AWS",
        "password": "captured-password",
        "authorizationToken": "",
        "expiresAt": "",
        "id": "",
        "proxyEndpoint": "",
        "registryId": ACCOUNT,
    },
    "aws:ecr/getImage:getImage": LookupError("reading ECR Image: couldn't find resource"),
    "pulumi:pulumi:readStackOutputs": {"outputs": {}},
}
#: Outputs of which the program reads a part, by kind.
READ_INSIDE = {
    "aws:apigatewayv2/domainName:DomainName": {
        "domainNameConfiguration": ("targetDomainName", "hostedZoneId")
    },
}
#: The folders of pulumi-aws that are not named as the module in a kind.
FOLDERS = {"lambda": "lambda_", "index": ""}
#: Of an image that was never built.
DIGEST = "sha256:" + "a" * 64


class _Unused(mocks.Mocks):
    """The answering half that the base class wants; the monitor below answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> NoReturn:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> NoReturn:
        raise NotImplementedError(args.typ)


class CapturingMonitor(mocks.MockMonitor):
    """Keeps each resource with its options, and answers outputs that say whose they are."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(_Unused())
        self._answers = {**ANSWERS, **answers}
        self.nodes: list[Node] = []
        self.outputs = Inputs()

    # Protobuf's messages have no types, so requests and answers of the engine's calls are Any.
    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        """Remember a resource; every text output that is no input becomes a marker."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        sent = rpc.deserialize_properties(request.object)
        inputs, secrets = _without_secrets(sent)
        self.nodes.append(_node(request, urn, inputs, secrets))
        state = sent
        if request.custom:
            state = _state(request.type, request.name, sent)
        identity = marker(request.type, request.name, "id")
        answer = asyncio.run(rpc.serialize_properties(state, {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=answer)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        """Answer a question to the provider or to the engine from a fixed list."""
        answer = self._answers[request.tok]
        if isinstance(answer, Exception):
            failure = provider_pb2.CheckFailure(reason=str(answer))
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        document = asyncio.run(rpc.serialize_properties(answer, {}))
        # The field is named by a word of Python's, so it cannot be written as a keyword.
        return resource_pb2.ResourceInvokeResponse(**{"return": document})

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - as above
        """Remember the stack's outputs."""
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            outputs = rpc.deserialize_properties(request.outputs)
            self.outputs, _ = _without_secrets(outputs)
        return empty_pb2.Empty()


def _node(request: Any, urn: str, inputs: Inputs, secrets: frozenset[str]) -> Node:
    return Node(
        kind=request.type,
        name=request.name,
        urn=urn,
        parent=request.parent,
        custom=request.custom,
        inputs=inputs,
        secrets=secrets,
        ignored=tuple(request.ignoreChanges),
        after=tuple(request.dependencies),
        protect=request.protect,
        retain=request.retainOnDelete,
        secret_outputs=tuple(request.additionalSecretOutputs),
        provider=request.provider,
        aliases=tuple(alias.spec.name or alias.urn for alias in request.aliases),
        delete_first=request.deleteBeforeReplace,
        adopted=request.importId,
    )


def _without_secrets(sent: JsonObject) -> tuple[Inputs, frozenset[str]]:
    """Return inputs without their secret wrappers, and the top-level keys under which one was."""
    inputs = Inputs()
    secrets = set()
    for name, value in sent.items():
        inputs[name], is_secret = _unwrapped(value)
        if is_secret:
            secrets.add(name)
    return inputs, frozenset(secrets)


def _unwrapped(value: JsonValue) -> tuple[JsonValue, bool]:
    """Return a value without secret wrappers at any depth, and whether there was one."""
    if rpc.is_rpc_secret(value):
        return _unwrapped(rpc.unwrap_rpc_secret(value))[0], True
    if isinstance(value, dict):
        members = {name: _unwrapped(part) for name, part in value.items()}
        opened: JsonValue = {name: part for name, (part, _) in members.items()}
        return opened, any(is_secret for _, is_secret in members.values())
    if isinstance(value, list):
        parts = [_unwrapped(part) for part in value]
        opened = [part for part, _ in parts]
        return opened, any(is_secret for _, is_secret in parts)
    return value, False


def _state(kind: str, name: str, inputs: JsonObject) -> JsonObject:
    """Return the inputs, and a marker for every text that AWS would add.

    Where the program reads a part of an output, that part has a marker too.
    """
    state: JsonObject = {output: marker(kind, name, output) for output in _text_outputs(kind)}
    state |= inputs
    for output, parts in READ_INSIDE.get(kind, {}).items():
        inside = state[output]
        if isinstance(inside, dict):
            marked = {part: marker(kind, name, f"{output}[0].{part}") for part in parts}
            state[output] = {**inside, **marked}
    return state


@cache
def _text_outputs(kind: str) -> tuple[str, ...]:
    """Return the names of a kind's text outputs, as the engine spells them.

    They are read from the package that declares the kind.
    """
    package, path, name = kind.split(":")
    if package not in ("aws", "docker"):
        return ()
    module = path.split("/")[0]
    folder = FOLDERS.get(module, module)
    home = importlib.import_module(f"pulumi_{package}.{folder}".rstrip("."))
    types = _types.resource_types(getattr(home, name))
    return tuple(output for output, declared in types.items() if _may_be_text(declared))


def _may_be_text(declared: object) -> bool:
    """Return whether a type is `str`, or optional or a forward reference to it."""
    return declared is str or "str" in str(declared).split("[")[-1]


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def capture(
    program: Callable[[], object],
    *,
    project: str,
    stack: str,
    answers: Mapping[str, Answer] | None = None,
) -> Graph:
    """Return the graph that a program declares, its outputs and warnings; nothing leaves here.

    Args:
        program: declares the resources when it is called.
        project: Pulumi's name of the project.
        stack: Pulumi's name of the stack.
        answers: by question, over those of ANSWERS.
    """
    monitor = CapturingMonitor(answers or {})
    warnings = _Warnings()
    logger = logging.Logger("capture")
    logger.addHandler(warnings)
    deployment = monitor.GetDeploymentInfo(None)  # type: ignore[no-untyped-call] # Pulumi's mock

    def declare() -> None:
        program()

    async def run() -> None:
        settings.configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call] # Pulumi's mock
                monitor=monitor,
                monitor_features=set(deployment.supportedFeatures),
                engine=mocks.MockEngine(logger),
                project=project,
                stack=stack,
                dry_run=False,
                organization=None,
                callbacks=None,
            )
        )
        # A stack resource of an earlier capture in this process would be taken as the parent.
        settings.ROOT.set(None)
        await pulumi_stack.run_in_stack(declare)

    asyncio.run(run())
    return Graph(stack, monitor.nodes, monitor.outputs, tuple(warnings.messages))
