"""The Lambda function: `drift_predictor.handler.handler`. Everything is loaded when this module is imported."""

from __future__ import annotations

import os
import sys
import time

from drift_contracts import DriftError

from drift_predictor.edge import Edge
from drift_predictor.start import start

STANDARD_OUTPUT = 1


class NotReady(RuntimeError):
    """The function cannot start; the message says which setting or file, in one line."""


def write_line(line: str) -> None:
    """One line to the function's log, past Python's buffers: in one call, and there is none to flush."""
    data = f"{line}\n".encode()
    while data:
        data = data[os.write(STANDARD_OUTPUT, data) :]


def make_edge() -> Edge:
    """The edge of a service as the environment says. Raises NotReady, after telling standard error the same."""
    try:
        return Edge(
            start(
                os.environ,
                clock=time.time_ns,
                timer=time.perf_counter_ns,
                random_bytes=os.urandom,
                write=write_line,
            )
        )
    except DriftError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"{message}\n")
        raise NotReady(message) from None


handler = make_edge().handle
