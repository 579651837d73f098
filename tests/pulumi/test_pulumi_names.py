"""The bridge's table of names against both sides: the classes of pulumi_aws and the schema of the provider."""

from __future__ import annotations

import importlib
import json
import re
import warnings

import pytest
from pulumi import _types

from tools.stack_checks.validate import find

from . import binaries

TABLE = json.loads((binaries.MODULES / "bridge" / "names.json").read_text("utf-8"))["types"]
REQUIRED = {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}}}
#: Where pulumi_aws has another name, and no stack uses either: a file of code is an archive there, and the plural of
#: this index is "indices" (that of DynamoDB's is "indexes").
GONE = {"aws_glue_catalog_table": {"partitionIndexes"}, "aws_lambda_function": {"filename"}}


def camel(snake):
    """Return a name of Terraform's as Pulumi spells it.

    >>> camel("evaluation_periods")
    'evaluationPeriods'
    """
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), snake)


def plural(name):
    """Return a list's name as the bridge does.

    >>> plural("policy"), plural("attribute"), plural("actions"), plural("index"), plural("alias")
    ('policies', 'attributes', 'actions', 'indexes', 'aliases')
    """
    if name.lower().endswith(("index", "alias")):
        return f"{name}es"
    if name.endswith("s"):
        return name
    return name.removesuffix("y") + "ies" if name.endswith("y") else name + "s"


def named(name, facts, *, many):
    """Return what the bridge calls an attribute or a block, with what the table says of it."""
    given = facts.get("name")
    if given:
        return given
    if facts.get("one") is not None:
        many = not facts["one"]
    return plural(camel(name)) if many else camel(name)


def bridged(block, fields):
    """Return the names that the bridge gives to a type's attributes and blocks."""
    found = set()
    for name, attribute in block.get("attributes", {}).items():
        kind = attribute["type"]
        many = isinstance(kind, list) and kind[0] in ("list", "set")
        found.add(named(name, fields.get(name, {}), many=many))
    for name, inner in block.get("block_types", {}).items():
        many = inner["nesting_mode"] in ("list", "set") and inner.get("max_items") != 1
        found.add(named(name, fields.get(name, {}), many=many))
    return found - {"id", "timeouts"}


def properties(token):
    """Return the names of a class's properties, as the engine spells them."""
    module, _, name = token.removeprefix("aws:").partition(":")
    package = module.partition("/")[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        home = importlib.import_module("pulumi_aws." + {"lambda": "lambda_"}.get(package, package))
        return set(_types.resource_types(getattr(home, name)))


@pytest.fixture(scope="session")
def schemas(tmp_path_factory):
    """The provider's schema by type, as Terraform prints it."""
    tool = find()
    if tool is None:
        pytest.skip("NOT CHECKED: no Terraform with its AWS provider on this machine")
    folder = tmp_path_factory.mktemp("schema")
    (folder / "main.tf.json").write_text(json.dumps(REQUIRED), "utf-8")
    tool.init(folder)
    printed = json.loads(tool.run(folder, "providers", "schema", "-json").stdout)
    (provider,) = printed["provider_schemas"].values()
    return provider["resource_schemas"]


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_names_of_types(schemas, kind):
    """A type has the names that pulumi-aws gives it."""
    facts = TABLE[kind]
    names = bridged(schemas[kind]["block"], facts.get("fields", {}))
    assert names - properties(facts["token"]) == GONE.get(kind, set())
