"""What differs between a recording and today, and the list of what differs on purpose.

A list is a JSON file beside the recording: `[{"at": ..., "change": ..., "reason": ...}]`.

- `at` is a JSON pointer from the top of the recording, in which `*` stands for any text but a
  slash, and a `**` at the end for everything below;
- `change` is `added`, `removed` or `changed`;
- `reason` says in a sentence why.

A difference that no entry names is an error, and so is an entry that no difference needs any more.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KINDS = ("added", "removed", "changed")


class Difference(NamedTuple):
    """One place that differs. at: JSON pointer. change: one of KINDS."""

    at: str
    change: str

    def __str__(self) -> str:
        return f"{self.change} {self.at}"


@dataclass(frozen=True)
class Change:
    """A difference that is wanted, and why."""

    at: str
    change: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Return whether this entry names the difference."""
        whole = self.at.removesuffix("/**")
        parts = [re.escape(part).replace(r"\*", "[^/]*") for part in whole.split("/")]
        below = "(/.*)?" if self.at.endswith("/**") else ""
        return self.change == difference.change and bool(
            re.fullmatch("/".join(parts) + below, difference.at)
        )


def read_changes(path: Path) -> list[Change]:
    """Return the entries of a list; a list that is not there has none."""
    if not path.is_file():
        return []
    entries = [Change(**entry) for entry in json.loads(path.read_text("utf-8"))]
    for entry in entries:
        if entry.change not in KINDS or not entry.reason:
            raise ValueError(
                f"{path.name}: {entry.at}: expected a change of {', '.join(KINDS)}, and a reason"
            )
    return entries


def differences(old: Any, new: Any, at: str = "") -> Iterator[Difference]:
    """Yield every place where two JSON values differ; of a member that came or went, its top."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            place = f"{at}/{escape(name)}"
            if name not in new:
                yield Difference(place, "removed")
            elif name not in old:
                yield Difference(place, "added")
            else:
                yield from differences(old[name], new[name], place)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, f"{at}/{index}")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Difference(at, "changed")


def escape(name: str) -> str:
    """Return a member's name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unexpected(found: Iterable[Difference], changes: Iterable[Change]) -> list[str]:
    """Return the differences that no entry names, and the entries that name none."""
    seen, listed = list(found), list(changes)
    unlisted = [str(each) for each in seen if not any(entry.covers(each) for entry in listed)]
    unneeded = [entry for entry in listed if not any(entry.covers(each) for each in seen)]
    return unlisted + [f"not needed any more: {entry.change} {entry.at}" for entry in unneeded]
