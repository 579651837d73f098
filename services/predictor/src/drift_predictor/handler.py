"""The Lambda function: `drift_predictor.handler.handler`.

Everything is loaded when this module is imported.
"""

from __future__ import annotations

import os
import sys
import time

from drift_contracts import DriftError

from drift_predictor.edge import Edge
from drift_predictor.start import start

STANDARD_OUTPUT = 1


class NotReady(DriftError):
    """The function cannot start; the message says which setting or file, in one line."""


def write_line(line: str) -> None:
    """Write one line to the function's log, past Python's buffers.

    In one call, and without anything to flush before Lambda freezes the process.
    """
    data = f"{line}\n".encode()
    while data:
        data = data[os.write(STANDARD_OUTPUT, data) :]


def make_edge() -> Edge:
    """Return the edge of a service as the environment says.

    Raises:
        NotReady: the service cannot start; standard error has the same message.
    """
    try:
        service = start(
            os.environ,
            clock=time.time_ns,
            timer=time.perf_counter_ns,
            random_bytes=os.urandom,
            write=write_line,
        )
    except DriftError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"{message}\n")
        raise NotReady(message) from None
    return Edge(service)


handler = make_edge().handle
