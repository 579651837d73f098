"""Every prediction in S3, by model and hour: the stream that carries it and its bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from drift_contracts.prediction_log import FOLDER, place
from pulumi_aws import cloudwatch, iam, kinesis

from drift_infra.iam import Statement, assumed_by, policy
from drift_infra.queries import PREDICTION_EVENTS

from .log_bucket import LogBucket, LogBucketArgs

if TYPE_CHECKING:
    from drift_infra.naming import Site

PREFIX = place("!{partitionKeyFromQuery:model}", "!{timestamp:yyyy-MM-dd}", "!{timestamp:HH}")
#: Seconds that events are gathered for one object: an alert's segment is searched for in events
#: that are two minutes old at least, and half a minute is for the way. Athena would rather have
#: fewer, larger objects.
GATHERING = 90
ERRORS = "unreadable/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/"


@dataclass(frozen=True)
class PredictionLogArgs:
    """The log group whose prediction events are kept, and for how long."""

    site: Site
    #: The predictor's log, whose lines are delivered.
    watched: cloudwatch.LogGroup
    #: Days after which predictions are deleted.
    keep_days: int
    #: Whether predictions are delivered; a bucket of earlier ones stays in either case.
    delivering: bool


class PredictionLog(pulumi.ComponentResource):
    """A Firehose stream from the log group to `bucket`, gzip, partitioned by model and hour.

    `stream` and `subscription` are None where nothing is delivered.
    """

    def __init__(
        self, name: str, args: PredictionLogArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:PredictionLog", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.bucket = LogBucket(
            "log-bucket", LogBucketArgs(args.site, args.keep_days), self._child
        ).bucket
        self.stream: kinesis.FirehoseDeliveryStream | None = None
        self.subscription: cloudwatch.LogSubscriptionFilter | None = None
        if args.delivering:
            self.stream = self._stream(name, args.site)
            self.subscription = self._subscribe(name, args, self.stream)
        self.register_outputs({"stream": self.stream.name if self.stream else None})

    def reading(self) -> list[Statement]:
        """Return the rights to read the predictions, and nothing else of the bucket."""
        predictions = {"StringLike": {"s3:prefix": f"{FOLDER}*"}}
        objects = pulumi.Output.concat(self.bucket.arn, f"/{FOLDER}*")
        return [
            Statement("FindPredictions", ["s3:ListBucket"], [self.bucket.arn], predictions),
            Statement("ReadPredictions", ["s3:GetObject"], [objects]),
        ]

    def _stream(self, name: str, site: Site) -> kinesis.FirehoseDeliveryStream:
        group = cloudwatch.LogGroup(
            f"{name}-delivery-logs",
            name=f"/aws/kinesisfirehose/{site.names.of('predictions')}",
            retention_in_days=site.log_retention_days,
            opts=self._child,
        )
        errors = cloudwatch.LogStream(
            f"{name}-delivery-errors", name="errors", log_group_name=group.name, opts=self._child
        )
        mine = {
            "StringEquals": {"sts:ExternalId": site.account}
        }  # what Firehose presents: the account it works for
        trust = assumed_by("firehose.amazonaws.com", mine)
        role, allowed = self._role(
            f"{name}-delivery", site.names.of("delivery"), trust, self._may_deliver(group)
        )
        return kinesis.FirehoseDeliveryStream(
            f"{name}-stream",
            name=site.names.of("predictions"),
            destination="extended_s3",
            server_side_encryption=kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs(
                enabled=True, key_type="AWS_OWNED_CMK"
            ),
            extended_s3_configuration=kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs(
                bucket_arn=self.bucket.arn,
                role_arn=role.arn,
                prefix=PREFIX,
                error_output_prefix=ERRORS,
                compression_format="GZIP",
                buffering_size=64,
                buffering_interval=GATHERING,
                dynamic_partitioning_configuration=kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationDynamicPartitioningConfigurationArgs(
                    enabled=True, retry_duration=300
                ),
                cloudwatch_logging_options=kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptionsArgs(
                    enabled=True, log_group_name=group.name, log_stream_name=errors.name
                ),
                processing_configuration=_unpack_and_partition(),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _may_deliver(self, group: cloudwatch.LogGroup) -> list[Statement]:
        objects = pulumi.Output.concat(self.bucket.arn, "/*")
        return [
            Statement(
                "FindBucket",
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                [self.bucket.arn],
            ),
            Statement("WritePredictions", ["s3:PutObject", "s3:AbortMultipartUpload"], [objects]),
            Statement(
                "ReportErrors", ["logs:PutLogEvents"], [pulumi.Output.concat(group.arn, ":*")]
            ),
        ]

    def _subscribe(
        self, name: str, args: PredictionLogArgs, stream: kinesis.FirehoseDeliveryStream
    ) -> cloudwatch.LogSubscriptionFilter:
        site = args.site
        ours = {
            "ArnLike": {
                "aws:SourceArn": pulumi.Output.concat(
                    "arn:*:logs:", site.region, ":", site.account, ":*"
                )
            }
        }
        may = [
            Statement("HandOver", ["firehose:PutRecord", "firehose:PutRecordBatch"], [stream.arn])
        ]
        trust = assumed_by("logs.amazonaws.com", ours)
        role, allowed = self._role(
            f"{name}-subscription", site.names.of("log-subscription"), trust, may
        )
        return cloudwatch.LogSubscriptionFilter(
            f"{name}-filter",
            name="prediction-log",
            log_group=args.watched.name,
            filter_pattern=PREDICTION_EVENTS,
            destination_arn=stream.arn,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _role(
        self, name: str, physical: str, trust: pulumi.Output[str], may: list[Statement]
    ) -> tuple[iam.Role, iam.RolePolicy]:
        """Make a role and its policy.

        Users of the role wait for the policy, since AWS tries it at once.
        """
        role = iam.Role(f"{name}-role", name=physical, assume_role_policy=trust, opts=self._child)
        allowed = iam.RolePolicy(
            f"{name}-policy",
            name="least-privilege",
            role=role.name,
            policy=policy(may),
            opts=self._child,
        )
        return role, allowed


def _unpack_and_partition() -> (
    kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationArgs
):
    """CloudWatch's envelopes opened, one event a line, the model's name as partition."""
    steps: list[tuple[str, dict[str, str]]] = [
        ("Decompression", {"CompressionFormat": "GZIP"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
        ("RecordDeAggregation", {"SubRecordType": "JSON"}),
        (
            "MetadataExtraction",
            {"MetadataExtractionQuery": "{model:.Model}", "JsonParsingEngine": "JQ-1.6"},
        ),
        ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
    ]
    # Names of the provider, which are longer than a line.
    processor = (
        kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorArgs
    )
    parameter = kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorParameterArgs  # noqa: E501
    return kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationArgs(
        enabled=True,
        processors=[
            processor(
                type=kind,
                parameters=[
                    parameter(parameter_name=name, parameter_value=value)
                    for name, value in parameters_of.items()
                ],
            )
            for kind, parameters_of in steps
        ],
    )
