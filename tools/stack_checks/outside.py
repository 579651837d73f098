"""Judges that cannot live with Pulumi's libraries: checkov and parliament, on graphs that were rendered before.

`python tools/stack_checks/outside.py FOLDER` reads FOLDER/CASE/template.json, FOLDER/CASE/policies.json and
FOLDER/stated.json (what should catch which case), and fails when a sound graph has a finding without a waiver or a
fault is caught by others than stated.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections import defaultdict
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament's import of pkg_resources announces its end
    from parliament import analyze_policy_string

SOUND = "sound"
WAIVED = {
    (one["judge"], one["rule"]) for one in json.loads(Path(__file__).with_name("waivers.json").read_text("utf-8"))
}


def checkov(folder: Path) -> dict[str, set[str]]:
    """Failed checks by case that no waiver covers."""
    words = ["--framework", "cloudformation", "--output", "json", "--compact", "--quiet"]
    command = Path(sys.executable).with_name("checkov")
    line = [command, "--directory", folder, *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - words of our own
    told = json.loads(done.stdout)
    if told["summary"]["parsing_errors"]:
        raise SystemExit(f"checkov could not read {told['results']['parsing_errors']}")
    found: dict[str, set[str]] = defaultdict(set)
    for one in told["results"]["failed_checks"]:
        found[one["file_path"].strip("/").split("/")[0]].add(f"{one['check_id']} {one['check_name']}")
    return found


def parliament(folder: Path) -> dict[str, set[str]]:
    """Findings by case that no waiver covers, each policy read once."""
    seen: dict[str, set[str]] = {}
    found: dict[str, set[str]] = defaultdict(set)
    for file in folder.glob("*/policies.json"):
        for name, policy in json.loads(file.read_text("utf-8")).items():
            if policy not in seen:
                seen[policy] = {f"{one.issue} {one.title or ''}" for one in analyze_policy_string(policy).findings}
            found[file.parent.name] |= {f"{one} in {name}" for one in seen[policy]}
    return found


def main(folder: Path) -> int:
    """Compare what is caught with what is stated; 1 where they differ."""
    stated = json.loads((folder / "stated.json").read_text("utf-8"))
    wrong, used = [], set()
    for judge, judged in (("checkov", checkov(folder)), ("parliament", parliament(folder))):
        left = {case: {one for one in found if (judge, one.split()[0]) not in WAIVED} for case, found in judged.items()}
        used |= {(judge, one.split()[0]) for found in judged.values() for one in found} & WAIVED
        wrong += [f"{judge}: {one}" for one in sorted(left.get(SOUND, set()))]
        for case, fault in stated.items():
            caught = bool(left.get(case, set()) - left.get(SOUND, set()))
            if caught != (judge in fault["caught_by"]):
                wrong.append(
                    f"{judge} {'catches' if caught else 'misses'}: {fault['name']} {sorted(left.get(case, ()))}"
                )
    wrong += [f"waiver that nothing needs any more: {judge} {rule}" for judge, rule in sorted(WAIVED - used)]
    sys.stdout.write("\n".join(wrong or [f"checkov and parliament: {len(stated)} faults as stated"]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
