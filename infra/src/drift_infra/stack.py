"""The wiring of a stack: which component gets what from which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
from drift_contracts import MonitoringSpec, feature_set
from drift_contracts import environment as variables
from drift_contracts.spec import METRIC_FEATURES

from . import links
from .components.alerting import Alerting, AlertingArgs
from .components.api import Api, ApiArgs
from .components.dead_letters import DeadLetters, DeadLettersArgs
from .components.domain import Domain, DomainArgs
from .components.image import Build, Image, ImageArgs
from .components.monitor import Monitor, MonitorArgs
from .components.notifier import Notifier, NotifierArgs
from .components.observability import Observability, ObservabilityArgs
from .components.prediction_log import PredictionLog, PredictionLogArgs
from .components.predictor import Predictor, PredictorArgs
from .components.probe import PROBE, Probe, ProbeArgs
from .components.questions import Questions, QuestionsArgs
from .components.runtime import Runtime
from .components.window_store import WindowStore, WindowStoreArgs
from .content import DOCKERFILE, needs_onnx
from .iam import Statement, within
from .keeping import delete_first, keeping_of, write_retained
from .monitoring import Watch
from .naming import Names, Site, partition_of, tags
from .platform import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .preflight import Plan
    from .routes import Route
    from .settings import Settings

BUNDLES = "/opt/drift/bundles"
FIVE_MINUTES = 300
#: The evaluator's own, which needs no variable.
MINIMUM_EFFECT = 0.1
#: The monitor's own references, of which nothing needs to be said.
REFERENCE, NEW_NORMAL_DAYS = "rolling", 7
LINE_BYTES = 1000  # of an event of a model with five features, measured at 995


def tags_of(settings: Settings) -> dict[str, str]:
    """Return the tags of every resource of a stack."""
    return tags(settings.project_name, settings.stack, {**settings.default_tags, **settings.tags})


def provider_of(settings: Settings) -> aws.Provider:
    """Declare the one provider, which carries region, credentials and tags."""
    return aws.Provider(
        "aws",
        region=settings.region,
        profile=settings.profile or None,
        allowed_account_ids=list(settings.allowed_account_ids) or None,
        assume_roles=[
            aws.ProviderAssumeRoleArgs(
                role_arn=role.role_arn, session_name=role.session_name, external_id=role.external_id
            )
            for role in settings.assume_roles
        ]
        or None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags_of(settings)),
    )


class Stack:
    """Every component of a stack.

    The constructor declares them in the order in which they need each other.
    """

    def __init__(self, plan: Plan, routes: tuple[Route, ...], provider: aws.Provider) -> None:
        settings = plan.settings
        self.settings = settings
        self.deployed = plan.deployed
        self._warn()
        self.provider = provider
        transformations: list[pulumi.ResourceTransformation] = [delete_first]
        if settings.permissions_boundary:
            transformations.append(within(settings.permissions_boundary))
        self._child = pulumi.ResourceOptions(
            providers=[self.provider], transformations=transformations
        )
        account = aws.get_caller_identity_output(
            opts=pulumi.InvokeOptions(provider=self.provider)
        ).account_id
        names = Names(settings.project_name, settings.stack)
        keeping = keeping_of(settings, plan.root, plan.deployed)
        self.site = Site(names, settings.region, account, keeping, settings.log_retention_days)
        self._root = plan.root
        self.domain: Domain | None = None
        self.questions: Questions | None = None
        self.image = self._image(plan)
        self.dead_letters = DeadLetters(
            "dead-letters", DeadLettersArgs(self.site, settings.monitor_timeout), self._child
        )
        self.runtime = self._runtime()
        self.predictor = self._predictor()
        self.alerting = self._alerting()
        self.windows = WindowStore("windows", WindowStoreArgs(self.site), self._child)
        self.log = self._prediction_log()
        self.monitor = self._monitor()
        self.predictor.go_live(after=[self.monitor.baselines, *self._subscriptions()])
        self.api = self._api(routes)
        self.url = self._domain_url()
        self.notifier = self._notifier()
        self.probe = self._probe()
        self.observability = self._observability()
        if settings.leaving:
            self._write_retained()

    def _warn(self) -> None:
        if self.settings.authentication == "none":
            pulumi.log.warn(
                "authentication is none: anybody who knows the address may call the API;"
                " iam and jwt close it"
            )
        if not self.settings.monthly_budget:
            pulumi.log.warn(
                "monthlyBudget is 0: nothing says when the stack costs more than expected"
            )
        if not self.settings.alerts_somebody:
            pulumi.log.warn(
                "no alert endpoint: alarms show in the console only;"
                " alertEmails or another key sends them"
            )

    def _image(self, plan: Plan) -> Image:
        settings = self.settings
        build = None
        if plan.context:
            pins = ",".join(
                f"{name}={pin}" for name, pin in sorted(settings.model_versions.items())
            )
            arguments = {
                "BUNDLES": settings.bundles_folder,
                "VERSION": plan.tag,
                "BUNDLE_DIGEST": pins,
            }
            if settings.base_image:
                arguments["BASE_IMAGE"] = settings.base_image
            # The layer of the second engine is there for a bundle that needs it, and never else.
            if needs_onnx(plan.root / settings.bundles_folder):
                arguments["ENGINE"] = "onnx"
            context = f"../{plan.context}"
            build = Build(context, f"{context}/{DOCKERFILE}", plan.tag, arguments)
        args = ImageArgs(self.site, settings.architecture, build, plan.digest)
        return Image("image", args, self._child)

    def _runtime(self) -> Runtime:
        environment = {
            variables.BUNDLES: BUNDLES,
            variables.STACK: self.settings.stack,
            variables.LOG_LEVEL: self.settings.log_level,
        }
        return Runtime(
            site=self.site,
            image=self.image.uri,
            architecture=self.settings.architecture,
            tracing=self.settings.tracing,
            environment=environment,
            dead_letters=self.dead_letters.queue,
        )

    def _predictor(self) -> Predictor:
        settings = self.settings
        pins = ",".join(f"{name}={pin}" for name, pin in sorted(settings.model_versions.items()))
        environment = {
            variables.MODEL: settings.models[0],
            variables.THRESHOLD: f"{settings.drift_threshold:g}",
            **({variables.MODEL_VERSIONS: pins} if pins else {}),
            **({variables.PATH_PREFIX: settings.path_prefix} if settings.path_prefix else {}),
            **self._metric_features(),
            **self._synthetic_callers(),
            **(
                {variables.MOST_ROWS: str(settings.open_rows)}
                if settings.authentication == "none"
                else {}
            ),
        }
        args = PredictorArgs(
            runtime=self.runtime,
            memory=settings.memory,
            timeout=settings.timeout,
            environment=environment,
            reserved_concurrency=settings.reserved_concurrency,
            provisioned_concurrency=settings.provisioned_concurrency,
            live_version=settings.live_version,
            previous_version=settings.previous_version,
            previous_version_percent=settings.previous_version_percent,
            moved_from_outside=settings.rollout == "external",
            deployed=self.deployed,
        )
        return Predictor("predictor", args, self._child)

    def _metric_features(self) -> dict[str, str]:
        """Return how many features have metrics, where that is not the functions' own default."""
        features = self.settings.metric_features
        return {} if features == METRIC_FEATURES else {variables.METRIC_FEATURES: str(features)}

    def _synthetic_callers(self) -> dict[str, pulumi.Input[str]]:
        """Return who may mark requests as synthetic: a probe that signs, and configured callers."""
        settings = self.settings
        callers: list[pulumi.Input[str]] = list(settings.synthetic_callers)
        if settings.probe_minutes and settings.authentication == "iam":
            # First, so that the variable begins with the caller that every stack has.
            partition = partition_of(settings.region)
            role = self.site.names.of(PROBE)
            arn = pulumi.Output.concat(f"arn:{partition}:iam::", self.site.account, f":role/{role}")
            callers.insert(0, arn)
        if not callers:
            return {}
        joined = pulumi.Output.all(*callers).apply(",".join)
        return {variables.SYNTHETIC_CALLERS: joined}

    def _api(self, routes: tuple[Route, ...]) -> Api:
        settings = self.settings
        args = ApiArgs(
            site=self.site,
            alias=self.predictor.alias,
            routes=routes,
            integration_timeout_ms=(settings.timeout + 1) * 1000,
            authentication=settings.authentication,
            jwt_issuer=settings.jwt_issuer,
            jwt_audience=settings.jwt_audience,
            throttle_rate=settings.throttle_rate,
            throttle_burst=settings.throttle_burst,
            cors_origins=settings.cors_origins,
            recognised_headers=_recognised_headers(settings.models),
        )
        return Api("api", args, self._child)

    def _domain_url(self) -> pulumi.Output[str]:
        settings = self.settings
        if not settings.custom_domain:
            return self.api.url
        args = DomainArgs(
            host=settings.custom_domain,
            certificate_arn=settings.certificate_arn,
            zone_id=settings.hosted_zone_id,
            api_id=self.api.api.id,
            stage=self.api.stage.name,
            path_prefix=settings.path_prefix,
        )
        self.domain = Domain("domain", args, self._child)
        return pulumi.Output.from_input(self.domain.url)

    def _alerting(self) -> Alerting:
        settings = self.settings
        args = AlertingArgs(
            site=self.site,
            emails=settings.alert_emails,
            webhooks=settings.alert_webhooks,
            pagerduty=settings.pagerduty_url,
            slack=settings.slack_webhook,
            dead_letters=self.dead_letters.queue,
            deployed=self.deployed,
        )
        return Alerting("alerts", args, self._child)

    def _monitor(self) -> Monitor:
        settings = self.settings
        table = {variables.TABLE: self.windows.table.name}
        evaluator = {
            variables.TOPIC: self.alerting.topic.arn,
            variables.BUDGET_DAYS: str(settings.false_alarm_days),
            variables.LINKS: self.links,
            **self._metric_features(),
            **_sensitivity(settings),
        }
        if not settings.learns_rhythm:
            evaluator[variables.RHYTHM] = "off"
        if not settings.allows_for_repeats:
            evaluator[variables.REPEATS] = "off"
        if not settings.watches_segments:
            table[variables.SEGMENTS] = "off"
        predictions: list[Statement] = []
        # The bucket of a log that is switched off may still be there, with earlier predictions.
        if self.log is not None and settings.prediction_log:
            evaluator[variables.PREDICTIONS] = self.log.bucket.bucket
            predictions = self.log.reading()
        args = MonitorArgs(
            runtime=self.runtime,
            memory=settings.monitor_memory,
            timeout=settings.monitor_timeout,
            aggregator_environment={**table, variables.DEAD_LETTERS: self.dead_letters.queue.url},
            evaluator_environment={**table, **evaluator},
            evaluate_minutes=settings.evaluate_minutes,
            table=self.windows.table,
            replay=self.dead_letters.replay,
            watched=self.predictor.log_group,
            publish=self.alerting.publish,
            predictions=predictions,
        )
        return Monitor("monitor", args, self._child)

    def _subscriptions(self) -> list[pulumi.Resource]:
        """Return what reads the log, as only a version's own filters let its events through."""
        readers = [self.monitor.subscription, self.log.subscription if self.log else None]
        return [reader for reader in readers if reader is not None]

    def _prediction_log(self) -> PredictionLog | None:
        settings = self.settings
        # In prod the bucket of a log that is switched off stays in the program: with its guards,
        # its age and its questions, and taken up again when the log is switched on.
        if not settings.prediction_log and not settings.production:
            return None
        args = PredictionLogArgs(
            self.site,
            self.predictor.log_group,
            settings.prediction_log_days,
            settings.prediction_log,
        )
        log = PredictionLog("prediction-log", args, self._child)
        self.questions = Questions(
            "questions", QuestionsArgs(self.site, log.bucket, settings.models), self._child
        )
        return log

    def _write_retained(self) -> None:
        """Write what stays when the stack is destroyed, for a stack of the same name to adopt."""
        retained: list[tuple[str, pulumi.CustomResource]] = [
            ("windows-table", self.windows.table),
            ("predictor-logs", self.predictor.log_group),
            ("alerts-key", self.alerting.key),
            ("alerts-key-alias", self.alerting.key_alias),
        ]
        if self.log is not None:
            retained.append(("log-bucket-bucket", self.log.bucket))
        if self.alerting.secret is not None:
            retained.append(("alerts-slack", self.alerting.secret))
        write_retained(self._root, self.settings, retained)

    def _notifier(self) -> Notifier | None:
        secret = self.alerting.secret
        if secret is None:
            return None
        args = NotifierArgs(
            runtime=self.runtime,
            environment={
                variables.SLACK_SECRET: secret.arn,
                variables.LINKS: self.links,
            },
            topic=self.alerting.topic,
            secret=secret,
        )
        return Notifier("notifier", args, self._child)

    def _probe(self) -> Probe | None:
        settings = self.settings
        if not settings.probe_minutes:
            return None
        calls, environment = self._probe_calls()
        args = ProbeArgs(
            runtime=self.runtime,
            minutes=settings.probe_minutes,
            environment={
                variables.API_URL: self.api.url,
                variables.MODEL: settings.models[0],
                **environment,
            },
            may_call=calls,
        )
        return Probe("probe", args, self._child)

    def _probe_calls(self) -> tuple[list[Statement], Mapping[str, pulumi.Input[str]]]:
        """Return how the probe calls: signed where the API asks for it, else past the API."""
        authentication = self.settings.authentication
        if authentication == "iam":
            any_stage = pulumi.Output.concat(self.api.api.execution_arn, "/*/POST/predict")
            return [Statement("CallApi", ["execute-api:Invoke"], [any_stage])], {
                variables.API_AUTH: "iam"
            }
        alias = self.predictor.alias.arn
        calls = [Statement("CallFunction", ["lambda:InvokeFunction"], [alias])]
        return calls, {variables.API_AUTH: authentication, variables.FUNCTION: alias}

    def _observability(self) -> Observability:
        settings = self.settings
        sources = frozenset({"predictor", "monitor", *(["probe"] if self.probe else [])})
        thresholds = {
            **settings.alarm_thresholds,
            "drift_threshold": settings.drift_threshold,
            "psi_alarm": settings.psi_alarm,
        }
        without: frozenset[str] = frozenset() if settings.silence_alarm else frozenset({"no-data"})
        functions = {
            "aggregator": self.monitor.aggregator.function.name,
            "evaluator": self.monitor.evaluator.function.name,
            **({"notifier": self.notifier.parts.function.name} if self.notifier else {}),
            **({"probe": self.probe.parts.function.name} if self.probe else {}),
        }
        args = ObservabilityArgs(
            site=self.site,
            watch=Watch(
                MonitoringSpec.load(),
                self.site.names,
                thresholds,
                sources,
                without,
                metric_features=settings.metric_features,
                bundles=self._root / settings.bundles_folder,
            ),
            models=settings.models,
            parts=Parts(
                api=self.api.api.id,
                predictor=self.predictor.function.name,
                functions=functions,
                dead_letters=self.dead_letters.queue.name,
                log_group=self.predictor.log_group.name,
                log_bytes=2 * settings.throttle_rate * FIVE_MINUTES * LINE_BYTES,
                stream=self.log.stream.name if self.log and self.log.stream else None,
            ),
            topic=self.alerting.topic.arn,
            paged=bool(settings.pagerduty_url),
            predictor_logs=self.predictor.log_group.name,
            monthly_budget=settings.monthly_budget,
            budget_emails=settings.alert_emails,
            parts_of_the_stack=self._components(),
            tags=tags_of(settings),
        )
        return Observability("observability", args, self._child)

    def _components(self) -> list[pulumi.Resource]:
        everything: list[pulumi.Resource | None] = [
            self.image,
            self.dead_letters,
            self.predictor,
            self.api,
            self.domain,
            self.alerting,
            self.windows,
            self.monitor,
            self.log,
            self.questions,
            self.notifier,
            self.probe,
        ]
        return [component for component in everything if component is not None]

    @property
    def links(self) -> pulumi.Output[str]:
        """Return where to look, as JSON: the notices of a drift end with these."""
        where = {"dashboard": self.dashboard_url, "alarms": self.alarms_url, "logs": self.logs_url}
        return pulumi.Output.json_dumps(where)

    @property
    def dashboard_url(self) -> pulumi.Output[str]:
        """Return the address of the dashboard in AWS's console."""
        return links.dashboard(self.site.region, self.site.names.prefix)

    @property
    def alarms_url(self) -> str:
        """Return the address of the stack's alarms in AWS's console."""
        return links.alarms(self.site.region, self.site.names.prefix)

    @property
    def logs_url(self) -> pulumi.Output[str]:
        """Return the address of the predictor's log group in AWS's console."""
        return links.log_group(self.site.region, self.predictor.log_group.name)


