"""Whether a repository has an image already."""

from __future__ import annotations

import re

import pulumi
from pulumi_aws import ecr

from .settings.model import BY_NAME

# What the provider says of a repository or a tag that is not there; anything else is another
# trouble.
NOT_THERE = re.compile(r"NotFound|not found|couldn't find|no matching|empty result", re.IGNORECASE)


def published(repository: str, tag: str, provider: pulumi.ProviderResource) -> str | None:
    """Return the digest under a tag of a repository of this account; None where there is none.

    Raises ConfigurationError if the repository cannot be asked.
    """
    options = pulumi.InvokeOptions(provider=provider)
    try:
        image = ecr.get_image(repository_name=repository, image_tag=tag, opts=options)
    except Exception as error:  # an invoke has no error of its own
        if NOT_THERE.search(str(error)):
            return None
        reason = str(error).strip().splitlines()[-1]
        problem = f"is empty and the repository does not answer whether it has the image ({reason})"
        raise BY_NAME["imageDigest"].error(problem) from None
    digest: str = image.image_digest
    return digest
