"""Measure exactness on combinations of versions, and write docs/exactness.md.

`python -m tools.exactness` tries the pinned versions, the oldest and the newest; `--all` tries all.
A combination whose Python is not installed is NOT CHECKED, and counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.exactness.combinations import DEFAULT, Combination, every
from tools.exactness.page import render

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/exactness"
PAGE = ROOT / "docs/exactness.md"
ROOMS = ("contracts/src", "engine/src", "ml/src")
#: As numpy 1.26 and numpy 2 name what their faster and less exact exponential needs.
AVX_512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
#: Seconds that a combination may take.
LONGEST = 1500


def main() -> int:
    """Measure; return 1 where an estimator that is served was not exact."""
    parser = argparse.ArgumentParser(prog="tools.exactness", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every combination that has wheels")
    options = parser.parse_args()
    measured: list[Any] = []
    missing: list[str] = []
    failures = 0
    for combination in every() if options.all else DEFAULT:
        document = _measured(combination, missing)
        if document is not None:
            measured.append(document)
            failures += _report(document, combination)
    PAGE.write_text(render(measured, missing))
    print(f"{len(measured)} combinations checked, {len(missing)} NOT CHECKED, {failures} failures")
    return 1 if failures or not measured else 0


def _measured(combination: Combination, missing: list[str]) -> Any:
    """Return what was found, from the file of an earlier run where there is one."""
    stored = BUILD / f"{combination.name}.json"
    python = interpreter(combination.python)
    if python is None:
        words = f"{combination.name}: Python {combination.python} is not installed"
        print(f"NOT CHECKED: {words}")
        missing.append(words)
        return None
    folder = BUILD / combination.name
    try:
        _install(python, folder, combination)
    except subprocess.CalledProcessError:
        words = f"{combination.name}: its versions could not be installed together"
        print(f"NOT CHECKED: {words}")
        missing.append(words)
        return None
    path = os.pathsep.join(str(ROOT / room) for room in (*ROOMS, "."))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    # Grades are those of any processor then.
    environment["NPY_DISABLE_CPU_FEATURES"] = AVX_512
    measure = (str(folder / "bin/python"), "-m", "tools.exactness.measure")
    done = subprocess.run(  # noqa: S603 - our own program
        measure,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{combination.name}: {done.stderr[-2000:]}")
    stored.write_text(done.stdout)
    return json.loads(done.stdout)


def interpreter(version: str) -> Path | None:
    """Return a Python of a version that works, from the path or from pyenv; None without."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        *sorted(pyenv.glob(f"versions/{version}.*/bin/python")),
        shutil.which(f"python{version}"),
    ]
    for candidate in candidates:
        # A shim of pyenv is there for every version, and works for those that are switched on.
        if candidate is None:
            continue
        command = [candidate, "--version"]
        answer = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - an interpreter
        if answer.returncode == 0:
            return Path(candidate)
    return None


def _install(python: Path, folder: Path, combination: Combination) -> None:
    """Make an environment with a combination's versions. Raises CalledProcessError."""
    uv = os.environ.get("DRIFT_UV", "uv")
    if not (folder / "bin/python").exists():
        _run(uv, "venv", "--quiet", "--no-python-downloads", "--python", str(python), str(folder))
    options = combination.requirements
    if combination.pinned:
        options = ["--require-hashes", "-r", str(ROOT / f"requirements/{combination.pinned}.txt")]
    install = (uv, "pip", "install", "--quiet", "--only-binary", ":all:")
    _run(*install, "--python", str(folder / "bin/python"), *options)


def _run(*words: str) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - uv, with arguments of ours


def _report(document: Any, combination: Combination) -> int:
    """Print a combination's table; return how many estimators were not as they must be."""
    print(f"\n{combination.name}: {document['libraries']}")
    failures = 0
    for result in document["results"]:
        refused = result.get("refused")
        if refused is None:
            ours = f"{result['grade']:10} {result['worst_ulp']:4g} ulp"
            print(f"  {result['name']:40} {ours}  lignum {result.get('lignum')}")
        else:
            print(f"  {result['name']:40} refused: {refused}")
        failures += (refused is not None) != result["to_be_refused"]
    return failures


if __name__ == "__main__":
    sys.exit(main())
