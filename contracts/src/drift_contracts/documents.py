"""The JSON documents that ship inside this package: schemas, feature sets, the monitoring spec."""

from __future__ import annotations

# os.path and open: importing pathlib would cost a cold start 2 ms
import os

from drift_contracts.errors import UnknownName
from drift_contracts.parsing import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Path: TypeAlias = str | os.PathLike[str]

PACKAGE = os.path.dirname(__file__)  # noqa: PTH120 - as above


# Any: as `parse_json`
def read(path: Path) -> Any:
    """Return the JSON document in a file. Raises OSError or NotJson."""
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return parse_json(file.read())


def names(*folders: Path) -> list[str]:
    """Return the names of the JSON files in some folders, sorted, each once."""
    files = [entry.name for folder in folders for entry in os.scandir(folder)]
    return sorted({name.removesuffix(".json") for name in files if name.endswith(".json")})


def find(kind: str, name: str, *folders: Path) -> str:
    """Return the path of NAME.json in the first folder that has it.

    Args:
        kind: What it is, for the message: "feature set".
        name: Its name, without the ending.
        folders: Where to look.

    Raises:
        UnknownName: No folder has it; the message has the choices.
    """
    # looking among the names keeps a name with a path in it inside of the folders
    choices = names(*folders)
    if name not in choices:
        raise UnknownName(kind, name, choices)
    paths = [os.path.join(folder, f"{name}.json") for folder in folders]  # noqa: PTH118 - as above
    return next(path for path in paths if os.path.exists(path))  # noqa: PTH110 - as above


def folder(name: str) -> str:
    """Return the path of one of this package's folders of documents."""
    return os.path.join(PACKAGE, name)  # noqa: PTH118 - as above


# Any: the meta-schema of JSON Schema is no contract of ours
def schema(name: str) -> Any:
    """Return a contract's JSON Schema by its name and version, such as `problem.v1`.

    Raises:
        UnknownName: There is no such contract; the message has the choices.
    """
    return read(find("contract", name, folder("schemas")))