def _sensitivity(settings: Settings) -> dict[str, str]:
    """Return the evaluator's variables beside the budget; none of what is left as it is."""
    chosen: dict[str, str] = {}
    if settings.minimum_effect != MINIMUM_EFFECT:
        chosen[variables.MINIMUM_EFFECT] = f"{settings.minimum_effect:g}"
    if settings.minimum_effects:
        chosen[variables.MINIMUM_EFFECTS] = json.dumps(settings.minimum_effects)
    if settings.muted_features:
        chosen[variables.MUTED] = json.dumps(settings.muted_features)
    if settings.left_out:
        chosen[variables.LEFT_OUT] = json.dumps(settings.left_out)
    if settings.reference != REFERENCE:
        chosen[variables.REFERENCE] = settings.reference
    if settings.new_normal_days != NEW_NORMAL_DAYS:
        chosen[variables.NEW_NORMAL_DAYS] = str(settings.new_normal_days)
    if settings.psi_alarm:
        chosen[variables.PSI_ALARM] = f"{settings.psi_alarm:g}"
    return chosen


def _recognised_headers(models: Sequence[str]) -> list[str]:
    """Return the headers by which models recognise sessions and callers, in small letters."""
    sources = [source for model in models for source in feature_set(model).sources.values()]
    return [source.header for source in sources if source.header is not None]
