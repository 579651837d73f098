"""Athena over the prediction log: a table without a crawler, and the runbook's saved queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from drift_contracts.prediction_log import FOLDER, place
from pulumi_aws import athena, glue, s3

from drift_infra.queries import ATHENA_QUERIES, COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_infra.naming import Site

TABLE = "predictions"


@dataclass(frozen=True)
class QuestionsArgs:
    """The bucket of the prediction log and the models that write to it."""

    site: Site
    #: Of the prediction log.
    bucket: s3.Bucket
    models: Sequence[str]


class Questions(pulumi.ComponentResource):
    """A Glue table with projected partitions (model, day, hour) and an Athena workgroup."""

    def __init__(
        self, name: str, args: QuestionsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Questions", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.database = glue.CatalogDatabase(
            f"{name}-database",
            name=args.site.names.prefix.replace("-", "_"),
            description="The prediction log",
            opts=self._child,
        )
        self._table(name, args)
        self.workgroup = self._workgroup(name, args)
        for title, text in ATHENA_QUERIES.items():
            athena.NamedQuery(
                f"{name}-{title}",
                name=title,
                database=self.database.name,
                workgroup=self.workgroup.id,
                query=text.format(table=TABLE),
                opts=self._child,
            )
        self.register_outputs({"database": self.database.name, "workgroup": self.workgroup.name})

    def _table(self, name: str, args: QuestionsArgs) -> None:
        where = pulumi.Output.concat("s3://", args.bucket.bucket, "/")
        partitions = {"model": "string", "dt": "string", "hour": "string"}
        glue.CatalogTable(
            f"{name}-table",
            name=TABLE,
            database_name=self.database.name,
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "projection.enabled": "true",
                "projection.model.type": "enum",
                "projection.model.values": ",".join(args.models),
                "projection.dt.type": "date",
                "projection.dt.format": "yyyy-MM-dd",
                "projection.dt.range": "2026-01-01,NOW",
                "projection.hour.type": "integer",
                "projection.hour.range": "0,23",
                "projection.hour.digits": "2",
                "storage.location.template": pulumi.Output.concat(
                    where, place("${model}", "${dt}", "${hour}")
                ),
            },
            partition_keys=[
                glue.CatalogTablePartitionKeyArgs(name=column, type=kind)
                for column, kind in partitions.items()
            ],
            storage_descriptor=glue.CatalogTableStorageDescriptorArgs(
                location=pulumi.Output.concat(where, FOLDER),
                input_format="org.apache.hadoop.mapred.TextInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                columns=[
                    glue.CatalogTableStorageDescriptorColumnArgs(name=column, type=kind)
                    for column, kind in COLUMNS.items()
                ],
                ser_de_info=glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    serialization_library="org.openx.data.jsonserde.JsonSerDe",
                    parameters={"ignore.malformed.json": "true"},
                ),
            ),
            opts=self._child,
        )

    def _workgroup(self, name: str, args: QuestionsArgs) -> athena.Workgroup:
        answers = athena.WorkgroupConfigurationResultConfigurationArgs(
            output_location=pulumi.Output.concat("s3://", args.bucket.bucket, "/answers/"),
            encryption_configuration=athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
                encryption_option="SSE_S3"
            ),
        )
        return athena.Workgroup(
            f"{name}-workgroup",
            name=args.site.names.of("questions"),
            description="Questions to the prediction log",
            force_destroy=True,  # what it holds is the list of past questions
            configuration=athena.WorkgroupConfigurationArgs(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=10 * 1024**3,
                result_configuration=answers,
            ),
            opts=self._child,
        )
