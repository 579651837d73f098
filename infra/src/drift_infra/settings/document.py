"""The keys written down: docs/configuration.md's table and the `config:` section of Pulumi.yaml.

`python -m drift_infra.settings.document FOLDER` rewrites both in a checkout; tests compare them
with the keys.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from drift_contracts.exits import run

from .model import KEYS

if TYPE_CHECKING:
    from .keys import Key

START, END = "<!-- keys: generated -->", "<!-- keys: end -->"
CONFIG = re.compile(r"^config:\n.*", re.MULTILINE | re.DOTALL)


def table() -> str:
    """Return all keys as Markdown, a table for each group."""
    parts = []
    for group, keys in groupby(KEYS, key=lambda key: key.group):
        rows = "\n".join(_row(key) for key in keys)
        parts.append(
            f"### {group}\n\n| key | allowed | default | what it is |\n|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def _row(key: Key) -> str:
    secret = " Secret: set it with `--secret`." if key.secret else ""
    cells = [
        f"`{key.name}`",
        key.kind.allowed,
        f"`{key.default_text or '(empty)'}`",
        f"{key.about}{secret}",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def config_section() -> str:
    """Return the `config:` section: typed keys with descriptions and defaults.

    Secret keys are left out: Pulumi refuses a declared secret whose default is plain text, and one
    without a default becomes a key that everybody must set. The program checks them itself. So is
    a provider's key without a default: here it would be set, to nothing.
    """
    declared = {
        key.name: _declaration(key)
        for key in KEYS
        if not key.secret and (key.default or not key.namespace)
    }
    return yaml.safe_dump({"config": declared}, sort_keys=False, width=110, allow_unicode=True)


# Any: a default may be of any kind of key.
def _declaration(key: Key) -> dict[str, Any]:
    if key.namespace:  # Pulumi takes no type or description for a provider's own keys
        return {"value": key.default}
    items = {"items": {"type": "string"}} if key.kind.type == "array" else {}
    about = f"{key.about} Allowed: {key.kind.allowed}."
    default = key.default if key.kind.type != "string" else str(key.default)
    return {"type": key.kind.type, **items, "description": about, "default": default}


def with_table(page: str) -> str:
    """Return the page with its generated part brought up to date."""
    before, _, after = page.partition(START)
    return f"{before}{START}\n\n{table()}\n{END}{after.partition(END)[2]}"


def with_config(project: str) -> str:
    """Pulumi.yaml with its `config:` section (the last one) brought up to date."""
    return CONFIG.sub("", project).rstrip("\n") + "\n" + config_section()


def main(folder: Path) -> None:
    """Rewrite both files of a checkout."""
    for name, change in (("docs/configuration.md", with_table), ("Pulumi.yaml", with_config)):
        path = folder / name
        path.write_text(change(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    run(lambda: main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()))
