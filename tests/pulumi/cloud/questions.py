"""What a program may ask AWS without making anything."""

# ruff: noqa: ARG001 - every question of the table is answered the same way

from __future__ import annotations

from typing import TYPE_CHECKING

from . import rules
from .outputs import ACCOUNT, REGION
from .refusals import Refused

if TYPE_CHECKING:
    from .account import Account

NO_TAG = "docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html: ImageNotFoundException"


def answer(account: Account, token: str, asked: dict) -> dict:
    """Return the answer to an invoke. Raises Refused, and KeyError for a question that nobody asked so far."""
    return QUESTIONS[token](account, asked)


def _identity(account: Account, asked: dict) -> dict:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer", "id": ACCOUNT, "userId": "A"}


def _login(account: Account, asked: dict) -> dict:
    return {
        "userName": "AWS",
        "password": "a-token",
        "authorizationToken": "",
        "expiresAt": "",
        "id": REGION,
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "registryId": ACCOUNT,
    }


def _image(account: Account, asked: dict) -> dict:
    repository, tag = str(asked["repositoryName"]), asked.get("imageTag")
    if account.get("ecr/repository:Repository", repository) is None:
        raise Refused(f"RepositoryNotFoundException: {repository}", NO_TAG)
    digest = account.images.get(repository, {}).get(str(tag)) or asked.get("imageDigest")
    if digest not in account.digests:
        raise Refused(f"reading ECR Image: couldn't find resource ({repository}:{tag})", NO_TAG)
    return {
        "id": digest,
        "imageDigest": digest,
        "imagePushedAt": 1,
        "imageSizeInBytes": 1,
        "imageTags": [tag],
        "imageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}@{digest}",
        "registryId": ACCOUNT,
        "repositoryName": repository,
        "region": REGION,
    }


def _images(account: Account, asked: dict) -> dict:
    repository = str(asked["repositoryName"])
    if account.get("ecr/repository:Repository", repository) is None:
        raise Refused(f"RepositoryNotFoundException: {repository}", NO_TAG)
    tagged = account.images.get(repository, {})
    found = [{"imageTag": tag, "imageDigest": digest} for tag, digest in tagged.items()]
    return {"id": repository, "imageIds": found, "repositoryName": repository, "registryId": ACCOUNT, "region": REGION}


def _call(account: Account, asked: dict) -> dict:
    function, qualifier = str(asked["functionName"]), str(asked.get("qualifier") or "$LATEST")
    versions = account.versions.get(function)
    if versions is None:
        raise Refused(f"ResourceNotFoundException: {function}", rules.MISSING)
    if qualifier.isdigit():
        account.start(function, qualifier)
    return {**asked, "id": f"{function}_{qualifier}", "result": "{}"}


def _function(account: Account, asked: dict) -> dict:
    """Answer with a function, or with one of its published versions as it was published."""
    name, qualifier = str(asked["functionName"]), str(asked.get("qualifier") or "$LATEST")
    thing = account.get("lambda/function:Function", name)
    published = account.versions.get(name, {})
    if thing is None or (qualifier.isdigit() and int(qualifier) not in published):
        raise Refused(f"ResourceNotFoundException: {name}:{qualifier} couldn't find resource", rules.MISSING)
    inputs = thing.inputs
    if qualifier.isdigit():
        inputs = published[int(qualifier)].inputs
    arn = str(thing.state["arn"])
    return {
        **{key: value for key, value in inputs.items() if key not in ("name", "imageConfig", "publish")},
        "id": name,
        "functionName": name,
        "arn": arn,
        "qualifiedArn": f"{arn}:{qualifier}",
        "qualifier": qualifier,
        "version": qualifier,
        "invokeArn": thing.state["invokeArn"],
        "qualifiedInvokeArn": thing.state["qualifiedInvokeArn"],
        "environment": inputs.get("environment") or {"variables": {}},
    }


QUESTIONS = {
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _login,
    "aws:ecr/getImage:getImage": _image,
    "aws:ecr/getImages:getImages": _images,
    "aws:lambda/getFunction:getFunction": _function,
    "aws:lambda/getInvocation:getInvocation": _call,
}
