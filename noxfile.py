"""Every job of this repository, one session each; `nox -l` lists them."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["test", "lint", "types", "architecture"]

PYTHONS = ["3.11", "3.12", "3.13"]
ROOMS = ["contracts", "ml", "services/predictor", "services/monitor", "services/console"]
RUNTIME_ROOMS = ["contracts", "ml", "services/predictor"]
SETS = ["dev", "bootstrap", "runtime", "monitor", "tools", "bench", "browser", "fuzz", "infra"]


def prepare(session: nox.Session, *sets: str, rooms: list[str] | None = None) -> None:
    """Install pinned dependency sets, hashes checked, and the rooms themselves as editable packages."""
    requirements = [word for name in sets for word in ("-r", f"requirements/{name}.txt")]
    session.install("--quiet", "--require-hashes", *requirements)
    editable = [word for room in (ROOMS if rooms is None else rooms) for word in ("-e", room)]
    if editable:
        session.install("--quiet", "--no-deps", *editable)


@nox.session
def local(session: nox.Session) -> None:
    """The main job: train if needed, serve, watch, alarm; -- --port 8123 --fast."""
    prepare(session, "dev")
    session.run("python", "-m", "drift_console", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """All fast tests on the interpreter at hand, with the branch coverage gate."""
    prepare(session, "dev")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin every dependency set with hashes (-- --upgrade to move)."""
    session.install("--quiet", "--require-hashes", "-r", "requirements/bootstrap.txt")
    for name in SETS:
        constraint = [] if name in ("dev", "bootstrap", "infra") else ["-c", "requirements/dev.txt"]
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-header", *constraint, *session.posargs),
            *(f"requirements/{name}.in", "-o", f"requirements/{name}.txt"),
        )
