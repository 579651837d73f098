"""A Pulumi engine small enough to read: it speaks the protocol, makes nothing, and remembers what it was asked.

The program runs as the CLI runs it: a process of its own in the folder that `main` names, its configuration in the
environment, a preview in which everything that AWS would answer is unknown.
"""

# ruff: noqa: N802, ARG002 - the methods and their arguments are those of the protocol

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import yaml
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from tools.stack_checks.capture import ANSWERS
from tools.stack_checks.stacks import full, text

STACK = "pulumi:pulumi:Stack"
FEATURES = ("SECRETS", "RESOURCE_REFERENCES", "ALIAS_SPECS", "DELETED_WITH")
PROGRAM = """
import asyncio, runpy, sys
import pulumi
from pulumi.runtime import Settings, configure, get_config_env, get_config_secret_keys_env, run_in_stack, set_all_config
address, project, stack = sys.argv[1:]
set_all_config(get_config_env(), get_config_secret_keys_env())
configure(Settings(project=project, stack=stack, monitor=address, engine=address, parallel=8, dry_run=True))
try:
    asyncio.run(run_in_stack(lambda: (runpy.run_path(".", run_name="__main__"), None)[1]))
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
"""


@dataclass(frozen=True)
class Run:
    """How a preview ended: exit code, types of the resources it would make, what it logged by severity."""

    code: int
    types: list[str]
    logged: list[tuple[str, str]]
    stderr: str

    @property
    def errors(self) -> list[str]:
        return [message for severity, message in self.logged if severity == "ERROR"]


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.types, self.logged, self.root = [], [], ""
        self.required, self.too_old = "", False

    def GetDeploymentInfo(self, request, context):
        features = [getattr(resource_pb2, f"RESOURCE_MONITOR_FEATURE_{name}") for name in FEATURES]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def SupportsFeature(self, request, context):
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def RegisterResource(self, request, context):
        self.types.append(request.type)
        urn = f"urn:pulumi:stack::project::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def RegisterResourceOutputs(self, request, context):
        return empty_pb2.Empty()

    def Invoke(self, request, context):
        found = ANSWERS[request.tok]
        if isinstance(found, Exception):
            context.abort(grpc.StatusCode.UNKNOWN, str(found))
        answer = json_format.ParseDict(found, resource_pb2.ResourceInvokeRequest().args)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def RequirePulumiVersion(self, request, context):
        self.required = request.pulumi_version_range
        if self.too_old:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Pulumi CLI version 3.200.0 does not satisfy it")
        return engine_pb2.RequirePulumiVersionResponse()

    def SignalAndWaitForShutdown(self, request, context):
        return empty_pb2.Empty()

    def Log(self, request, context):
        self.logged.append((engine_pb2.LogSeverity.Name(request.severity), request.message))
        return empty_pb2.Empty()

    def SetRootResource(self, request, context):
        self.root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(self, request, context):
        return engine_pb2.GetRootResourceResponse(urn=self.root)


def preview(root, stack, given, secret=(), path="", too_old=False):
    """Preview the project in a folder with the stack's own keys over the project's defaults, as Pulumi merges them."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    name = project["name"]
    defaults = {full(name, key): facts.get("default", facts.get("value")) for key, facts in project["config"].items()}
    configuration = {key: text(value) for key, value in {**defaults, **given}.items()}
    engine = Engine()
    engine.too_old = too_old
    server = grpc.server(ThreadPoolExecutor(8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"127.0.0.1:{port}", name, stack],
            cwd=root / project["main"],
            env={
                "PATH": str(path),
                "PULUMI_CONFIG": json.dumps(configuration),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(secret)),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        server.stop(None)
    return Run(done.returncode, engine.types, engine.logged, done.stderr)
