"""What is changed, the tests that must notice it, and the copy in which both are."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "mutants"
#: Sources that do nothing at run time: they are types of documents.
TYPES_ONLY = ("types.py", "json_types.py")


@dataclass(frozen=True)
class Area:
    """Sources and the tests that must notice a change in them."""

    name: str
    #: A folder.
    sources: str
    #: Folders.
    tests: tuple[str, ...]
    #: Files in them that are about something else, and slow.
    ignored: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """Return the name that the sources are imported by."""
        _, _, folder = self.sources.partition("/src/")
        return folder.replace("/", ".")


AREAS = (
    Area(
        "contracts",
        "contracts/src/drift_contracts",
        ("tests/contracts", "tests/contracts_in_use"),
        # Of tools.contract_checks: what may be released.
        ("tests/contracts/test_contracts_compat.py",),
    ),
    Area("engine", "engine/src/drift_engine", ("tests/engine",)),
    Area("evidence", "ml/src/drift_ml/evidence", ("tests/ml",)),
)
#: Files of tests that those of every area import.
SHARED_TESTS = ("tests/conftest.py", "tests/support")


def area_of(name: str) -> Area:
    """Return the area that a file belongs to; its name begins at the root."""
    return next(area for area in AREAS if name.startswith(area.sources))


def copy_tree(
    target: Path,
    root: Path = ROOT,
) -> None:
    """Copy what is under version control, or new, and the compiled kernel.

    What else lies in an earlier copy is removed. Times are copied too, so that compiled tests of an
    earlier run stay valid.

    Args:
        target: the folder of the copy.
        root: of the repository.
    """
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(  # noqa: S603 - no word of it comes from outside
        command,
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    names = set(done.stdout.splitlines())
    for kernel in root.glob("engine/src/**/_kernel*.so"):
        names.add(kernel.relative_to(root).as_posix())
    make_equal(target, {name: root / name for name in names})


def make_equal(target: Path, sources: Mapping[str, Path]) -> None:
    """Copy files that differ in time or size, and remove those that have no source.

    Bytecode stays, and so do folders.

    Args:
        target: a folder.
        sources: where the file of each name comes from.
    """
    for name, size_and_time in _states(target).items():
        source = sources.get(name)
        if source is None or size_and_time != _state(source):
            (target / name).unlink()
    for name, source in sources.items():
        copy = target / name
        if source.is_file() and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def _states(folder: Path) -> dict[str, tuple[int, int]]:
    states = {}
    for path in folder.rglob("*"):
        # A link that leads nowhere is a file too.
        if path.suffix != ".pyc" and (path.is_symlink() or not path.is_dir()):
            states[path.relative_to(folder).as_posix()] = _state(path)
    return states


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)


def source_files(tree: Path) -> list[Path]:
    """Return the files that mutants are made of."""
    files: list[Path] = []
    for area in AREAS:
        files += sorted((tree / area.sources).rglob("*.py"))
    return [path for path in files if path.name not in TYPES_ONLY]


def test_files(area: Area, tree: Path) -> list[Path]:
    """Return an area's tests, what they import, and their data.

    Args:
        area: whose tests.
        tree: the copy of the repository.
    """
    files: list[Path] = []
    for name in (*area.tests, *SHARED_TESTS):
        place = tree / name
        files.append(place)
        files += sorted(place.rglob("*"))
    return [path for path in files if path.is_file() and path.suffix != ".pyc"]


def digest_of(files: Sequence[Path]) -> str:
    """Return a digest of files, to which results belong."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def environment(
    tree: Path,
    *,
    compiles: bool,
) -> dict[str, str]:
    """Return the variables with which tests import the copy, not the installed packages.

    Args:
        tree: the copy.
        compiles: whether bytecode is kept; that of a mutant could outlive it.
    """
    rooms = [
        *tree.glob("*/src"),
        *tree.glob("services/*/src"),
        tree,
        ROOT,
    ]
    variables = {
        "PYTHONPATH": os.pathsep.join(map(str, rooms)),
        # Threads of a library would not live on in a forked process.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # The plugins in use are named; finding the others takes a third of a second.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    if not compiles:
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    return {**os.environ, **variables}
