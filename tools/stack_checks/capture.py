"""Run the program against a monitor that creates nothing and remembers everything, options included."""

from __future__ import annotations

import asyncio
import importlib
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi import _types
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime import stack as pulumi_stack
from pulumi.runtime.proto import provider_pb2, resource_pb2

from .graph import Graph, Node, marker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT = "123456789012"
ANSWERS: dict[str, Any] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "arn": "", "id": ACCOUNT, "userId": "A"},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "userName": "AWS", "password": "captured-password", "authorizationToken": "", "expiresAt": "",
        "id": "", "proxyEndpoint": "", "registryId": ACCOUNT,
    },
    "aws:ecr/getImage:getImage": LookupError("reading ECR Image: couldn't find resource"),
    "pulumi:pulumi:readStackOutputs": {"outputs": {}},
}  # fmt: skip
READ_INSIDE = {
    "aws:apigatewayv2/domainName:DomainName": {"domainNameConfiguration": ("targetDomainName", "hostedZoneId")},
}
DIGEST = "sha256:" + "a" * 64


class _Unused(mocks.Mocks):
    """The base class wants an answering half; the monitor below answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError(args.typ)


class CapturingMonitor(mocks.MockMonitor):
    """Keeps each resource with its options, and answers outputs that say whose they are."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(_Unused())
        self._answers = {**ANSWERS, **answers}
        self.nodes: list[Node] = []
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        """Remember a resource; every text output that was not given becomes a marker."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        given = rpc.deserialize_properties(request.object)
        inputs, secrets = _open(given)
        self.nodes.append(_node(request, urn, inputs, secrets))
        state = _state(request.type, request.name, given) if request.custom else given
        identity = marker(request.type, request.name, "id")
        answer = asyncio.run(rpc.serialize_properties(state, {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=answer)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        """Answer a question to the provider or to the engine from a fixed list."""
        found = self._answers[request.tok]
        if isinstance(found, Exception):
            failure = provider_pb2.CheckFailure(reason=str(found))
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        answer = asyncio.run(rpc.serialize_properties(found, {}))
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        """Remember the stack's outputs."""
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.outputs, _ = _open(rpc.deserialize_properties(request.outputs))
        return empty_pb2.Empty()


def _node(request: Any, urn: str, inputs: dict[str, Any], secrets: frozenset[str]) -> Node:
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


def _open(value: Any) -> tuple[Any, frozenset[str]]:
    """The value without its secret wrappers, and the top-level keys under which there was one."""
    secrets: set[str] = set()

    def walk(item: Any, top: str) -> Any:
        if rpc.is_rpc_secret(item):
            secrets.add(top)
            return walk(rpc.unwrap_rpc_secret(item), top)
        if isinstance(item, dict):
            return {name: walk(part, top or name) for name, part in item.items()}
        return [walk(part, top) for part in item] if isinstance(item, list) else item

    opened = walk(value, "")
    return opened, frozenset(secrets)


def _state(kind: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The inputs, and a marker for every text that AWS would add, nested ones where the program reads them."""
    state = {output: marker(kind, name, output) for output in _text_outputs(kind)} | given
    for output, parts in READ_INSIDE.get(kind, {}).items():
        state[output] = {**state[output], **{part: marker(kind, name, f"{output}[0].{part}") for part in parts}}
    return state


@cache
def _text_outputs(kind: str) -> tuple[str, ...]:
    """Names of a resource type's text outputs, as the engine spells them; found in the package that declares it."""
    package, module, name = kind.split(":")
    if package not in ("aws", "docker"):
        return ()
    folder = {"lambda": "lambda_", "index": ""}.get(module.split("/")[0], module.split("/")[0])
    home = importlib.import_module(f"pulumi_{package}.{folder}" if folder else f"pulumi_{package}")
    types = _types.resource_types(getattr(home, name))
    return tuple(output for output, kind_of in types.items() if kind_of is str or "str" in str(kind_of).split("[")[-1])


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


def capture(
    program: Callable[[], object], *, project: str, stack: str, answers: Mapping[str, Any] | None = None
) -> Graph:
    """The graph that a program declares, its outputs and warnings; nothing leaves this process.

    answers: by question, over those of ANSWERS; an exception stands for an answer that is an error.
    """
    monitor, warnings = CapturingMonitor(answers or {}), _Warnings()
    logger = logging.Logger("capture")
    logger.addHandler(warnings)
    features = set(monitor.GetDeploymentInfo(None).supportedFeatures)  # type: ignore[no-untyped-call] # Pulumi's own mock

    async def declare() -> None:
        settings.configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call] # Pulumi's own mock
                monitor=monitor,
                monitor_features=features,
                engine=mocks.MockEngine(logger),
                project=project,
                stack=stack,
                dry_run=False,
                organization=None,
                callbacks=None,
            )
        )
        settings.ROOT.set(None)
        await pulumi_stack.run_in_stack(lambda: (program(), None)[1])

    asyncio.run(declare())
    return Graph(stack, monitor.nodes, monitor.outputs, tuple(warnings.seen))
