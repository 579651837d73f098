"""The contracts' cases: valid and invalid instances as data, the same for every room that reads or writes
them.

They lie in `contracts/cases/NAME.vN.json` beside the sources, not in the installed package. A file holds a
`base` instance and the lists `valid` and `invalid`; each case has a `description` and either an `instance`,
or the base with members `set` (pointer to value) and `removed` (pointers). An invalid case lists what
`breaks`: pointer and rule.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift_contracts import documents
from drift_contracts.errors import UnknownName

FOLDER = Path(__file__).parents[2] / "contracts" / "cases"
KINDS = ("valid", "invalid")


@dataclass(frozen=True)
class Case:
    """One instance and the verdict on it: the (pointer, rule) pairs that it breaks, none if it is valid."""

    contract: str
    description: str
    instance: Any
    breaks: frozenset[tuple[str, str]]

    @property
    def valid(self) -> bool:
        """Whether the instance keeps its contract."""
        return not self.breaks

    def __str__(self) -> str:
        return f"{self.contract}: {self.description}"


def case_names(folder: Path = FOLDER) -> list[str]:
    """The contracts that have cases."""
    return documents.names(folder) if folder.is_dir() else []


def cases(name: str, folder: Path = FOLDER) -> list[Case]:
    """The cases of a contract, such as `problem.v1`. Raises UnknownName where there are none."""
    if name not in case_names(folder):
        raise UnknownName("file of cases", name, case_names(folder))
    document = documents.read(folder / f"{name}.json")
    return [_case(name, document.get("base"), item) for kind in KINDS for item in document[kind]]


def changed(base: Any, changes: dict[str, Any], removed: list[str]) -> Any:
    """A copy of a document with values set and removed at JSON pointers.

    >>> changed({"a": {"b": 1}, "c": [1]}, {"/a/b": 2, "/c/-": 3}, ["/a/b"])
    {'a': {}, 'c': [1, 3]}
    """
    copy = deepcopy(base)
    for pointer, value in changes.items():
        if pointer == "":
            return deepcopy(value)
        parent, key = _place(copy, pointer)
        if key == "-":
            parent.append(value)
        else:
            parent[key] = value
    for pointer in removed:
        parent, key = _place(copy, pointer)
        del parent[key]
    return copy


def _place(document: Any, pointer: str) -> tuple[Any, Any]:
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for key in path:
        document = document[_key(document, key)]
    return document, _key(document, last)


def _key(container: Any, part: str) -> Any:
    return int(part) if isinstance(container, list) and part != "-" else part


def _case(contract: str, base: Any, item: dict[str, Any]) -> Case:
    instance = item["instance"] if "instance" in item else _changed(base, item)
    breaks = frozenset((found["pointer"], found["rule"]) for found in item.get("breaks", ()))
    return Case(contract, item["description"], instance, breaks)


def _changed(base: Any, item: dict[str, Any]) -> Any:
    return changed(base, item.get("set", {}), item.get("removed", []))
