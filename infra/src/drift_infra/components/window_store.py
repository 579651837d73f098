"""The table of windows and detector state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import dynamodb

if TYPE_CHECKING:
    from drift_infra.naming import Site


@dataclass(frozen=True)
class WindowStoreArgs:
    """Where; a production table is recoverable and hard to delete."""

    site: Site


class WindowStore(pulumi.ComponentResource):
    """A DynamoDB table, paid by use; items leave by themselves through `expires`."""

    def __init__(
        self, name: str, args: WindowStoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:WindowStore", name, None, opts)
        production = args.site.production
        self.table = dynamodb.Table(
            f"{name}-table",
            name=args.site.names.of("windows"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[dynamodb.TableAttributeArgs(name=key, type="S") for key in ("pk", "sk")],
            ttl=dynamodb.TableTtlArgs(attribute_name="expires", enabled=True),
            point_in_time_recovery=dynamodb.TablePointInTimeRecoveryArgs(enabled=production),
            server_side_encryption=dynamodb.TableServerSideEncryptionArgs(enabled=True),
            deletion_protection_enabled=production,
            opts=args.site.keeping.data(f"{name}-table", self),
        )
        self.register_outputs({"name": self.table.name, "arn": self.table.arn})
