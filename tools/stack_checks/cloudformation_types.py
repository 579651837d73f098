"""How CloudFormation spells what the graph holds.

Only what differs from `camelCase` made `PascalCase` is here.
"""

from __future__ import annotations

#: Type names that are not AWS::Module::Name.
TYPES = {
    "apigatewayv2.ApiMapping": "AWS::ApiGatewayV2::ApiMapping",
    "athena.Workgroup": "AWS::Athena::WorkGroup",
    "cloudwatch.LogGroup": "AWS::Logs::LogGroup",
    "cloudwatch.LogStream": "AWS::Logs::LogStream",
    "cloudwatch.LogSubscriptionFilter": "AWS::Logs::SubscriptionFilter",
    "cloudwatch.QueryDefinition": "AWS::Logs::QueryDefinition",
    "cloudwatch.MetricAlarm": "AWS::CloudWatch::Alarm",
    "ecr.Repository": "AWS::ECR::Repository",
    "glue.CatalogDatabase": "AWS::Glue::Database",
    "glue.CatalogTable": "AWS::Glue::Table",
    "iam.Role": "AWS::IAM::Role",
    "iam.RolePolicy": "AWS::IAM::RolePolicy",
    "kinesis.FirehoseDeliveryStream": "AWS::KinesisFirehose::DeliveryStream",
    "kms.Alias": "AWS::KMS::Alias",
    "kms.Key": "AWS::KMS::Key",
    "lambda.FunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
    "route53.Record": "AWS::Route53::RecordSet",
    "sns.Topic": "AWS::SNS::Topic",
    "sns.TopicPolicy": "AWS::SNS::TopicPolicy",
    "sns.TopicSubscription": "AWS::SNS::Subscription",
    "sqs.Queue": "AWS::SQS::Queue",
    "sqs.QueuePolicy": "AWS::SQS::QueuePolicy",
}
MODULES = {
    "apigatewayv2": "ApiGatewayV2",
    "athena": "Athena",
    "budgets": "Budgets",
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDB",
    "glue": "Glue",
    "lambda": "Lambda",
    "route53": "Route53",
    "s3": "S3",
    "scheduler": "Scheduler",
    "secretsmanager": "SecretsManager",
}

