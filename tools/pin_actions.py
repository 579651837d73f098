"""Write the commits of actions' tags into the workflows: `python -m tools.pin_actions`.

A tag can be moved by whoever owns the action, a commit cannot. The commits are asked of the
actions' own repositories; where these do not answer nothing is written, and the line begins with
NOT RUN.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

WORKFLOWS = Path(__file__).parents[1] / ".github" / "workflows"
#: `uses: owner/name/path@tag`, with a comment that an earlier run has written.
USES = re.compile(
    r"uses: (?P<action>[\w.-]+/[\w.-]+)(?P<path>/[\w./-]+)?"
    r"@(?P<version>[\w./-]+)(?: # (?P<tag>\S+))?"
)
COMMIT = re.compile(r"[0-9a-f]{40}")
SECONDS = 20


def commit_of(action: str, tag: str) -> str | None:
    """Return the commit that a tag or branch of an action's repository names, None where nobody
    answers.

    An annotated tag is an object of its own; the line that ends in `^{}` names what it points to.
    """
    command = ["git", "ls-remote", f"https://github.com/{action}", tag, f"{tag}^{{}}"]
    try:
        answer = subprocess.run(  # noqa: S603 - the words are those of our own workflows
            command,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
            env={"GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    commits = {name: commit for commit, name in lines}
    peeled = [commit for name, commit in commits.items() if name.endswith("^{}")]
    return next(iter([*peeled, *commits.values()]), None)


def pinned(text: str) -> str | None:
    """Return a workflow with each action at its commit; None where a commit cannot be found."""
    commits: dict[tuple[str, str], str] = {}
    for match in USES.finditer(text):
        named = (match["action"], match["tag"] or match["version"])
        commit = commits.get(named) or commit_of(*named)
        if commit is None or COMMIT.fullmatch(commit) is None:
            return None
        commits[named] = commit

    def line(match: re.Match[str]) -> str:
        tag = match["tag"] or match["version"]
        return (
            f"uses: {match['action']}{match['path'] or ''}@{commits[match['action'], tag]} # {tag}"
        )

    return USES.sub(line, text)


def main() -> int:
    """Pin every workflow, or none."""
    texts = {path: pinned(path.read_text("utf-8")) for path in sorted(WORKFLOWS.glob("*.yml"))}
    if None in texts.values():
        print("NOT RUN: the actions' repositories do not answer; the workflows stay at their tags")
        return 0
    for path, text in texts.items():
        path.write_text(text or "", "utf-8")
        print(f"pinned {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
