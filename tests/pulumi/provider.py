"""The stand-ins' half of Pulumi's protocol, served by the test's own process: AWS over an Account, and Docker.

The CLI finds them with PULUMI_DEBUG_PROVIDERS=aws:PORT,docker:PORT, so no plugin has to be installed.
"""

# ruff: noqa: N802, ARG002 - the methods and their arguments are those of the protocol

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from .cloud.account import new_version
from .cloud.kinds import KINDS, kind_of, short
from .cloud.outputs import published, text_outputs
from .cloud.questions import answer
from .cloud.refusals import Refused
from .context import context_digest, image_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cloud.account import Account

SAME = provider_pb2.DiffResponse.DIFF_NONE
CHANGED = provider_pb2.DiffResponse.DIFF_SOME
#: How the engine writes a value that nobody knows before the update.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CONTINUES = grpc.StatusCode.UNKNOWN


def nothing(*_: object) -> None:
    """Do nothing: what a test puts another function in the place of."""


def plain(message: struct_pb2.Struct) -> dict:
    """Return a protocol's struct as a dict."""
    return json_format.MessageToDict(message)


def struct(values: dict) -> struct_pb2.Struct:
    """Return a dict as the protocol's struct."""
    return json_format.ParseDict(values, struct_pb2.Struct())


def changed(old: dict, new: dict) -> list[str]:
    """Return the names of the top-level inputs that differ."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


class Base(provider_pb2_grpc.ResourceProviderServicer):
    """What every provider answers the same."""

    version = "0.0.0"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def Attach(self, request, context):
        return empty_pb2.Empty()

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse()

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        same = request.olds == request.news
        return provider_pb2.DiffResponse(changes=SAME if same else CHANGED)

    def Configure(self, request, context):
        self.heard.append("Configure")
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)


class Aws(Base):
    """AWS as an Account keeps it. after: called after each change, with its number; a test interrupts there."""

    def __init__(self, account: Account, version: str) -> None:
        super().__init__()
        self.account, self.version = account, version
        self.after = nothing
        self._steps, self._lock = 0, threading.Lock()

    def Invoke(self, request, context):
        with refusals(context):
            found = answer(self.account, request.tok, plain(request.args))
            return provider_pb2.InvokeResponse(**{"return": struct(found)})

    def Diff(self, request, context):
        names = changed(plain(request.old_inputs), plain(request.news))
        forced = [name for name in names if name in kind_of(token(request.urn)).forces]
        return provider_pb2.DiffResponse(changes=CHANGED if names else SAME, diffs=names, replaces=forced)

    def Create(self, request, context):
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        with refusals(context):
            thing = self.account.create(token(request.urn), plain(request.properties))
            self._count()
            return provider_pb2.CreateResponse(id=thing.id, properties=struct(thing.state))

    def Update(self, request, context):
        old, new = plain(request.old_inputs), plain(request.news)
        if request.preview:
            state = {**plain(request.olds), **new}
            if short(token(request.urn)) == "lambda/function:Function" and new_version(old, new):
                state |= dict.fromkeys(published("", 1), UNKNOWN)
            return provider_pb2.UpdateResponse(properties=struct(state))
        with refusals(context):
            thing = self.account.update(token(request.urn), request.id, new)
            self._count()
            return provider_pb2.UpdateResponse(properties=struct(thing.state))

    def Read(self, request, context):
        thing = self.account.get(short(token(request.urn)), request.id)
        if thing is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=thing.id, properties=struct(thing.state), inputs=struct(thing.inputs))

    def Delete(self, request, context):
        with refusals(context):
            self.account.delete(token(request.urn), request.id)
            self._count()
            return empty_pb2.Empty()

    def _count(self) -> None:
        with self._lock:
            self._steps += 1
            step = self._steps
        self.after(step)


class Docker(Base):
    """pulumi-docker: it hashes the context, builds and pushes whenever anything about the build differs.

    From provider/provider.go and provider/image.go of pulumi/pulumi-docker: Configure asks the daemon, Check adds the
    context's digest, Create and Update both push, Delete does nothing. folder: the program's, where a relative
    context begins.
    """

    def __init__(self, account: Account, version: str) -> None:
        super().__init__()
        self.account, self.version = account, version
        self.daemon, self.builds = True, 0
        self.folder = Path()
        self.after = nothing

    def Configure(self, request, context):
        if not self.daemon:
            context.abort(CONTINUES, "failed to connect to any docker daemon")
        return super().Configure(request, context)

    def Check(self, request, context):
        inputs = plain(request.news)
        build = inputs.get("build")
        if isinstance(build, dict) and UNKNOWN not in (build.get("context"), build.get("dockerfile")):
            inputs["build"] = {**build, "contextDigest": context_digest(self.folder, build)}
        return provider_pb2.CheckResponse(inputs=struct(inputs))

    def Diff(self, request, context):
        self.heard.append("Diff")
        old, new = plain(request.old_inputs), plain(request.news)
        for inputs in (old, new):
            inputs["registry"] = {"server": (inputs.get("registry") or {}).get("server")}
        names = changed(old, new)
        return provider_pb2.DiffResponse(changes=CHANGED if names else SAME, diffs=names)

    def Create(self, request, context):
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        with refusals(context):
            state = self._build_and_push(plain(request.properties))
            return provider_pb2.CreateResponse(id=state["repoDigest"], properties=struct(state))

    def Update(self, request, context):
        if request.preview:
            state = {**plain(request.news), "repoDigest": UNKNOWN}
            return provider_pb2.UpdateResponse(properties=struct(state))
        with refusals(context):
            return provider_pb2.UpdateResponse(properties=struct(self._build_and_push(plain(request.news))))

    def Read(self, request, context):
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request, context):
        self.heard.append("Delete")
        return empty_pb2.Empty()

    def _build_and_push(self, inputs: dict) -> dict:
        """Build another image (no two builds of one content are alike) and push it. Raises Refused."""
        self.builds += 1
        address, _, tag = str(inputs["imageName"]).rpartition(":")
        digest = image_digest(f"{inputs['build']} {self.builds}")
        self.account.push(address.partition("/")[2], tag, digest)
        self.after()
        return {**inputs, "repoDigest": f"{address}@{digest}", "registryServer": address.partition("/")[0]}


def token(urn: str) -> str:
    """Return the type in a urn, without its parents'."""
    return urn.split("::")[2].rpartition("$")[2]


@contextmanager
def refusals(context: grpc.ServicerContext) -> Iterator[None]:
    """Answer a refusal as the protocol does."""
    try:
        yield
    except Refused as refused:
        context.abort(CONTINUES, str(refused))
    except Exception as error:  # a fault of the stand-in itself: the test has to show it
        if context.code() is None:
            context.abort(grpc.StatusCode.INTERNAL, f"the stand-in failed: {error!r}")
        raise


def preload() -> None:
    """Load every type that has a line: pulumi_aws's lazy imports are not safe in threads."""
    for kind in KINDS:
        text_outputs(f"aws:{kind}")


@contextmanager
def served(*providers: Base) -> Iterator[list[int]]:
    """Serve providers on ports of the loopback, for as long as the block runs."""
    servers, ports = [], []
    try:
        for provider in providers:
            server = grpc.server(ThreadPoolExecutor(16))
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
            ports.append(server.add_insecure_port("127.0.0.1:0"))
            server.start()
            servers.append(server)
        yield ports
    finally:
        for server in servers:
            server.stop(None).wait()
