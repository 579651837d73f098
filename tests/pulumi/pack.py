"""The policy pack, started by a language host of ours: the last one of the SDK starts packs in a way that is gone."""

# ruff: noqa: N802, ARG002 - the methods and their arguments are those of the protocol

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

if TYPE_CHECKING:
    from .workspace import Workspace

LANGUAGE = "drift-pack"


def pack(pulumi: Workspace) -> str:
    """Copy the pack for our host, put the host on the workspace's PATH, and return the copy's folder."""
    folder = pulumi.folder / "pack"
    shutil.copytree(pulumi.root / "infra/policies", folder)
    (folder / "PulumiPolicy.yaml").write_text(f"runtime: {{name: {LANGUAGE}}}\n", "utf-8")
    host = pulumi.folder / "bin" / f"pulumi-language-{LANGUAGE}"
    host.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__)} "$@"\n', "utf-8")
    host.chmod(0o755)
    return str(folder)


class PackHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The part of a language host that the engine needs for a pack."""

    def Handshake(self, request, context):
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="3.0.0")

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def RunPlugin(self, request, context):
        """Start the pack and pass its lines on; the first one is the port that the engine waits for."""
        line = [sys.executable, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        environment = {**os.environ, **dict(pair.split("=", 1) for pair in request.env)}
        running = subprocess.Popen(line, cwd=request.pwd or None, env=environment, stdout=subprocess.PIPE)
        context.add_callback(running.terminate)
        for printed in iter(running.stdout.readline, b""):
            yield language_pb2.RunPluginResponse(stdout=printed)
        yield language_pb2.RunPluginResponse(exitcode=running.wait())


def main() -> None:
    """Serve until the engine ends this process."""
    server = grpc.server(ThreadPoolExecutor(8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PackHost(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - how a plugin says where it listens
    server.wait_for_termination()


if __name__ == "__main__":
    main()
