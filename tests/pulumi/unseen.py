"""Rights of a deployer that one life of dev before a local AWS does not use, each with the reason."""

from __future__ import annotations

CHANGED = "an update that changes this property; the life makes it as it stays"
UNTAGGED = "an update that takes a tag away"
PUSHED = "the push of an image that is built here; the life deploys a digest"
LAMBDA_READS = "Lambda reads the image in the deployer's name (docs.aws.amazon.com/lambda/latest/dg/images-create.html)"
DELIVERED = (
    "API Gateway sets the access log up in the deployer's name (docs.aws.amazon.com/apigateway: HTTP API logging)"
)
EMULATOR = "the local AWS has no PutQueryDefinition, and the life leaves the queries out"
NEWER = "newer providers than the one of the bridge ask for it"
EMPTIED = "a bucket or a secret that holds something; in the life nothing is stored"
OPTION = "a key that the life leaves at its default"

_LISTED = {
    CHANGED: (
        "apigateway:PATCH athena:UpdateWorkGroup dynamodb:UpdateTable ecr:PutImageScanningConfiguration"
        " ecr:PutImageTagMutability glue:UpdateDatabase glue:UpdateTable iam:UpdateAssumeRolePolicy iam:UpdateRole"
        " kms:PutKeyPolicy kms:UpdateAlias kms:UpdateKeyDescription lambda:UpdateEventSourceMapping"
        " lambda:UpdateFunctionConfiguration logs:DeleteRetentionPolicy scheduler:UpdateSchedule"
        " secretsmanager:UpdateSecret secretsmanager:UpdateSecretVersionStage sns:SetSubscriptionAttributes"
        " apigateway:PUT"
    ),
    UNTAGGED: (
        "athena:UntagResource budgets:UntagResource cloudwatch:UntagResource dynamodb:UntagResource"
        " ecr:UntagResource firehose:UntagDeliveryStream iam:UntagRole kms:UntagResource lambda:UntagResource"
        " logs:UntagResource secretsmanager:UntagResource sns:UntagResource sqs:UntagQueue"
    ),
    PUSHED: (
        "ecr:BatchCheckLayerAvailability ecr:CompleteLayerUpload ecr:DescribeImages ecr:GetAuthorizationToken"
        " ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart"
    ),
    LAMBDA_READS: ("ecr:BatchGetImage ecr:GetDownloadUrlForLayer ecr:GetRepositoryPolicy ecr:SetRepositoryPolicy"),
    DELIVERED: (
        "logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeResourcePolicies logs:GetLogDelivery"
        " logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery"
    ),
    EMULATOR: "logs:DeleteQueryDefinition logs:DescribeQueryDefinitions logs:PutQueryDefinition",
    NEWER: (
        "logs:DescribeSubscriptionFilters s3:GetBucketLocation s3:ListTagsForResource s3:TagResource s3:UntagResource"
    ),
    EMPTIED: "s3:DeleteObject s3:DeleteObjectVersion s3:ListBucketVersions",
    OPTION: (
        "iam:DeleteRolePermissionsBoundary iam:PutRolePermissionsBoundary lambda:DeleteFunctionConcurrency"
        " lambda:PutFunctionConcurrency dynamodb:UpdateContinuousBackups"
    ),
}
#: The reason of each action.
UNSEEN = {action: reason for reason, actions in _LISTED.items() for action in actions.split()}
