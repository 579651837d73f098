"""Build the wheel and the sources of every distribution into `build/dist`: `python -m
tools.wheels`.

Nothing is fetched: the backend is the one that is installed. On Linux the engine's wheel is named
after the oldest C library that it works with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tools.distributions import ROOMS, ROOT

TARGET = ROOT / "build" / "dist"
#: 2020-01-01: archives take no earlier time than 1980, and equal sources give equal wheels.
EPOCH = "1577836800"


def run(*words: str) -> None:
    """Run a module of this interpreter. Raises subprocess.CalledProcessError."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True, env=environment)  # noqa: S603


def clean(room: str) -> None:
    """Remove what an earlier build left in a room: setuptools would pack files that are gone from
    the sources.
    """
    for leftover in ("build", *(path.name for path in (ROOT / room).glob("src/*.egg-info"))):
        shutil.rmtree(ROOT / room / leftover, ignore_errors=True)


def main() -> int:
    """Build, repair and check."""
    shutil.rmtree(TARGET, ignore_errors=True)
    for room in ROOMS:
        clean(room)
        run("build", "--no-isolation", "--outdir", str(TARGET), room)
    if sys.platform == "linux":
        (wheel,) = TARGET.glob("drift_engine-*-linux_*.whl")
        run("auditwheel", "repair", "--wheel-dir", str(TARGET), str(wheel))
        wheel.unlink()
    run("twine", "check", "--strict", *map(str, sorted(TARGET.iterdir())))
    for path in sorted(TARGET.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
