"""Assemble and build the documentation site: `python -m tools.site`.

The pages of `docs/` are copied, those of the repository's top are put beside them, and the
reference is generated from contracts, commands, the monitoring spec and docstrings. The result is
`build/site/html`; nothing in it is loaded from elsewhere, and a link that leads nowhere ends the
build.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from drift_client.cli import main as driftctl
from drift_contracts import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "site" / "pages"
HTML = ROOT / "build" / "site" / "html"
SPEC = ROOT / "contracts" / "src" / "drift_contracts" / "monitoring" / "spec.json"
REPOSITORY = "https://github.com/mlops-drift-monitor/mlops-drift-monitor"
#: Pages of the repository's top, and what they are called on the site.
OUTSIDE = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
LINK = re.compile(r"(?P<before>\]\()(?P<target>(?!https?:|#|mailto:)[^)#\s]+)(?P<anchor>#[^)]*)?\)")
#: The modules that somebody outside of this repository may use.
PYTHON = (
    "drift_contracts",
    "drift_client",
    "drift_engine.bundle",
    "drift_engine.forest",
    "drift_ml.watch",
    "drift_ml.baseline",
    "drift_ml.baseline.fit",
    "drift_ml.window",
    "drift_ml.report",
    "drift_ml.evidence",
    "drift_ml.effects",
    "drift_ml.detectors",
    "drift_ml.replay.evidence",
)
#: What would be loaded from another host: scripts, styles, pictures, fonts, frames.
FOREIGN = re.compile(
    r"<(?:script|img|iframe|source|audio|video)[^>]+src=[\"']?(?:https?:)?//"
    r"|<link[^>]+rel=[\"']?(?:stylesheet|preconnect|preload|icon)[^>]+href=[\"']?(?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//"
    r"|@import [\"'](?:https?:)?//"
)


def assemble() -> None:
    """Write every page of the site into `build/site/pages`."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(with_links(path.read_text("utf-8"), ROOT / "docs" / path.name), "utf-8")
    for source, name in OUTSIDE.items():
        text = (ROOT / source).read_text("utf-8")
        (PAGES / name).write_text(with_links(text, ROOT / source), "utf-8")
    reference = PAGES / "reference"
    reference.mkdir()
    (reference / "contracts.md").write_text(contracts_page(), "utf-8")
    (reference / "driftctl.md").write_text(commands_page(), "utf-8")
    (reference / "alarms.md").write_text(alarms_page(), "utf-8")
    (reference / "python.md").write_text(python_page(), "utf-8")


def with_links(text: str, source: Path) -> str:
    """Return a page whose links lead to the site's pages, or to the repository for files that are
    none.

    Args:
        text: the page as it stands in the repository.
        source: where it stands.
    """
    names = {(ROOT / place).resolve(): name for place, name in OUTSIDE.items()}

    def changed(match: re.Match[str]) -> str:
        place = (source.parent / match["target"]).resolve()
        anchor = match["anchor"] or ""
        if place in names:
            return f"{match['before']}{names[place]}{anchor})"
        if place.is_relative_to(ROOT / "docs"):
            return f"{match['before']}{place.relative_to(ROOT / 'docs').as_posix()}{anchor})"
        return (
            f"{match['before']}{REPOSITORY}/blob/main/{place.relative_to(ROOT).as_posix()}{anchor})"
        )

    return LINK.sub(changed, text)


def contracts_page() -> str:
    """Return the members of every contract as tables."""
    parts = ["# Every contract, member by member\n\nGenerated from the schemas.\n"]
    for name in documents.names(documents.folder("schemas")):
        schema = documents.schema(name)
        parts.append(f"## {name}\n\n{schema.get('description', '')}\n")
        rows = [*_members(schema, "", schema.get("$defs", {}), frozenset())]
        if rows:
            parts.append(
                "| member | type | required | meaning |\n|---|---|---|---|\n"
                + "\n".join(rows)
                + "\n"
            )
    return "\n".join(parts)


