"""The contracts' cases: valid and invalid instances as data, the same for every room.

They lie in `contracts/cases/NAME.vN.json` beside the sources, not in the installed package. A file
holds a `base` instance and the lists `valid` and `invalid`; each case has a `description` and
either an `instance`, or the base with members `set` (pointer to value) and `removed` (pointers). An
invalid case lists what it `breaks`: pointer and rule.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from drift_contracts import documents
from drift_contracts.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NotRequired

    from drift_contracts.json_types import JsonValue

FOLDER = Path(__file__).parents[2] / "contracts" / "cases"
#: The lists of a file of cases.
KINDS = ("valid", "invalid")


class Broken(TypedDict):
    """A rule that a case breaks."""

    pointer: str
    rule: str


class CaseItem(TypedDict):
    """A case as its file has it."""

    description: str
    instance: NotRequired[JsonValue]
    set: NotRequired[dict[str, JsonValue]]
    removed: NotRequired[list[str]]
    breaks: NotRequired[list[Broken]]


@dataclass(frozen=True)
class Case:
    """One instance with its verdict."""

    contract: str
    description: str
    #: Any: an invalid one is of no type
    instance: Any
    #: the (pointer, rule) pairs that it breaks, none if it is valid
    breaks: frozenset[tuple[str, str]]

    @property
    def valid(self) -> bool:
        """Return whether the instance keeps its contract."""
        return not self.breaks

    def __str__(self) -> str:
        return f"{self.contract}: {self.description}"


def case_names(folder: Path = FOLDER) -> list[str]:
    """Return the contracts that have cases."""
    # an installed package has no sources beside it
    return documents.names(folder) if folder.is_dir() else []


def cases(
    name: str,
    folder: Path = FOLDER,
) -> list[Case]:
    """Return the cases of a contract.

    Args:
        name: Of the contract, such as `problem.v1`.
        folder: The folder of the files of cases.

    Raises:
        UnknownName: The contract has no cases; the message has those that have.
    """
    if name not in case_names(folder):
        raise UnknownName("file of cases", name, case_names(folder))
    document = documents.read(folder / f"{name}.json")
    base = document.get("base")
    items = [item for kind in KINDS for item in document[kind]]
    return [_case(name, base, item) for item in items]


def changed(
    base: object,
    changes: Mapping[str, JsonValue],
    removed: Sequence[str],
) -> Any:
    """Return a copy of a document with some values changed.

    Args:
        base: The document, which stays as it is.
        changes: Values by the JSON pointers where they are set; `-` is the end of a list.
        removed: JSON pointers of the values that are removed, after the changes.

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


def _place(
    document: Any,
    pointer: str,
) -> tuple[Any, str | int]:
    """Return the container that a pointer ends in, and the key in it."""
    parts = [_unescaped(part) for part in pointer.split("/")[1:]]
    for part in parts[:-1]:
        document = document[_key(document, part)]
    return document, _key(document, parts[-1])


def _unescaped(part: str) -> str:
    # the order matters: ~01 stands for ~1
    return part.replace("~1", "/").replace("~0", "~")


def _key(
    container: object,
    part: str,
) -> str | int:
    if isinstance(container, list) and part != "-":
        return int(part)
    return part


def _case(
    contract: str,
    base: JsonValue,
    item: CaseItem,
) -> Case:
    """Return a case of a file as a value."""
    if "instance" in item:
        instance = item["instance"]
    else:
        changes = item.get("set", {})
        instance = changed(base, changes, item.get("removed", []))
    breaks = [(broken["pointer"], broken["rule"]) for broken in item.get("breaks", ())]
    return Case(
        contract=contract,
        description=item["description"],
        instance=instance,
        breaks=frozenset(breaks),
    )
