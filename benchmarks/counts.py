"""Count instructions of one source tree, and keep the figures with what they depend on.

Source: the Callgrind manual, "Client request reference": a count begins and ends where the process asks.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[1]
STORED = Path(__file__).with_name("counts.json")
NAMES = {
    "kernel": "kernel: one row",
    "handler": "handler: one request",
    "evidence": "evidence: one event",
    "evaluation": "evaluation: one window",
}
TOLERANCE = 0.03
ROOMS = ("contracts", "engine", "ml", "services/predictor", "services/monitor")


class CannotCount(Exception):
    """Something that counting needs is missing; the message says what."""


# --- what a figure depends on ---------------------------------------------------------------------------


def first_line(*command: str) -> str:
    """Return the first line that a program prints, or "none" where it is not there."""
    if shutil.which(command[0]) is None:
        return "none"
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def processor_features(cpuinfo: str) -> list[str]:
    """Return the sorted features of the first processor in the text of /proc/cpuinfo.

    >>> processor_features("processor : 0\\nflags : sse2 avx\\n\\nprocessor : 1\\nflags : sse2")
    ['avx', 'sse2']
    """
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    return sorted(line[1].split()) if line else []


def machine() -> dict[str, str]:
    """Return all that a stored figure belongs to; where a value differs, the figure is no measure."""
    cpuinfo = Path("/proc/cpuinfo")
    features = " ".join(processor_features(cpuinfo.read_text() if cpuinfo.exists() else ""))
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    return {
        "compiler": first_line(compiler, "--version"),
        "libc": " ".join(platform.libc_ver()),
        "interpreter": f"{platform.python_implementation()} {sys.version}",
        "numpy": np.__version__,
        "valgrind": first_line("valgrind", "--version"),
        "processor": platform.machine(),
        "features_sha256": hashlib.sha256(features.encode()).hexdigest(),
        "features": features,
    }


def differences(stored: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return the names of what differs between two machines.

    >>> differences({"libc": "glibc 2.36", "numpy": "2.4"}, {"libc": "glibc 2.41", "numpy": "2.4"})
    ['libc']
    """
    return sorted(name for name in {*stored, *here} if stored.get(name) != here.get(name))


# --- source trees ---------------------------------------------------------------------------------------


def git(*words: str) -> str:
    """Return what git prints. Raises CannotCount where it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCount(f"NOT CHECKED: git {words[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def parent_revision() -> str:
    """Return what the working tree is compared with: HEAD when something is changed, else HEAD's parent."""
    return "HEAD" if git("status", "--porcelain") else "HEAD~1"


def copy_working_tree(folder: Path) -> Path:
    """Copy what is under version control, and what is new, as it is on disk."""
    for name in git("ls-files", "-co", "--exclude-standard").splitlines():
        source, target = ROOT / name, folder / name
        if source.is_file() and name.startswith((*ROOMS, "benchmarks/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def copy_revision(revision: str, folder: Path) -> Path:
    """Write a revision's files. Raises CannotCount where the history does not reach it (a shallow clone)."""
    try:
        commit = git("rev-parse", "--verify", f"{revision}^{{commit}}")
    except CannotCount:
        raise CannotCount(f"NOT CHECKED: {revision} is not in this clone; fetch its history") from None
    folder.mkdir(parents=True)
    archive = folder / "tree.tar"
    git("archive", "--output", str(archive), commit)
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


def install(tree: Path, site: Path) -> None:
    """Build a tree's rooms, the kernel with them, into a folder for PYTHONPATH."""
    uv = os.environ.get("DRIFT_UV", "uv")
    # A revision may be older than a room.
    rooms = [str(tree / room) for room in ROOMS if (tree / room).is_dir()]
    words = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
        *rooms,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCount(f"the rooms cannot be built: {done.stderr.strip()[-500:]}")


# --- counting -------------------------------------------------------------------------------------------


class Tree(NamedTuple):
    """A built source tree. script: its own statement of what is counted, or this one's where it has none."""

    site: Path
    script: Path
    data: Path

    def environment(self) -> dict[str, str]:
        """Return the least that a process needs, always the same, with a fixed hash seed and one thread."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(self.site), str(self.script.parent)]),
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def count(self, name: str, library: Path) -> float:
        """Return instructions a call of a workload."""
        output = self.data / f"{name}.out"
        valgrind = ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}")
        process = (sys.executable, str(self.script), name, str(self.data), str(library))
        text = run((*valgrind, *process), self.environment())
        total = re.search(r"^summary: (\d+)", Path(f"{output}.1").read_text(), re.MULTILINE)
        if total is None:
            raise CannotCount(f"valgrind wrote no summary of {name}")
        return int(total[1]) / int(text.split()[-1])


def run(command: Iterable[str], environment: Mapping[str, str]) -> str:
    """Return what a program prints. Raises CannotCount with its last words where it fails."""
    done = subprocess.run([*command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCount(f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def build(tree: Path, folder: Path) -> Tree:
    """Build a tree and write its bundle and rows into a folder."""
    site, data, script = folder / "site", folder / "data", tree / "benchmarks" / "counted.py"
    data.mkdir(parents=True)
    install(tree, site)
    built = Tree(site, script if script.exists() else Path(__file__).with_name("counted.py"), data)
    run((sys.executable, str(built.script), "prepare", str(data)), built.environment())
    return built


def client_requests(folder: Path) -> Path:
    """Compile what tells valgrind where to count."""
    library = folder / "callgrind.so"
    source = Path(__file__).with_name("_callgrind.c")
    run(("gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)), os.environ)
    return library


def load_stored() -> dict[str, Any]:
    """Return the stored figures and the machine that they belong to."""
    return json.loads(STORED.read_text()) if STORED.exists() else {"machine": {}, "instructions": {}}


def store(figures: Mapping[str, float]) -> None:
    """Write figures as the stored ones."""
    document = {
        "machine": machine(),
        "hash_seed": 0,
        "instructions": {name: round(value) for name, value in figures.items()},
    }
    STORED.write_text(json.dumps(document, indent=2) + "\n")


def verdict_of(count: float, before: float) -> str:
    """Return what a count says beside an earlier one.

    >>> verdict_of(1040, 1000), verdict_of(1020, 1000), verdict_of(950, 1000)
    ('too slow', 'holds', 'holds; fewer than before: store them with -- --update')
    """
    if count > before * (1 + TOLERANCE):
        return "too slow"
    return "holds" if count >= before * (1 - TOLERANCE) else "holds; fewer than before: store them with -- --update"
