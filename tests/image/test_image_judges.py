"""The Dockerfile judged by hadolint and trivy; the SBOM written beside the image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DOCKERFILE = "services/predictor/Dockerfile"
WAIVED = json.loads((Path(__file__).parent / "waivers.json").read_text())


def test_hadolint_finds_nothing_that_is_not_waived_with_a_reason():
    done = subprocess.run(["hadolint", "--format", "json", DOCKERFILE], capture_output=True, text=True, check=False)
    found = {finding["code"] for finding in json.loads(done.stdout)}
    assert found == set(WAIVED["hadolint"])


def test_the_configuration_scan_finds_nothing_that_is_not_waived_with_a_reason():
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


def test_the_sbom_lists_every_pinned_package_of_the_image(tmp_path):
    sbom = Path("build/sbom.json")
    pins = [
        line for name in ("runtime", "monitor") for line in Path(f"requirements/{name}.txt").read_text().splitlines()
    ]
    together = tmp_path / "image.txt"
    together.write_text("\n".join(pins))
    words = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "requirements",
        str(together),
        "--output-reproducible",
        "-o",
        str(sbom),
    ]
    subprocess.run(words, check=True, capture_output=True)
    listed = {component["name"] for component in json.loads(sbom.read_text())["components"]}
    assert {"awslambdaric", "numpy", "boto3"} <= listed
