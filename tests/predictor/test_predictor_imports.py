"""What a prediction makes Python import, against a committed list: nothing heavy comes in by accident."""

import json
import subprocess
import sys
from pathlib import Path

FORBIDDEN = {
    "numpy",
    "sklearn",
    "boto3",
    "botocore",
    "jsonschema",
    "pandas",
    "scipy",
    "joblib",
    "httpx",
    "click",
    "rich",
}
PROGRAM = """
import sys
before = set(sys.modules)
import json
import drift_predictor.handler as module
features = {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}
started = set(sys.modules)
sys.stdout.write(json.dumps(module.handler({"features": features}, None)) + "\\n")
sys.stdout.write(json.dumps([sorted(started - before), sorted(set(sys.modules) - started)]) + "\\n")
"""


def imported(bundles):
    environment = {"DRIFT_BUNDLES": str(bundles), "DRIFT_MODEL": "house-price", "PYTHONSAFEPATH": "1"}
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    ).stdout
    answer, modules = map(json.loads, printed.splitlines()[-2:])
    assert answer["model"] == "house-price"
    return modules


def test_imports(bundles):
    """A start imports what is listed, and a prediction nothing more."""
    at_start, at_prediction = imported(bundles)
    allowed = json.loads((Path(__file__).parent / "imports.json").read_text())
    theirs = {name for name in at_start if not name.startswith(("drift_", "encodings."))}
    ours = {name for name in at_start if name.startswith("drift_")}
    assert theirs <= set(allowed["standard library"]), sorted(theirs - set(allowed["standard library"]))
    assert ours <= set(allowed["ours"]), sorted(ours - set(allowed["ours"]))
    assert at_prediction == []


def test_nothing_heavy():
    """Nothing on the list is heavy."""
    allowed = json.loads((Path(__file__).parent / "imports.json").read_text())
    roots = {name.split(".")[0] for name in (*allowed["standard library"], *allowed["ours"])}
    assert roots & FORBIDDEN == set()
    assert {root for root in roots if not root.startswith(("drift_", "_"))} <= sys.stdlib_module_names
