"""Measure exactness on combinations of versions, and write docs/exactness.md.

`python -m tools.exactness` tries the pinned versions, the oldest and the newest; `--all` tries all.
Each combination's result is a file in build/exactness, so that a run that was interrupted goes on
where it stopped. A combination whose Python is not installed is NOT CHECKED, and counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.exactness import stored
from tools.exactness.combinations import DEFAULT, Combination, every
from tools.exactness.data import make_feature_set
from tools.exactness.handed_over import prove_file
from tools.exactness.page import render
from tools.exactness.stored import BUILD, ROOT

PAGE = ROOT / "docs/exactness.md"
ROOMS = ("contracts/src", "engine/src", "ml/src")
#: As numpy 1.26 and numpy 2 name what their faster and less exact exponential needs.
AVX_512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
#: Seconds that a combination may take.
LONGEST = 1500


class NotCheckedError(Exception):
    """A combination cannot be tried on this machine, for the reason in the message."""


def main() -> int:
    """Measure; return 1 where an estimator that is served was not exact."""
    options = _options()
    chosen = every() if options.all else DEFAULT
    if options.list:
        print("\n".join(combination.name for combination in chosen))
        return 0
    measured: list[Any] = []
    missing: list[str] = []
    failures = 0
    for combination in chosen:
        if options.only not in (None, combination.name):
            continue
        try:
            document = _measured(combination, is_stored=options.stored)
        except NotCheckedError as error:
            print(f"NOT CHECKED: {combination.name}: {error}")
            missing.append(f"{combination.name}: {error}")
            continue
        measured.append(document)
        failures += _report(document, combination)
    # The page is of all combinations that were asked for, and not of one.
    if options.only is None:
        PAGE.write_text(render(measured, missing))
    print(f"{len(measured)} combinations checked, {len(missing)} NOT CHECKED, {failures} failures")
    return 1 if failures or not measured else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools.exactness", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every combination that has wheels")
    parser.add_argument("--only", metavar="NAME", help="this combination, without the page")
    parser.add_argument("--list", action="store_true", help="the names of the combinations alone")
    parser.add_argument("--stored", action="store_true", help="the page of what is stored alone")
    return parser.parse_args()


def _measured(combination: Combination, *, is_stored: bool) -> Any:
    """Return what was found, from the file of an earlier run where it is still good.

    Args:
        combination: Of versions.
        is_stored: Whether nothing is measured that is not stored.

    Raises:
        NotCheckedError: its Python is not installed, its versions are not to be had, or it is not
            stored and nothing else was asked for.
    """
    digest = stored.digest_of(combination)
    document = stored.load(combination, digest)
    if document is not None:
        return document
    if is_stored:
        raise NotCheckedError("it was not measured with these sources and versions yet")
    python = interpreter(combination.python)
    if python is None:
        raise NotCheckedError(f"Python {combination.python} is not installed")
    folder = BUILD / combination.name
    try:
        _install(python, folder, combination)
    except subprocess.CalledProcessError:
        raise NotCheckedError("its versions could not be installed together") from None
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as files:
        document = _run_measure(combination, folder, Path(files))
        for result in document["results"]:
            if "file" in result:
                features = make_feature_set(nullable=result["missing"])
                result["from_file"] = prove_file(Path(files, result["file"]), features)
    document |= {
        "combination": combination.name,
        "digest": digest,
        "seconds": round(time.perf_counter() - start),
    }
    stored.save(combination, document)
    return document


def _run_measure(combination: Combination, folder: Path, files: Path) -> Any:
    """Return what `measure` prints in the environment of a combination.

    Args:
        combination: Whose versions they are.
        folder: Of the environment.
        files: Where estimators are saved.
    """
    path = os.pathsep.join(str(ROOT / room) for room in (*ROOMS, "."))
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Grades are those of any processor then.
        "NPY_DISABLE_CPU_FEATURES": AVX_512,
    }
    command = (str(folder / "bin/python"), "-m", "tools.exactness.measure", "--files", str(files))
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{combination.name}: {done.stderr[-2000:]}")
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
    print(f"\n{combination.name}, {document['seconds']} s: {document['libraries']}")
    failures = 0
    for result in document["results"]:
        is_failure = _is_failure(result)
        failures += is_failure
        mark = "FAILED" if is_failure else ""
        print(f"  {result['name']:40} {_words(result)} {mark}")
    return failures


def _words(result: Any) -> str:
    for fate in ("refused", "needs", "failed"):
        if fate in result:
            return f"{fate}: {result[fate]}"
    file = result.get("from_file", {})
    from_file = file.get("grade") or file.get("refused")
    words = f"{result['grade']:10} {result['worst_ulp']:4g} ulp  from a file: {from_file}"
    return words if "lignum" not in result else f"{words}  lignum: {result['lignum']}"


def _is_failure(result: Any) -> bool:
    """Return whether an estimator is refused that is served, or the reverse, or broke."""
    if "failed" in result:
        return True
    is_refused = "refused" in result.get("from_file", {})
    if is_refused != result.get("file_to_be_refused", False):
        return True
    is_tried = "needs" not in result
    return is_tried and ("refused" in result) != result["to_be_refused"]


if __name__ == "__main__":
    sys.exit(main())