#: Property names, by kind; "" drops a property that CloudFormation does not have.
PROPERTIES: dict[str, dict[str, str]] = {
    "apigatewayv2.Api": {},
    "apigatewayv2.Authorizer": {"identitySources": "IdentitySource", "audiences": "Audience"},
    "apigatewayv2.DomainName": {"domainNameConfiguration": "DomainNameConfigurations"},
    "apigatewayv2.Integration": {"timeoutMilliseconds": "TimeoutInMillis"},
    "apigatewayv2.Stage": {"name": "StageName"},
    "athena.Workgroup": {
        "configuration": "WorkGroupConfiguration",
        "forceDestroy": "RecursiveDeleteOption",
        "enforceWorkgroupConfiguration": "EnforceWorkGroupConfiguration",
        "publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
    },
    "athena.NamedQuery": {"query": "QueryString", "workgroup": "WorkGroup"},
    "cloudwatch.CompositeAlarm": {"okActions": "OKActions"},
    "cloudwatch.LogGroup": {"name": "LogGroupName"},
    "cloudwatch.LogStream": {"name": "LogStreamName"},
    "cloudwatch.LogSubscriptionFilter": {"logGroup": "LogGroupName", "name": "FilterName"},
    "cloudwatch.MetricAlarm": {
        "name": "AlarmName",
        "okActions": "OKActions",
        "metricQueries": "Metrics",
        "metric": "MetricStat",
    },
    "dynamodb.Table": {
        "name": "TableName",
        "attributes": "AttributeDefinitions",
        "ttl": "TimeToLiveSpecification",
        "pointInTimeRecovery": "PointInTimeRecoverySpecification",
        "serverSideEncryption": "SSESpecification",
        "hashKey": "",
        "rangeKey": "",
    },
    "ecr.Repository": {
        "name": "RepositoryName",
        "encryptionConfigurations": "EncryptionConfiguration",
        "forceDelete": "EmptyOnDelete",
    },
    "iam.Role": {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
    "iam.RolePolicy": {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
    "kinesis.FirehoseDeliveryStream": {
        "name": "DeliveryStreamName",
        "destination": "",
        "extendedS3Configuration": "ExtendedS3DestinationConfiguration",
        "serverSideEncryption": "DeliveryStreamEncryptionConfigurationInput",
        "bucketArn": "BucketARN",
        "roleArn": "RoleARN",
        "cloudwatchLoggingOptions": "CloudWatchLoggingOptions",
    },
    "kms.Alias": {"name": "AliasName"},
    "kms.Key": {"deletionWindowInDays": "PendingWindowInDays", "policy": "KeyPolicy"},
    "lambda.Alias": {"additionalVersionWeights": "AdditionalVersionWeights"},
    "lambda.EventSourceMapping": {},
    "lambda.Function": {
        "name": "FunctionName",
        "commands": "Command",
        "reservedConcurrentExecutions": "ReservedConcurrentExecutions",
    },
    "lambda.FunctionEventInvokeConfig": {},
    "lambda.Permission": {"function": "FunctionName", "statementId": "", "qualifier": ""},
    "route53.Record": {"zoneId": "HostedZoneId", "aliases": "AliasTarget"},
    "scheduler.Schedule": {},
    "secretsmanager.Secret": {"recoveryWindowInDays": ""},
    "sns.Topic": {"name": "TopicName"},
    "sns.TopicPolicy": {"arn": "Topics", "policy": "PolicyDocument"},
    "sns.TopicSubscription": {
        "topic": "TopicArn",
        "endpointAutoConfirms": "",
        "confirmationTimeoutInMinutes": "",
    },
    "sqs.Queue": {
        "name": "QueueName",
        "messageRetentionSeconds": "MessageRetentionPeriod",
        "visibilityTimeoutSeconds": "VisibilityTimeout",
        "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    },
    "sqs.QueuePolicy": {"queueUrl": "Queues", "policy": "PolicyDocument"},
}

#: Properties that hold JSON text in the graph and a document in CloudFormation.
DOCUMENTS = {"assumeRolePolicy", "policy", "redrivePolicy", "filterPolicy"}
#: Maps whose keys are data.
DATA = {"variables", "storageParameters"}
#: Properties that CloudFormation wants in a list.
LISTS = {
    "AWS::SNS::TopicPolicy": {"Topics"},
    "AWS::SQS::QueuePolicy": {"Queues"},
    "AWS::ApiGatewayV2::DomainName": {"DomainNameConfigurations"},
}

#: What an attribute of a resource is called there; any other is Ref for `id`, else GetAtt.
ATTRIBUTES: dict[tuple[str, str], str] = {
    ("apigatewayv2.Api", "apiEndpoint"): "ApiEndpoint",
    (
        "apigatewayv2.Api",
        "executionArn",
    ): "Sub:arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${%s}",
    ("lambda.Alias", "arn"): "Ref",
    (
        "lambda.Alias",
        "invokeArn",
    ): "Sub:arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s}/invocations",
    ("ecr.Repository", "repositoryUrl"): "RepositoryUri",
    ("ecr.Repository", "registryId"): "Sub:${AWS::AccountId}",
    ("kms.Key", "keyId"): "Ref",
    ("secretsmanager.Secret", "arn"): "Ref",
    ("secretsmanager.Secret", "id"): "Ref",
    ("sns.Topic", "arn"): "Ref",
    ("sqs.Queue", "url"): "Ref",
    (
        "apigatewayv2.DomainName",
        "domainNameConfiguration[0].targetDomainName",
    ): "RegionalDomainName",
    ("apigatewayv2.DomainName", "domainNameConfiguration[0].hostedZoneId"): "RegionalHostedZoneId",
}
