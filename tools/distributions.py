"""Keep what all distributions say alike: `python -m tools.distributions [VERSION]`.

The version stands in the file VERSION, the address in this module. Both are written into each
`pyproject.toml`, with the bounds between siblings, the licence file and the README's place. Without
an argument nothing is written: the exit code is 1 where a distribution is not in step.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "VERSION"
REPOSITORY = "https://github.com/mlops-drift-monitor/mlops-drift-monitor"
ROOMS = (
    "contracts",
    "client",
    "engine",
    "ml",
    "services/predictor",
    "services/monitor",
    "services/console",
    "infra",
)
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
COMMON = """\
license = "Apache-2.0"
license-files = ["LICENSE"]
readme = "README.md"
authors = [{ name = "The MLOps Drift Monitor developers" }]
keywords = ["drift", "monitoring", "mlops", "aws-lambda", "tabular"]
classifiers = [
    "Development Status :: 4 - Beta",
    "Intended Audience :: Developers",
    "Intended Audience :: Science/Research",
    "Operating System :: OS Independent",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Topic :: System :: Monitoring",
    "Typing :: Typed",
]
"""
URLS = f"""\
[project.urls]
Homepage = "{REPOSITORY}"
Documentation = "{REPOSITORY}/tree/main/docs"
Changelog = "{REPOSITORY}/blob/main/CHANGELOG.md"
Issues = "{REPOSITORY}/issues"
"""
SIBLING = re.compile(r'"(drift-[a-z]+)(\[[a-z,]+\])?(?:>=[^"]*)?"')


def version() -> str:
    """Return the version of all distributions."""
    return SOURCE.read_text("utf-8").strip()


def bounds(number: str) -> str:
    """Return what a distribution asks of its siblings: this version or later, and the same minor
    version.

    >>> bounds("0.1.0"), bounds("1.4.2")
    ('>=0.1.0,<0.2', '>=1.4.2,<1.5')
    """
    major, minor, *_ = number.split(".")
    return f">={number},<{major}.{int(minor) + 1}"


def in_step(text: str, number: str) -> str:
    """Return a `pyproject.toml` with version, bounds and common members written anew."""
    text = re.sub(r'^version = ".*"$', f'version = "{number}"', text, count=1, flags=re.MULTILINE)
    head, table, rest = text.partition("[project]\n")
    # The name of the distribution itself is no dependency.
    rest = re.sub(
        r"^(?!name = )(.*)$",
        lambda line: (
            SIBLING.sub(rf'"\1\2{bounds(number)}"', line[0]) if SIBLING.search(line[0]) else line[0]
        ),
        rest,
        flags=re.MULTILINE,
    )
    body, *tables = re.split(r"^(?=\[)", rest, flags=re.MULTILINE)
    body = _without(
        body, ("license", "license-files", "readme", "authors", "keywords", "classifiers")
    )
    description = re.search(r"^description = .*\n", body, flags=re.MULTILINE)
    if description is None:
        return text
    body = body[: description.end()] + COMMON + body[description.end() :]
    others = [part for part in tables if not part.startswith("[project.urls]")]
    return "".join([head, table, body.rstrip(), "\n\n", URLS, "\n", *others])


def _without(body: str, members: tuple[str, ...]) -> str:
    """Return the members of a table that are not among those that are written anew."""
    for member in members:
        body = re.sub(rf"^{member} = (?:\[\n(?:[^\]].*\n)*\]|.*)\n", "", body, flags=re.MULTILINE)
    return body


def behind(number: str) -> dict[Path, str]:
    """Return the files that are not in step, with the text that each should have."""
    wanted: dict[Path, str] = {}
    licence = (ROOT / "LICENSE").read_text("utf-8")
    for room in ROOMS:
        project = ROOT / room / "pyproject.toml"
        wanted[project] = in_step(project.read_text("utf-8"), number)
        wanted[ROOT / room / "LICENSE"] = licence
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_text("utf-8") != text
    }


def main(words: list[str]) -> int:
    """Write a new version, or check the one that there is."""
    if words and not VERSION.fullmatch(words[0]):
        print("expected a version such as 1.2.0 or 1.2.0rc1", file=sys.stderr)
        return 2
    number = words[0] if words else version()
    late = behind(number)
    if not words:
        for path in late:
            print(
                f"{path.relative_to(ROOT)} is not in step;"
                f" run `python -m tools.distributions {number}`"
            )
        return int(bool(late))
    SOURCE.write_text(f"{number}\n", "utf-8")
    for path, text in late.items():
        # A file that would not be read again must not replace one that is.
        if path.suffix == ".toml":
            tomllib.loads(text)
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
