"""A private bucket: encrypted, TLS only, no public access, emptied by age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from drift_contracts.prediction_log import FOLDER
from pulumi_aws import s3

from drift_infra.iam import policy, tls_only

if TYPE_CHECKING:
    from drift_infra.naming import Site

CHEAPER_AFTER = 30


@dataclass(frozen=True)
class LogBucketArgs:
    """How long predictions are kept; answers to questions go after a week."""

    site: Site
    #: Days after which an object is deleted.
    keep_days: int


class LogBucket(pulumi.ComponentResource):
    """The bucket of the prediction log."""

    def __init__(
        self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:LogBucket", name, None, opts)
        production = args.site.production
        self.bucket = s3.Bucket(
            f"{name}-bucket",
            bucket=pulumi.Output.concat(args.site.names.of("log"), "-", args.site.account),
            force_destroy=not production,
            opts=args.site.keeping.data(f"{name}-bucket", self, later=["forceDestroy"]),
        )
        # Guards stay with what they guard: a bucket that is retained without them is open to plain
        # HTTP and keeps a year of predictions for ever. To make them again over themselves is no
        # error.
        self._guard = pulumi.ResourceOptions(parent=self, retain_on_delete=production)
        self._close(name)
        self._age(name, args.keep_days)
        self.register_outputs({"bucket": self.bucket.bucket})

    def _close(self, name: str) -> None:
        bucket = self.bucket.id
        blocked = s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._guard,
        )
        s3.BucketOwnershipControls(
            f"{name}-owner",
            bucket=bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._guard,
        )
        by_default = (
            s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256"
            )
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=by_default
                )
            ],
            opts=self._guard,
        )
        everything = [self.bucket.arn, pulumi.Output.concat(self.bucket.arn, "/*")]
        s3.BucketPolicy(
            f"{name}-tls",
            bucket=bucket,
            policy=policy([tls_only(everything, "s3:*")]),
            opts=pulumi.ResourceOptions.merge(
                self._guard, pulumi.ResourceOptions(depends_on=[blocked])
            ),
        )

    def _age(self, name: str, keep_days: int) -> None:
        rule = s3.BucketLifecycleConfigurationRuleArgs
        expiration = s3.BucketLifecycleConfigurationRuleExpirationArgs
        cheaper = s3.BucketLifecycleConfigurationRuleTransitionArgs(
            days=CHEAPER_AFTER, storage_class="STANDARD_IA"
        )
        unfinished = s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=7
        )

        def older_than(prefix: str, days: int) -> s3.BucketLifecycleConfigurationRuleArgs:
            return rule(
                id=prefix.strip("/"),
                status="Enabled",
                filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
                expiration=expiration(days=days),
                abort_incomplete_multipart_upload=unfinished,
                transitions=[cheaper] if days > 2 * CHEAPER_AFTER else None,
            )

        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.id,
            rules=[
                older_than(FOLDER, keep_days),
                older_than("unreadable/", keep_days),
                older_than("answers/", 7),
            ],
            opts=self._guard,
        )
