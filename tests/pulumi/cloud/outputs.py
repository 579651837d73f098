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
    computed |= _special(module, identity, arn, inputs)
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


def _special(module: str, identity: str, arn: str, inputs: dict) -> dict:
    """Return the outputs that the program or a rule reads."""
    if module == "ecr/repository":
        url = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{identity}"
        return {"repositoryUrl": url, "registryId": ACCOUNT}
    if module == "apigatewayv2/api":
        endpoint = f"https://{identity}.execute-api.{REGION}.amazonaws.com"
        return {"apiEndpoint": endpoint, "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{identity}"}
    if module == "lambda/alias":
        function, _, name = identity.partition(":")
        arn = f"{arn_of('lambda/function', function)}:{name}"
        return {"arn": arn, "invokeArn": f"{LAMBDA_PATH}/{arn}/invocations"}
    if module == "apigatewayv2/domainName":
        configuration = inputs.get("domainNameConfiguration", {})
        return {"domainNameConfiguration": {**configuration, "targetDomainName": f"d-{identity}", "hostedZoneId": "Z1"}}
    if module == "sqs/queue":
        return {"url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{identity}"}
    if module == "kms/key":
        return {"keyId": identity}
    return {}


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
