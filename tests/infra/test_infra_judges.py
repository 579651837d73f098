"""The judges of other houses on the graph of every stack file, and on seeded faults."""

# ruff: noqa: E501 - a case is read as one line of a table

from __future__ import annotations

import json
import runpy
import warnings

import pytest
from drift_infra.policies import rules, violations
from drift_infra.settings import KEYS

from tools.stack_checks import validate as terraform_validate
from tools.stack_checks.__main__ import EVERYTHING, main
from tools.stack_checks.cloudformation import cloudformation
from tools.stack_checks.faults import FAULTS
from tools.stack_checks.lint import cfn_lint

VARIANTS = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "everything": ("prod", EVERYTHING),
    "planted-in": ("dev", EVERYTHING),
    "domain": ("prod", {"customDomain": "drift.example.com", "hostedZoneId": "Z01", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"}),
    "jwt": ("dev", {"authentication": "jwt", "jwtIssuer": "https://login.example.com", "jwtAudience": '["a"]'}),
    "weighted": ("dev", {"previousVersion": "7", "previousVersionPercent": "20"}),
    "two-models": ("dev", {"models": '["house-price", "diabetes"]', "architecture": "x86_64"}),
}  # fmt: skip
TOOL = terraform_validate.find()


@pytest.mark.parametrize("name", VARIANTS)
def test_cfn_lint(build, name):
    """cfn-lint finds nothing in any variant."""
    stack, changes = VARIANTS[name]
    assert cfn_lint(build(stack, **changes)[0]) == []


@pytest.mark.skipif(TOOL is None, reason="NOT CHECKED: no terraform with an AWS provider on this machine")
def test_terraform(build, tmp_path):
    """Terraform finds nothing in any variant."""
    graphs = {name: build(stack, **changes)[0] for name, (stack, changes) in VARIANTS.items()}
    found = terraform_validate.validate(TOOL, tmp_path, graphs)
    assert found == {name: [] for name in VARIANTS}


@pytest.fixture(scope="module")
def whole(build):
    """Each stack with every optional part, and its resources as CloudFormation: what the faults are planted in."""
    graphs = {stack: build(stack, **EVERYTHING)[0] for stack in ("dev", "prod")}
    return {stack: (graph, cloudformation(graph)["Resources"]) for stack, graph in graphs.items()}


def faults(build):
    sound = {stack: build(stack, **EVERYTHING)[0] for stack in ("dev", "prod")}
    return {f"fault-{number:02}": (fault, fault.graph(sound[fault.stack])) for number, fault in enumerate(FAULTS)}


@pytest.mark.skipif(TOOL is None, reason="NOT CHECKED: no terraform with an AWS provider on this machine")
def test_terraform_faults(build, tmp_path):
    """Terraform finds the faults that are stated, and no others."""
    planted = faults(build)
    found = terraform_validate.validate(TOOL, tmp_path, {name: graph for name, (_, graph) in planted.items()})
    caught = {fault.name for name, (fault, _) in planted.items() if found[name]}
    assert caught == {fault.name for fault in FAULTS if "terraform" in fault.caught_by}


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_cfn_lint_faults(whole, number):
    """cfn-lint finds the faults that are stated."""
    fault = FAULTS[number]
    sound, known = whole[fault.stack]
    found = cfn_lint(fault.graph(sound), known)
    assert bool(found) == ("cfn-lint" in fault.caught_by), found


def test_command(root, capsys):
    """The command checks a stack's file."""
    assert main(["--root", str(root), "check", "dev"]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_command_on_prod(root, capsys):
    """The command states what stops prod as it ships."""
    assert main(["--root", str(root), "check", "prod"]) == 2
    assert capsys.readouterr().err.startswith("alertEmails: prod has no alert endpoint; allowed: at least one of")


def test_missing_stack(root, capsys):
    """A stack without a file is refused in one line."""
    assert main(["--root", str(root), "check", "nowhere"]) == 2
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err


def test_rendered_cases(root, tmp_path):
    """The command writes each case for other checkers."""
    assert main(["--root", str(root), "render", str(tmp_path)]) == 0
    stated = json.loads((tmp_path / "stated.json").read_text("utf-8"))
    assert len(stated) == len(FAULTS)
    assert all((tmp_path / name / "policies.json").is_file() for name in (*stated, "sound-dev", "sound-prod"))
    sizes = {name: len(json.loads(path.read_text("utf-8"))["Resources"]) for name, path in templates(tmp_path)}
    assert {"sound-dev", "sound-prod"} == set(sorted(sizes, key=sizes.get)[-2:])
    assert len(sizes) > len(FAULTS) / 2


def templates(folder):
    return [(path.parent.name, path) for path in folder.glob("*/template.json")]


def test_waivers(root):
    """Every waiver has a reason."""
    waivers = json.loads((root / "tools/stack_checks/waivers.json").read_text("utf-8"))
    assert all(len(one["reason"]) > 40 for one in waivers)
    assert len({(one["checker"], one["rule"]) for one in waivers}) == len(waivers)


def test_policies_have_faults(build):
    """Every policy has a planted fault, or a case here, that breaks it."""
    sound = build("dev", **EVERYTHING)[0]
    broken = {
        rule.name
        for fault in FAULTS
        for node in fault.graph(sound).nodes
        for rule in violations(node.kind, node.inputs)
    }
    own = {
        "no-managed-policy": ("aws:iam/role:Role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
        "trust-one-service": ("aws:iam/role:Role", {"assumeRolePolicy": allow(Principal="*", Action="sts:AssumeRole")}),
        "no-anonymous-access": ("aws:sns/topicPolicy:TopicPolicy", {"policy": allow(Principal={"AWS": "*"}, Action="sns:Publish", Resource="arn:aws:sns:us-east-1:1:t")}),
        "tls-only": ("aws:sqs/queuePolicy:QueuePolicy", {"policy": allow(Principal={"AWS": "1"}, Action="sqs:SendMessage", Resource="arn:aws:sqs:us-east-1:1:q")}),
        "encrypted-table": ("aws:dynamodb/table:Table", {}),
        "no-function-url": ("aws:lambda/functionUrl:FunctionUrl", {}),
    }  # fmt: skip
    for name, (kind, inputs) in own.items():
        assert name in {rule.name for rule in violations(kind, inputs)}
    assert broken | set(own) == {rule.name for rule in rules()}


def allow(**members):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **members}]})


