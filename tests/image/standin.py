"""The base images: the published ones where they can be pulled, else a stand-in made of Debian packages.

The stand-in's packages are unpacked and not configured. That takes seconds, works for another processor than this
machine's, and leaves no bytecode in the standard library, as in the published image.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.image.engine import Docker

DOCKERFILE = Path("services/predictor/Dockerfile")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SYSTEM = ("base-files", "dash", "coreutils", "findutils", "ca-certificates", "libstdc++6")
BASE = (*SYSTEM, "python3", "python3-pip")
PACKAGES = {"base": BASE, "build": (*BASE, "gcc", "libc6-dev", "python3-dev")}
FINISH = f'cp {CERTIFICATES} "$1{CERTIFICATES}"; rm -rf "$1"/usr/share/doc "$1"/usr/share/locale "$1"/usr/share/man'
GRAVITON = "QEMU_CPU=neoverse-n1"
"""Lambda's arm64 processor; qemu's default model emulates pointer authentication, four times slower."""


class Bases(NamedTuple):
    """Tags for BASE_IMAGE and BUILD_IMAGE, their platform, and a sentence that says what they are."""

    base: str
    build: str
    platform: str
    what: str


def bases(docker: Docker, folder: Path, processor: str) -> Bases:
    """processor: amd64 or arm64."""
    published = re.findall(r"^ARG (?:BASE|BUILD)_IMAGE=(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    platform = f"linux/{processor}"
    if all(docker.run("pull", "--quiet", "--platform", platform, name).returncode == 0 for name in published):
        return Bases(*published, platform, f"the published {published[0]}")
    with ThreadPoolExecutor() as both:
        base, build = both.map(lambda kind: _unpack(docker, folder, processor, kind), PACKAGES)
    return Bases(base, build, platform, "a stand-in made of Debian trixie packages (Python 3.13)")


def _unpack(docker: Docker, folder: Path, processor: str, kind: str) -> str:
    """The packages as an image that trusts what this machine trusts; its tag."""
    layer, tag = folder / f"{kind}.tar", f"drift-standin:{kind}-{processor}"
    words = ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={processor}"]
    words += [f"--include={','.join(PACKAGES[kind])}", f"--extract-hook={FINISH}"]
    subprocess.run([*words, "trixie", str(layer), _mirror()], check=True, capture_output=True, timeout=400)
    _load(docker, layer, tag, processor)
    layer.unlink()
    return tag


def _load(docker: Docker, layer: Path, tag: str, processor: str) -> None:
    """One layer as an image. `docker import` would call every image one of this machine's processor."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    roots = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    settings = {"Env": [f"PIP_CERT={CERTIFICATES}", GRAVITON]}
    made = {"created_by": "mmdebstrap"}
    image = {"architecture": processor, "os": "linux", "config": settings, "rootfs": roots, "history": [made]}
    manifest = [{"Config": "image.json", "RepoTags": [tag], "Layers": [layer.name]}]
    archive = layer.with_suffix(".image")
    with tarfile.open(archive, "w") as packed:
        packed.add(layer, layer.name)
        for name, document in (("image.json", image), ("manifest.json", manifest)):
            data = json.dumps(document).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    docker("load", "--quiet", "--input", archive)
    archive.unlink()


def _mirror() -> str:
    """Where this machine's own packages come from, read when it is needed and written nowhere."""
    for file in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        found = re.search(
            r"^(?:URIs:|deb)\s.*?(\S+/debian)/?(?:\s|$)", file.read_text() if file.is_file() else "", re.MULTILINE
        )
        if found:
            return found[1]
    raise RuntimeError("no package source is configured on this machine")
