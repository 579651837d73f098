"""One component per file.

Each takes one frozen Args, parents its children and reads no configuration.
"""

import warnings

from pulumi_aws import lambda_, s3

with warnings.catch_warnings():  # these two modules announce moves of types that are not used here
    warnings.filterwarnings(
        "ignore", category=DeprecationWarning, message=r"(aws\.)?(lambda|s3)[./]"
    )
    _loaded = (
        lambda_.Function,
        s3.Bucket,
    )  # pulumi-aws loads a module at the first use of it: this is the quiet one
