"""The Dockerfile judged by hadolint and trivy; the SBOM written beside the image."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.image.support import python

DOCKERFILE = "services/predictor/Dockerfile"
WAIVED = json.loads((Path(__file__).parent / "waivers.json").read_text())


def test_hadolint():
    """Hadolint finds nothing but what is waived with a reason."""
    done = subprocess.run(["hadolint", "--format", "json", DOCKERFILE], capture_output=True, text=True, check=False)
    found = {finding["code"] for finding in json.loads(done.stdout)}
    assert found == set(WAIVED["hadolint"])


def test_configuration_scan():
    """The configuration scan finds nothing but what is waived with a reason."""
    words = ["trivy", "config", "--quiet", "--skip-check-update", "--format", "json", DOCKERFILE]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout).get("Results") or []
    failed = {
        finding["ID"]
        for result in results
        for finding in result.get("Misconfigurations", [])
        if finding["Status"] == "FAIL"
    }
    assert failed == set(WAIVED["trivy"])


def test_sbom(docker, image, tmp_path):
    """The SBOM lists the packages on top of the base, in the pinned versions."""
    script = (
        "import sys; from importlib.metadata import distributions\n"
        "for one in distributions(path=sys.path[1:4]): print(one.name, one.version)"  # PYTHONPATH's three folders
    )
    inside = {tuple(line.split()) for line in python(docker, image, script).splitlines()}
    packages = tmp_path / "packages.txt"
    packages.write_text("".join(f"{name}=={version}\n" for name, version in sorted(inside)))
    words = [sys.executable, "-m", "cyclonedx_py", "requirements", str(packages), "--output-reproducible"]
    subprocess.run([*words, "-o", "build/sbom.json"], check=True, capture_output=True)
    listed = {(one["name"], one["version"]) for one in json.loads(Path("build/sbom.json").read_text())["components"]}
    assert listed == inside
    pins = "".join(Path(f"requirements/{name}.txt").read_text() for name in ("runtime", "monitor"))
    theirs = {(name, version) for name, version in inside if not name.startswith("drift-")}
    assert {name for name, _ in theirs} == set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))
    assert [f"{name}=={version}" for name, version in theirs if f"{name}=={version} " not in pins] == []
