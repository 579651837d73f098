"""What was tried, one line of JSON each; a line is complete, or it does not count."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """How a mutant ended."""

    #: Of the mutant.
    key: str
    #: `failed` (a test noticed it), `timeout`, `passed`, or `unexecuted` where no test runs it.
    outcome: str
    #: The test that failed.
    test: str
    seconds: float
    #: A digest of the tests.
    tests: str

    @property
    def survived(self) -> bool:
        """Return whether no test noticed the mutant.

        What ran out of time, or could not be imported, counts as noticed: a person would see it.
        """
        return self.outcome in ("passed", "unexecuted")


class Results:
    """All results of a folder, in the order of time."""

    def __init__(self, path: Path) -> None:
        """Read what earlier runs kept.

        Args:
            path: of the file, which may not exist yet.
        """
        self._path = path
        self.first: dict[str, Result] = {}
        self.last: dict[str, Result] = {}
        text = path.read_text("utf-8") if path.exists() else ""
        # A run that was killed may have written a part of its last line.
        complete, end, rest = text.rpartition("\n")
        if rest:
            path.write_text(f"{complete}{end}", "utf-8")
        for line in complete.splitlines():
            fields = json.loads(line)
            self._take(Result(**fields))

    def _take(self, result: Result) -> None:
        self.first.setdefault(result.key, result)
        self.last[result.key] = result

    def add(self, result: Result) -> None:
        """Keep a result, at once."""
        self._take(result)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asdict(result))}\n")

    def is_waiting(
        self,
        key: str,
        tests: str,
        retries: bool,
    ) -> bool:
        """Return whether a mutant is to be tried.

        Args:
            key: of the mutant.
            tests: a digest of the tests as they are now.
            retries: whether survivors of other tests are tried again.
        """
        last = self.last.get(key)
        if last is None:
            return True
        return retries and last.survived and last.tests != tests


def score(
    results: dict[str, Result],
    keys: list[str],
) -> str:
    """Return how many of the tried mutants were noticed, as a sentence's beginning.

    Args:
        results: by key.
        keys: of the mutants that were drawn.
    """
    tried = [results[key] for key in keys if key in results]
    noticed = len(tried) - sum(result.survived for result in tried)
    share = 100 * noticed / max(len(tried), 1)
    return f"{noticed} of {len(tried)} tried mutants were noticed ({share:.1f} %)"