def _members(
    schema: dict[str, object], pointer: str, definitions: dict[str, object], inside: frozenset[str]
) -> Iterator[str]:
    """Yield a row of the table for each member below a schema; references are followed once."""
    required = schema.get("required", [])
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return
    for name, facts in properties.items():
        place = f"{pointer}/{name}"
        target, word = _resolved(facts, definitions)
        kind = _type(target).replace("|", "\\|")
        about = str(target.get("description", "")).replace("|", "\\|").replace("\n", " ")
        yield f"| `{place}` | {kind} | {'yes' if name in required else ''} | {about} |"
        items, item_word = _resolved(target.get("items"), definitions)
        # A definition that holds itself has no end; its members are shown once.
        if not word or word not in inside:
            yield from _members(target, place, definitions, inside | {word})
        if not item_word or item_word not in inside:
            yield from _members(items, f"{place}/*", definitions, inside | {item_word})


def _resolved(schema: object, definitions: dict[str, object]) -> tuple[dict[str, object], str]:
    """Return a schema with what it refers to, and the name of that, "" for none that could hold
    itself.
    """
    if not isinstance(schema, dict):
        return {}, ""
    word = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    referred = definitions.get(word)
    return ({**referred, **schema} if isinstance(referred, dict) else schema), word


def _type(schema: dict[str, object]) -> str:
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if isinstance(schema.get("enum"), list):
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])  # type: ignore[attr-defined]
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def commands_page() -> str:
    """Return the help of every command."""
    context = click.Context(driftctl, info_name="driftctl")
    parts = [
        "# Commands\n\nGenerated from the commands themselves.\n",
        *_command(driftctl, context, 2),
    ]
    return "\n".join(parts)


def _command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """Yield the help of a command and of those below it."""
    formatter = click.HelpFormatter(width=96)
    command.format_help(context, formatter)
    yield f"{'#' * level} {context.command_path}\n\n```text\n{formatter.getvalue()}```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _command(
                    below, click.Context(below, info_name=name, parent=context), level + 1
                )


def alarms_page() -> str:
    """Return metrics and alarms as the monitoring spec that ships declares them."""
    spec = json.loads(SPEC.read_text("utf-8"))
    lines = [
        "# Metrics and alarms\n\nGenerated from the monitoring spec that ships.\n",
        "## Metrics\n",
    ]
    lines += ["| metric | unit | written by | meaning |\n|---|---|---|---|"]
    lines += [
        f"| `{metric['name']}` | {metric['unit']} | {metric['source']} | {metric['description']} |"
        for metric in spec["metrics"]
    ]
    lines += ["\n## Alarms\n", "| alarm | means | severity | first steps |\n|---|---|---|---|"]
    lines += [
        f"| `{alarm['name']}` | {alarm['title']} | {alarm['severity']} |"
        f" {'; '.join(alarm['runbook'])} |"
        for alarm in spec["alarms"]
    ]
    return "\n".join(lines) + "\n"


def python_page() -> str:
    """Return the directives by which docstrings become the Python reference."""
    parts = [
        "# Python\n\nGenerated from docstrings."
        " What is not listed here may change without notice.\n"
    ]
    parts += [f"::: {module}\n" for module in PYTHON]
    return "\n".join(parts)


def foreign_loads() -> list[str]:
    """Return the files of the built site that would load something from another host."""
    files = [path for path in sorted(HTML.rglob("*")) if path.suffix in (".html", ".css")]
    found = []
    for path in files:
        match = FOREIGN.search(path.read_text("utf-8", errors="replace"))
        if match:
            found.append(f"{path.relative_to(HTML)}: {match[0][:80]}")
    return found


def main() -> int:
    """Build the site; return 1 where a link leads nowhere or something is loaded from elsewhere."""
    assemble()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own interpreter and words
    if done.returncode:
        return 1
    found = foreign_loads()
    for place in found:
        print(f"loaded from elsewhere: {place}")
    print(f"{len(list(HTML.rglob('*.html')))} pages in {HTML.relative_to(ROOT)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
