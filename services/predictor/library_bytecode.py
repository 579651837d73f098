"""Compile what the commands import from the base's standard library, into a folder to lay over the base.

    python3 -B library_bytecode.py FOLDER

The published Python images hold no bytecode of the standard library, and Lambda's root is read-only: without this
layer every cold start compiles it again. Run it in the base itself, so that source and bytecode belong together.
"""

from __future__ import annotations

import importlib
import importlib.util
import py_compile
import sys
import sysconfig
from pathlib import Path

STARTS = ("runpy", "awslambdaric.bootstrap", "drift_predictor.edge", "drift_predictor.start", "drift_monitor.handlers")
CLIENTS = ("dynamodb", "lambda", "secretsmanager", "sns", "sqs")
"""Making a client imports more than importing boto3 does."""


def main() -> None:
    """Write a .pyc file, valid whatever its source's time, for every module of the library that is now imported."""
    for name in STARTS:
        importlib.import_module(name)
    session = sys.modules["boto3"].Session("none", "none", region_name="none")
    for service in CLIENTS:
        session.client(service)
    library = Path(sysconfig.get_path("stdlib"))
    files = {Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for source in sorted(file for file in files if file.suffix == ".py" and library in file.parents):
        compiled = Path(sys.argv[1]) / importlib.util.cache_from_source(str(source)).lstrip("/")
        py_compile.compile(str(source), str(compiled), doraise=True, invalidation_mode=unchecked)


if __name__ == "__main__":
    main()
