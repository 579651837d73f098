"""Alarms, composite alarms, dashboard, saved queries and budget of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import budgets, cloudwatch

from drift_infra import dashboard
from drift_infra.platform import Parts, outage, platform_alarms
from drift_infra.queries import LOG_QUERIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_infra.monitoring import Alarm, Composite, Measure, Watch
    from drift_infra.naming import Site


@dataclass(frozen=True)
class ObservabilityArgs:
    """What is watched, and who is alerted.

    The resolved spec, the parts, the topic, and whether a pager subscribes to it.
    """

    site: Site
    watch: Watch
    models: Sequence[str]
    parts: Parts
    topic: pulumi.Input[str]
    #: Whether a pager subscribes, which gets composite alarms only.
    paged: bool
    predictor_logs: pulumi.Input[str]
    #: US dollars; 0 for no budget.
    monthly_budget: int
    #: Who is told when the budget is nearly used.
    budget_emails: Sequence[str]
    #: Every other component of the stack.
    parts_of_the_stack: Sequence[pulumi.Resource]
    #: By which AWS knows the costs of this stack.
    tags: Mapping[str, str]


class Observability(pulumi.ComponentResource):
    """What people look at, and what calls them."""

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Observability", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._made: list[pulumi.Resource] = []
        self._alarms: dict[str, cloudwatch.MetricAlarm] = {}
        self._prefix = args.site.names.prefix
        self._told = {
            "people": [args.topic],
            "pager": [args.topic] if args.paged else [],
            "nobody": [],
        }
        alarms = {model: self._model(args.watch, model) for model in args.models}
        platform = [self._alarm(plan) for plan in platform_alarms(args.site.names, args.parts)]
        alarms["the platform"] = [alarm.arn for alarm in platform]
        if args.paged:
            plan = outage(args.site.names, args.models, tuple(self._alarms))
            alarms["the platform"].insert(0, self._composite(plan, self._alarms).arn)
        self._queries(name, args)
        if args.monthly_budget:
            self._budget(name, args)
        self.dashboard = cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=self._prefix,
            dashboard_body=pulumi.Output.json_dumps(
                dashboard.body(args.watch, args.site.region, args.models, args.parts, alarms)
            ),
            opts=self._last(args),
        )
        self.register_outputs({"dashboard": self.dashboard.dashboard_name})

    def _last(self, args: ObservabilityArgs) -> pulumi.ResourceOptions:
        """Return the options of the resource that is deleted before any other, and in prod refuses.

        Deletions go from what nothing depends on to what everything does, and stop at the first
        error: a stack whose table alone is protected loses all that answers before it says no.
        """
        keeping = args.site.keeping
        if not keeping.production:
            return self._child
        everything = [*args.parts_of_the_stack, *self._made]
        return pulumi.ResourceOptions(parent=self, protect=keeping.protected, depends_on=everything)

    def _model(self, watch: Watch, model: str) -> list[pulumi.Output[str]]:
        alarms = [self._alarm(plan) for plan in watch.alarms(model)]
        composites = [self._composite(plan, self._alarms) for plan in watch.composites(model)]
        return [alarm.arn for alarm in [*composites, *alarms]]

    def _short(self, alarm_name: str) -> str:
        return alarm_name.removeprefix(f"{self._prefix}-")

    def _alarm(self, plan: Alarm) -> cloudwatch.MetricAlarm:
        single = None if plan.expression else plan.measures["value"]
        statistic = single.statistic if single else ""
        percentile = statistic.startswith("p")
        alarm = cloudwatch.MetricAlarm(
            self._short(plan.name),
            name=plan.name,
            alarm_description=plan.description,
            namespace=single.namespace if single else None,
            metric_name=single.metric if single else None,
            dimensions=single.dimensions if single else None,
            period=single.period if single else None,
            statistic=statistic if single and not percentile else None,
            extended_statistic=statistic if percentile else None,
            metric_queries=None if single else _queries(plan),
            comparison_operator=plan.comparison,
            threshold=plan.threshold,
            evaluation_periods=plan.evaluation_periods,
            datapoints_to_alarm=plan.datapoints_to_alarm,
            treat_missing_data=plan.missing_data,
            alarm_actions=self._told[plan.notify],
            ok_actions=self._told[plan.notify],
            opts=self._child,
        )
        self._made.append(alarm)
        self._alarms[plan.name] = alarm
        return alarm

    def _composite(
        self, plan: Composite, alarms: Mapping[str, cloudwatch.MetricAlarm]
    ) -> cloudwatch.CompositeAlarm:
        named = [alarms[name] for name in alarms if name in plan.reads]
        composite = cloudwatch.CompositeAlarm(
            self._short(plan.name),
            alarm_name=plan.name,
            alarm_description=plan.description,
            alarm_rule=plan.rule,
            alarm_actions=self._told[plan.notify],
            ok_actions=self._told[plan.notify],
            opts=pulumi.ResourceOptions(parent=self, depends_on=named),
        )
        self._made.append(composite)
        return composite

    def _queries(self, name: str, args: ObservabilityArgs) -> None:
        threshold = f"{args.watch.chosen['drift_threshold']:g}"
        for title, text in LOG_QUERIES.items():
            query = cloudwatch.QueryDefinition(
                f"{name}-{title}",
                name=f"{self._prefix}/{title}",
                query_string=text.replace("{threshold}", threshold),
                log_group_names=[args.predictor_logs],
                opts=self._child,
            )
            self._made.append(query)

    def _budget(self, name: str, args: ObservabilityArgs) -> None:
        def tell(kind: str, percent: int) -> budgets.BudgetNotificationArgs:
            return budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
                notification_type=kind,
                subscriber_sns_topic_arns=[args.topic],
                subscriber_email_addresses=list(args.budget_emails) or None,
            )

        budget = budgets.Budget(
            f"{name}-budget",
            name=args.site.names.of("monthly"),
            budget_type="COST",
            limit_amount=str(args.monthly_budget),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[
                budgets.BudgetCostFilterArgs(
                    name="TagKeyValue", values=[f"user:Deployment${args.tags['Deployment']}"]
                )
            ],
            notifications=[tell("ACTUAL", 80), tell("FORECASTED", 100)],
            opts=self._child,
        )
        self._made.append(budget)


def _queries(plan: Alarm) -> list[cloudwatch.MetricAlarmMetricQueryArgs]:
    def measured(name: str, one: Measure) -> cloudwatch.MetricAlarmMetricQueryArgs:
        metric = cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=one.namespace,
            metric_name=one.metric,
            stat=one.statistic,
            period=one.period,
            dimensions=one.dimensions,
        )
        return cloudwatch.MetricAlarmMetricQueryArgs(id=name, metric=metric, return_data=False)

    result = cloudwatch.MetricAlarmMetricQueryArgs(
        id="result", expression=plan.expression, label=plan.name, return_data=True
    )
    return [*(measured(name, measure) for name, measure in plan.measures.items()), result]