@pytest.mark.parametrize(
    ("resource", "wide"),
    [
        ("*", True), ("arn:aws:s3:::*", True), ("arn:aws:sqs:us-east-1:123456789012:*", True), ("arn:aws:dynamodb:*:*:table/x", True),
        ("arn:aws:s3:::bucket/*", False), ("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x:*", False),
        ("arn:aws:sqs:us-east-1:123456789012:queue", False),
    ],
)  # fmt: skip
def test_wildcards(resource, wide):
    """A wildcard below a named resource is allowed, and one above it is not."""
    policy = allow(Action="sqs:SendMessage", Resource=resource)
    broken = {rule.name for rule in violations("aws:iam/rolePolicy:RolePolicy", {"policy": policy})}
    assert ("no-wildcard" in broken) is wide


def test_policy_pack(root):
    """The policy pack reports through Pulumi."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pack = runpy.run_path(str(root / "infra/policies/__main__.py"), run_name="pack")
    reported = []
    for rule in rules():
        policy = pack["as_policy"](rule)
        assert callable(policy.validate)
        args = type("Args", (), {"resource_type": "aws:lambda/functionUrl:FunctionUrl", "props": {}})
        policy.validate(args, reported.append)
    assert reported == ["A function URL goes around the API's authentication and throttling."]


def test_key_groups():
    """The keys of a group are next to each other."""
    groups = [key.group for key in KEYS]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)
