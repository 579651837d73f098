"""The JSON documents that ship inside this package: schemas, feature sets, the monitoring spec, scenarios."""

from __future__ import annotations

import os

from drift_contracts.errors import UnknownName
from drift_contracts.parsing import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = os.path.dirname(__file__)  # noqa: PTH120 - importing pathlib would cost a cold start 2 ms


def read(path: str | os.PathLike[str]) -> Any:
    """The JSON document in a file. Raises OSError or NotJson."""
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return parse_json(file.read())


def names(*folders: str | os.PathLike[str]) -> list[str]:
    """The names of the JSON files in some folders, sorted, each once."""
    found = (entry.name for folder in folders for entry in os.scandir(folder))
    return sorted({name.removesuffix(".json") for name in found if name.endswith(".json")})


def find(kind: str, name: str, *folders: str | os.PathLike[str]) -> str:
    """The path of NAME.json in the first folder that has it. Raises UnknownName with the choices."""
    choices = names(*folders)
    if name not in choices:
        raise UnknownName(kind, name, choices)
    paths = (os.path.join(folder, f"{name}.json") for folder in folders)  # noqa: PTH118 - as above
    return next(path for path in paths if os.path.exists(path))  # noqa: PTH110 - as above


def folder(name: str) -> str:
    """The path of one of this package's folders of documents."""
    return os.path.join(PACKAGE, name)  # noqa: PTH118 - as above


def schema(name: str) -> Any:
    """A contract's JSON Schema by its name and version, such as `problem.v1`. Raises UnknownName."""
    return read(find("contract", name, folder("schemas")))
