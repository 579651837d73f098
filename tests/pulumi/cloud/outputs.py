"""What AWS adds to the inputs of a resource: its arn, its address, and texts that nobody asks the wording of."""

from __future__ import annotations

import importlib
import warnings
from functools import cache

from pulumi import _types

ACCOUNT, REGION = "123456789012", "us-east-1"
LAMBDA_PATH = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
#: The service in an arn and the word before the name, where they are not the module and a slash.
ARNS = {
    "apigatewayv2/api": "apigateway:{region}::/apis/{id}",
    "cloudwatch/compositeAlarm": "cloudwatch:{region}:{account}:alarm:{id}",
    "cloudwatch/logGroup": "logs:{region}:{account}:log-group:{id}",
    "cloudwatch/metricAlarm": "cloudwatch:{region}:{account}:alarm:{id}",
    "dynamodb/table": "dynamodb:{region}:{account}:table/{id}",
    "ecr/repository": "ecr:{region}:{account}:repository/{id}",
    "iam/role": "iam::{account}:role/{id}",
    "kinesis/firehoseDeliveryStream": "firehose:{region}:{account}:deliverystream/{id}",
    "kms/alias": "kms:{region}:{account}:{id}",
    "kms/key": "kms:{region}:{account}:key/{id}",
    "lambda/function": "lambda:{region}:{account}:function:{id}",
    "s3/bucket": "s3:::{id}",
    "scheduler/schedule": "scheduler:{region}:{account}:schedule/default/{id}",
    "sqs/queue": "sqs:{region}:{account}:{id}",
}


#: Outputs that the program reads, beside the arn.
READ = {
    "ecr/repository": {"repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{id}", "registryId": "{account}"},
    "apigatewayv2/api": {
        "apiEndpoint": "https://{id}.execute-api.{region}.amazonaws.com",
        "executionArn": "arn:aws:execute-api:{region}:{account}:{id}",
    },
    "kms/key": {"keyId": "{id}"},
    "sqs/queue": {"url": "{id}"},
}


def arn_of(module: str, identity: str) -> str:
    """Return the arn of a resource; module: `sqs/queue` of `sqs/queue:Queue`."""
    service, _, noun = module.partition("/")
    pattern = ARNS.get(module, service + ":{region}:{account}:" + noun + "/{id}")
    return "arn:aws:" + pattern.format(region=REGION, account=ACCOUNT, id=identity)


def outputs(token: str, identity: str, inputs: dict, versions: int = 0) -> dict:
    """Return the state of a resource.

    versions: how many versions of a function were published; 0 for every other kind.
    """
    module = token.removeprefix("aws:").partition(":")[0]
    arn = identity if identity.startswith("arn:") else arn_of(module, identity)
    computed = {name: f"{identity}/{name}" for name in text_outputs(token)}
    computed["arn"] = arn
    computed |= _special(module, identity, inputs)
    if module == "lambda/function":
        computed |= published(arn, versions)
    return computed | inputs


def published(arn: str, version: int) -> dict:
    """Return the outputs of a function that move with every version."""
    qualified = f"{arn}:{version or '$LATEST'}"
    return {
        "version": str(version or "$LATEST"),
        "qualifiedArn": qualified,
        "qualifiedInvokeArn": f"{LAMBDA_PATH}/{qualified}/invocations",
        "invokeArn": f"{LAMBDA_PATH}/{arn}/invocations",
    }


def _special(module: str, identity: str, inputs: dict) -> dict:
    """Return the outputs that the program or a rule reads."""
    if module == "lambda/alias":
        function, _, name = identity.partition(":")
        of_alias = f"{arn_of('lambda/function', function)}:{name}"
        return {"arn": of_alias, "invokeArn": f"{LAMBDA_PATH}/{of_alias}/invocations"}
    if module == "apigatewayv2/domainName":
        target = {"targetDomainName": f"d-{identity}", "hostedZoneId": "Z1"}
        return {"domainNameConfiguration": {**inputs.get("domainNameConfiguration", {}), **target}}
    texts = READ.get(module, {})
    return {name: text.format(region=REGION, account=ACCOUNT, id=identity) for name, text in texts.items()}


@cache
def text_outputs(token: str) -> tuple[str, ...]:
    """Return the names of a type's text outputs, as the engine spells them."""
    module, _, name = token.removeprefix("aws:").partition(":")
    package = module.partition("/")[0]
    with warnings.catch_warnings():  # some modules announce moves of types that are not used here
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        home = importlib.import_module("pulumi_aws." + {"lambda": "lambda_"}.get(package, package))
        types = _types.resource_types(getattr(home, name))
    return tuple(output for output, kind in types.items() if kind is str or "str" in str(kind).split("[")[-1])
