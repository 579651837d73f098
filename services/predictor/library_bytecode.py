"""Compile what the commands import from the base's standard library.

    python3 -B library_bytecode.py FOLDER

The folder is laid over the base. The published Python images hold no bytecode of the standard
library, and Lambda's root is read-only: without this layer every cold start compiles it again. Run
it in the base itself, so that source and bytecode belong together.
"""

from __future__ import annotations

import importlib
import importlib.util
import py_compile
import sys
import sysconfig
from pathlib import Path

STARTS = (
    "runpy",
    "awslambdaric.bootstrap",
    "drift_predictor.edge",
    "drift_predictor.start",
    "drift_monitor.handlers",
)
#: Making a client imports more than importing boto3 does.
CLIENTS = ("dynamodb", "lambda", "secretsmanager", "sns", "sqs")


def main() -> None:
    """Write a .pyc file for every module of the library that is now imported."""
    for name in STARTS:
        importlib.import_module(name)
    session = sys.modules["boto3"].Session("none", "none", region_name="none")
    for service in CLIENTS:
        session.client(service)
    library = Path(sysconfig.get_path("stdlib"))
    names = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    files = {Path(name) for name in names if name}
    # Valid whatever the source's time, because the image's layers have all times made equal.
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for source in sorted(files):
        if source.suffix != ".py" or library not in source.parents:
            continue
        compiled = Path(sys.argv[1]) / importlib.util.cache_from_source(str(source)).lstrip("/")
        py_compile.compile(str(source), str(compiled), doraise=True, invalidation_mode=unchecked)


if __name__ == "__main__":
    main()
