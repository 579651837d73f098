"""Where alarms go: one encrypted topic, and everybody who listens to it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import kms, secretsmanager, sns, sqs

from drift_infra.iam import Statement, policy, tls_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_infra.deployed import Deployed
    from drift_infra.naming import Site
    from drift_infra.settings import Hidden

COMPOSITE_ONLY = json.dumps({"AlarmName": [{"suffix": "-needs-attention"}]})
#: Minutes in which an HTTPS endpoint answers SNS; then the update fails, or nobody would be
#: alerted.
CONFIRM_WITHIN = 5
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
LONGEST_PLACE = 2  # digits of a place in a list of ten; a name by address has eight
PUBLISHERS = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]


@dataclass(frozen=True)
class AlertingArgs:
    """The listeners; addresses that hold a key arrive hidden and leave as Pulumi secrets."""

    site: Site
    #: Each gets a mail to confirm the subscription.
    emails: Sequence[str]
    #: HTTPS addresses, whose path may be a key.
    webhooks: Sequence[Hidden]
    #: HTTPS address of an integration; it gets composite alarms only.
    pagerduty: Hidden
    #: Address that the notifier posts to; empty without a chat.
    slack: Hidden
    #: Where notices wait that a webhook did not take.
    dead_letters: sqs.Queue
    #: What the state holds: subscriptions of an earlier program were named by their place.
    deployed: Deployed


class Alerting(pulumi.ComponentResource):
    """A topic, and what sends to it and reads from it.

    `publish` has the statements that a role needs to send; `secret` is for the notifier.
    """

    def __init__(
        self, name: str, args: AlertingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Alerting", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.key = self._key(name, args.site)
        self.topic = self._topic(name, args.site)
        self.publish = (
            Statement("PublishAlerts", ["sns:Publish"], [self.topic.arn]),
            Statement("EncryptAlerts", ["kms:GenerateDataKey", "kms:Decrypt"], [self.key.arn]),
        )
        for email in args.emails:
            self._listen(named_by(f"{name}-email", email), "email", email, None, args.deployed)
        for webhook in args.webhooks:
            address = webhook.reveal()
            logical = named_by(f"{name}-webhook", address)
            self._listen(logical, "https", address, args, args.deployed)
        if args.pagerduty:
            pager = args.pagerduty.reveal()
            self._listen(f"{name}-pagerduty", "https", pager, args, args.deployed, COMPOSITE_ONLY)
        self.secret = self._slack_secret(name, args) if args.slack else None
        self.register_outputs({"topic": self.topic.arn, "key": self.key.arn})

    def _key(self, name: str, site: Site) -> kms.Key:
        """Make a key of the stack.

        CloudWatch cannot publish to a topic that AWS's own key for SNS encrypts.
        """
        owner = Statement("AccountKeepsControl", ["kms:*"], ["*"], principals={"AWS": site.account})
        services = Statement(
            "AlarmsMayEncrypt",
            ["kms:GenerateDataKey*", "kms:Decrypt"],
            ["*"],
            _from_here(site),
            {"Service": PUBLISHERS},
        )
        key = kms.Key(
            f"{name}-key",
            description=f"Alerts of {site.names.prefix}",
            enable_key_rotation=True,
            deletion_window_in_days=30 if site.production else 7,
            policy=policy([owner, services]),
            opts=site.keeping.access(f"{name}-key", self, later=["deletionWindowInDays"]),
        )
        self.key_alias = kms.Alias(
            f"{name}-key-alias",
            name=f"alias/{site.names.of('alerts')}",
            target_key_id=key.key_id,
            opts=site.keeping.access(f"{name}-key-alias", self),
        )
        return key

    def _topic(self, name: str, site: Site) -> sns.Topic:
        topic = sns.Topic(
            f"{name}-topic",
            name=site.names.of("alerts"),
            kms_master_key_id=self.key.key_id,
            opts=site.keeping.protection(self),
        )
        publish = Statement(
            "AlarmsMayPublish",
            ["sns:Publish"],
            [topic.arn],
            _from_here(site),
            {"Service": PUBLISHERS},
        )
        sns.TopicPolicy(
            f"{name}-topic-policy",
            arn=topic.arn,
            policy=policy([publish, tls_only([topic.arn], "sns:Publish")]),
            opts=self._child,
        )
        return topic

    def _listen(
        self,
        name: str,
        protocol: str,
        endpoint: str,
        args: AlertingArgs | None,
        deployed: Deployed,
        only: str | None = None,
    ) -> None:
        place = _place(deployed, name, endpoint)
        redrive = (
            pulumi.Output.json_dumps({"deadLetterTargetArn": args.dead_letters.arn})
            if args
            else None
        )
        sns.TopicSubscription(
            name,
            topic=self.topic.arn,
            protocol=protocol,
            endpoint=endpoint if protocol == "email" else pulumi.Output.secret(endpoint),
            endpoint_auto_confirms=True if protocol == "https" else None,
            confirmation_timeout_in_minutes=CONFIRM_WITHIN if protocol == "https" else None,
            filter_policy=only,
            filter_policy_scope="MessageBody" if only else None,
            redrive_policy=redrive,
            opts=pulumi.ResourceOptions(
                parent=self,
                additional_secret_outputs=["endpoint"] if protocol == "https" else None,
                aliases=[pulumi.Alias(name=place)] if place else None,
            ),
        )

    def _slack_secret(self, name: str, args: AlertingArgs) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            f"{name}-slack",
            name=args.site.names.of("slack-webhook"),
            description="Address of the chat webhook that the notifier posts to",
            recovery_window_in_days=30 if args.site.production else 0,
            opts=args.site.keeping.access(f"{name}-slack", self, later=["recoveryWindowInDays"]),
        )
        secretsmanager.SecretVersion(
            f"{name}-slack-value",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(args.slack.reveal()),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.site.keeping.leaving),
        )
        return secret


def named_by(prefix: str, address: str) -> str:
    """Return a name that follows the address, whatever its place in a list.

    A name by place hands the subscription of one address to the next when the first of a list goes:
    SNS answers the new one with what the other has, and the deletes that follow unsubscribe both.

    >>> named_by("alerts-email", "ann@example.com")
    'alerts-email-71d4f55f'
    """
    return f"{prefix}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


def _place(deployed: Deployed, name: str, address: str) -> str:
    """Return the name by place that the state has of an address, "" where there is none."""
    prefix = name.rpartition("-")[0]
    for held, outputs in deployed.of(SUBSCRIPTION):
        number = held.removeprefix(f"{prefix}-")
        if (
            number.isdecimal()
            and len(number) <= LONGEST_PLACE
            and outputs.get("endpoint") == address
        ):
            return held
    return ""


def _from_here(site: Site) -> dict[str, dict[str, pulumi.Input[str]]]:
    return {"StringEquals": {"aws:SourceAccount": site.account}}
