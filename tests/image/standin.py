"""The base images: the published ones where they can be pulled, else a stand-in made of Debian packages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine import Docker

DOCKERFILE = Path("services/predictor/Dockerfile")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "drift-standin"


class Bases(NamedTuple):
    """Tags for BASE_IMAGE and BUILD_IMAGE, and a sentence that says what they are."""

    base: str
    build: str
    what: str


def bases(docker: Docker, folder: Path) -> Bases:
    published = re.findall(r"^ARG (?:BASE|BUILD)_IMAGE=(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    if all(docker.run("pull", "--quiet", name).returncode == 0 for name in published):
        return Bases(*published, f"the published {published[0]}")
    tarball = folder / "base.tar"
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-pip,ca-certificates"]
    subprocess.run([*words, "trixie", str(tarball), _mirror()], check=True, capture_output=True, timeout=400)
    docker("import", tarball, f"{NAME}:plain")
    tarball.unlink()
    context = folder / "standin"
    context.mkdir()
    (context / "ca.crt").write_bytes(CERTIFICATES.read_bytes())
    trusting = f"FROM {NAME}:plain\nCOPY ca.crt {CERTIFICATES}\nENV PIP_CERT={CERTIFICATES}\n"
    packages = "apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev python3-dev"
    _build(docker, context, "base", trusting)
    _build(docker, context, "build", f"FROM {NAME}:base\nRUN {packages} >/dev/null\n")
    return Bases(f"{NAME}:base", f"{NAME}:build", "a stand-in made of Debian trixie packages (Python 3.13)")


def _build(docker: Docker, context: Path, tag: str, text: str) -> None:
    (context / "Dockerfile").write_text(text)
    docker("build", "--quiet", "--network", "host", "--tag", f"{NAME}:{tag}", context)


def _mirror() -> str:
    """Where this machine's own packages come from, read when it is needed and written nowhere."""
    for file in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        found = re.search(
            r"^(?:URIs:|deb)\s.*?(\S+/debian)/?(?:\s|$)", file.read_text() if file.is_file() else "", re.MULTILINE
        )
        if found:
            return found[1]
    raise RuntimeError("no package source is configured on this machine")
