"""A local AWS: MiniStack in a process of its own, for the tests that need one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.support.waiting import free_port

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT, REGION = "123456789012", "us-east-1"
SERVICES = [
    "apigatewayv2", "athena", "budgets", "cloudwatch", "cloudwatchlogs", "dynamodb", "ecr", "firehose", "glue", "iam",
    "kms", "lambda", "route53", "s3", "scheduler", "secretsmanager", "sns", "sqs", "sts",
]  # fmt: skip


class Aws:
    """A local AWS: one process of MiniStack, stopped and cleaned up afterwards."""

    def __init__(self, command: str, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "ministack.log"
        given = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "STATE_DIR": str(folder / "state"),
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION, "MINISTACK_ACCOUNT_ID": ACCOUNT, "IOT_MTLS_ENABLED": "0", **environment,
        }  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([command], env=given, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()[-2000:]) from None
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def reset(self) -> None:
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=20).close()

    def provider(self) -> dict[str, object]:
        """What the Terraform provider needs to know of it."""
        flags = ("skip_credentials_validation", "skip_metadata_api_check", "s3_use_path_style")
        return {
            "access_key": ACCOUNT, "secret_key": "test", "max_retries": 3, **dict.fromkeys(flags, True),
            "endpoints": [dict.fromkeys(SERVICES, self.url)],
        }  # fmt: skip
