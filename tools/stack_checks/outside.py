"""Checkers that cannot live with Pulumi's libraries, on graphs that were rendered before.

They are checkov and parliament. `python tools/stack_checks/outside.py FOLDER` reads in FOLDER

- `CASE/template.json` and `CASE/policies.json`, cases `sound-STACK` and one for each planted fault
- `stated.json`, who should find which fault, and the sound case that it is planted in
- `deployer/*.json`, a deployer's policies

and fails when a sound graph has a finding without a waiver, or a fault is found by others than
stated. A waiver that nothing needs any more is a fault too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

with warnings.catch_warnings():
    # parliament's import of pkg_resources warns that this will end.
    warnings.simplefilter("ignore")
    from parliament import analyze_policy_string

#: What a checker reports, by case.
Findings: TypeAlias = dict[str, set[str]]

SOUND = ("sound-dev", "sound-prod")
WAIVERS = Path(__file__).with_name("waivers.json")


def read_waivers() -> set[tuple[str, str]]:
    """Return the checker and the rule of each waiver."""
    waivers = json.loads(WAIVERS.read_text("utf-8"))
    return {(waiver["checker"], waiver["rule"]) for waiver in waivers}


def checkov(folder: Path) -> Findings:
    """Return the checks that fail, by case; exit where a template cannot be read."""
    # An exit code says that something was found, which is no failure here.
    command = [
        str(Path(sys.executable).with_name("checkov")),
        *("--directory", str(folder)),
        *("--framework", "cloudformation", "--output", "json", "--compact", "--quiet"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    report = json.loads(done.stdout)
    if report["summary"]["parsing_errors"]:
        raise SystemExit(f"checkov could not read {report['results']['parsing_errors']}")
    findings: Findings = defaultdict(set)
    for check in report["results"]["failed_checks"]:
        case = check["file_path"].strip("/").split("/")[0]
        findings[case].add(f"{check['check_id']} {check['check_name']}")
    return findings


def parliament(folder: Path) -> Findings:
    """Return what is wrong with policies, by case; each policy is read once."""
    issues: dict[str, set[str]] = {}
    findings: Findings = defaultdict(set)
    for file in folder.glob("*/policies.json"):
        for name, policy in json.loads(file.read_text("utf-8")).items():
            if policy not in issues:
                report = analyze_policy_string(policy).findings
                issues[policy] = {f"{issue.issue} {issue.title or ''}" for issue in report}
            findings[file.parent.name] |= {f"{issue} in {name}" for issue in issues[policy]}
    return findings


def deployers_faults(folder: Path) -> list[str]:
    """Return what IAM would refuse of a deployer's policies.

    Their reach is that of the stack's names; parliament asks for exact resources beyond that.
    """
    faults = []
    refused = ("UNKNOWN", "MALFORMED", "INVALID")
    for file in sorted(folder.glob("deployer/*.json")):
        issues = analyze_policy_string(file.read_text("utf-8")).findings
        faults += [
            f"parliament: {issue.issue} {issue.detail} in {file.name}"
            for issue in issues
            if issue.issue.startswith(refused)
        ]
    return faults


def compare(folder: Path) -> list[str]:
    """Return where findings differ from what is stated."""
    stated = json.loads((folder / "stated.json").read_text("utf-8"))
    waivers = read_waivers()
    needed = set()
    wrong = deployers_faults(folder)
    for checker, findings in (("checkov", checkov(folder)), ("parliament", parliament(folder))):
        unwaived: Findings = {}
        for case, found_in_case in findings.items():
            rules = {finding: (checker, finding.split()[0]) for finding in found_in_case}
            needed |= waivers & set(rules.values())
            unwaived[case] = {finding for finding, rule in rules.items() if rule not in waivers}
        for case in SOUND:
            findings_of_case = sorted(unwaived.get(case, set()))
            wrong += [f"{checker}: {finding} in {case}" for finding in findings_of_case]
        # What the sound graph has too is not found because of the fault.
        for case, fault in stated.items():
            reported = unwaived.get(case, set())
            is_caught = bool(reported - unwaived.get(fault["planted_in"], set()))
            if is_caught != (checker in fault["caught_by"]):
                verb = "catches" if is_caught else "misses"
                wrong.append(f"{checker} {verb}: {fault['name']} {sorted(reported)}")
    for checker, rule in sorted(waivers - needed):
        wrong.append(f"waiver that nothing needs any more: {checker} {rule}")
    return wrong


def main(folder: Path) -> int:
    """Print where what is caught differs from what is stated; return 1 if anywhere."""
    wrong = compare(folder)
    faults = len(json.loads((folder / "stated.json").read_text("utf-8")))
    lines = wrong or [f"checkov and parliament: {faults} faults as stated"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
