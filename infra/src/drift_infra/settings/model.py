"""Every setting of a stack: this class is the list of configuration keys."""

# ruff: noqa: E501, RUF009 - a key is read as one line of a table; key() returns a dataclass field

from __future__ import annotations

from dataclasses import dataclass

from drift_contracts.environment import MOST_METRIC_FEATURES
from drift_contracts.spec import METRIC_FEATURES

from .keys import Hidden, key, keys_of
from .kinds import Choice, Day, Flag, Many, Number, Spans, Table, Text, Whole
from .providers import Assumed, DefaultTags, Roles

NAME = Text(
    r"[a-z][a-z0-9-]{1,22}[a-z0-9]",
    "3 to 24 lower-case letters, digits and hyphens, a letter first",
)
MODEL = Text(
    r"[a-z][a-z0-9-]{0,28}[a-z0-9]", "the name of a model, lower-case letters, digits and hyphens"
)
#: A name as feature sets write it, or `prediction`.
FEATURE = r"[A-Za-z][A-Za-z0-9_]{0,63}"
EMAIL = Text(r"[^@\s,;<>\"']+@[^@\s,;<>\"']+\.[A-Za-z]{2,}", "an email address")
HTTPS = Text(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[^\s\"'<>]*)?", "an https:// address")
SECRET_HTTPS = Text(HTTPS.pattern, "an https:// address, encrypted", empty="none")
ORIGIN = Text(
    r"\*|https?://[A-Za-z0-9.-]+(:\d{1,5})?", "an origin such as https://app.example.com, or *"
)
HOST = Text(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a host name", empty="none")
PATH = Text(
    r"(/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}){1,8}",
    "a path such as /v1 or /ml/houses: 1 to 8 names of letters, digits, hyphens, dots and underscores",
    empty="none",
)
DIGEST = Text(
    r"(\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9._/-]+@)?sha256:[0-9a-f]{64}",
    "sha256:DIGEST of an image in the stack's own repository, or ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST",
    empty="build it with Docker",
)
CALLER = Text(
    r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,512}", "the ARN of an IAM role or user"
)
RETENTION = Choice(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
)
REGION = Text(r"(af|ap|ca|eu|il|me|mx|sa|us)(-gov)?-[a-z]+-\d", "an AWS region such as us-east-1")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one stack, checked; nothing else in the program reads configuration."""

    stack: str
    region: str = key(REGION, "General", "Where everything runs.", "us-east-1", namespace="aws")
    profile: str = key(Text(r"[A-Za-z0-9_.@+=,-]{1,64}", "a profile of the AWS configuration", empty="AWS_PROFILE, or the credentials at hand"),
                       "General", "Whose credentials deploy the stack.", "", namespace="aws")  # fmt: skip
    allowed_account_ids: tuple[str, ...] = key(
        Many(Text(r"\d{12}", "the 12 digits of an account")),
        "General",
        "The accounts that the stack may be deployed to; an update with credentials of another one stops.",
        [],
        namespace="aws",
    )
    assume_roles: tuple[Assumed, ...] = key(
        Roles(),
        "General",
        "Roles that the update takes on, one after the other.",
        [],
        namespace="aws",
    )
    default_tags: dict[str, str] = key(
        DefaultTags(),
        "General",
        "Tags of every resource, beside those of `tags`.",
        {},
        namespace="aws",
    )
    permissions_boundary: str = key(
        Text(
            r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,512}",
            "the ARN of an IAM policy",
            empty="none",
        ),
        "General",
        "Permissions boundary of every role that the stack makes, where the organisation asks for one.",
        "",
    )
    project_name: str = key(
        NAME, "General", "First part of every resource's name.", "mlops-drift-monitor"
    )
    tier: str = key(Text("dev|prod", "dev or prod", empty="the stack's own name"), "General",
                    "`dev` is cheap and open to change, `prod` is protected; a stack of another name must say which it is.", "")  # fmt: skip
    tags: dict[str, str] = key(
        Table(r"(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}", Text(r"[A-Za-z0-9 _.:/=+@-]{0,256}", "a tag's value"), "names and values of tags"),
        "General", "Tags of every resource, beside Project, Stack and ManagedBy.", {})  # fmt: skip

    leaving: bool = key(
        Flag(),
        "General",
        "The first step of leaving prod: an update with it protects nothing and writes down what will stay.",
        False,
    )

    image_digest: str = key(
        DIGEST, "Image", "A prebuilt image; with it neither preview nor update needs Docker.", ""
    )
    base_image: str = key(Text(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}", "an image reference", empty="the Dockerfile's own"),
                          "Image", "The Dockerfile's BASE_IMAGE.", "")  # fmt: skip
    architecture: str = key(
        Choice(("arm64", "x86_64")),
        "Image",
        "Processor of the image and of every function.",
        "arm64",
    )
    bundles_folder: str = key(Text(r"(?!.*\.\.)[A-Za-z0-9_.][A-Za-z0-9_./-]{0,199}", "a folder under that of Pulumi.yaml"), "Image",
                              "Where the bundles are that go into the image.", "build/bundles")  # fmt: skip
    models: tuple[str, ...] = key(
        Many(MODEL, least=1),
        "Image",
        "Models that are served and watched; the first is the default.",
        ["house-price"],
    )
    model_versions: dict[str, str] = key(
        Table(MODEL.pattern, Text(r"[0-9a-f]{64}", "64 hexadecimal digits"),
              "model names, each with the 64 hexadecimal digits that `sha256sum build/bundles/NAME/VERSION/manifest.json` prints"),
        "Image", "The manifests that the function insists on, by SHA-256; read from the bundles when the image is built here.", {})  # fmt: skip

    memory: int = key(Whole(128, 10240, "megabytes"), "Predictor", "Memory of the predictor.", 512)
    timeout: int = key(
        Whole(1, 28, "seconds"),
        "Predictor",
        "Time a prediction may take; under the API's own timeout.",
        10,
    )
    reserved_concurrency: int = key(
        Whole(-1, 10000, "-1 for no limit, 0 stops all traffic"),
        "Predictor",
        "Most instances of the predictor.",
        -1,
    )
    provisioned_concurrency: int = key(
        Whole(0, 1000, "0 for none"),
        "Predictor",
        "Instances kept warm of the version that the alias calls.",
        0,
    )
    tracing: bool = key(Flag(), "Predictor", "X-Ray traces of the functions.", True)
    log_level: str = key(
        Choice(("DEBUG", "INFO", "WARNING", "ERROR")),
        "Predictor",
        "Least level that the functions log.",
        "INFO",
    )
    log_retention_days: int = key(
        RETENTION, "Predictor", "How long log groups keep their lines.", 14
    )
    drift_threshold: float = key(
        Number("0.1", "20"),
        "Predictor",
        "Mean absolute z above which a request, and the average of a period, counts as drifted.",
        "2.0",
    )
    metric_features: int = key(
        Whole(0, MOST_METRIC_FEATURES, "features"),
        "Predictor",
        "Features of a model that have metrics of their own, at most: the most important ones, else the first.",
        METRIC_FEATURES,
    )
    rollout: str = key(
        Choice(("pulumi", "external")),
        "Predictor",
        "Who moves the alias: this program, or a rollout tool whose weights an update must not revert.",
        "pulumi",
    )
    live_version: str = key(
        Text(r"[1-9]\d{0,8}", "a published version", empty="the newest"),
        "Predictor",
        "Version that the alias calls; with it nothing is built and the functions keep their image: the way back.",
        "",
    )
    previous_version: str = key(
        Text(r"[1-9]\d{0,8}", "a published version", empty="none"),
        "Predictor",
        "Version that keeps a share of the traffic.",
        "",
    )
    previous_version_percent: int = key(
        Whole(0, 99, "percent"), "Predictor", "The share of the previous version.", 0
    )

    authentication: str = key(
        Choice(("none", "iam", "jwt")),
        "API",
        "Who may call: everybody (dev only), signed AWS requests, or bearers of a token.",
        "iam",
    )
    jwt_issuer: str = key(
        Text(HTTPS.pattern, "the https:// address of an issuer", empty="none"),
        "API",
        "Issuer of the tokens.",
        "",
    )
    jwt_audience: tuple[str, ...] = key(
        Many(Text(r"\S{1,200}", "an audience without spaces")),
        "API",
        "Audiences that a token may name.",
        [],
    )
    synthetic_callers: tuple[str, ...] = key(
        Many(CALLER),
        "API",
        "Roles and users, beside the probe's, whose signed requests may be marked as synthetic: those that deploy and test.",
        [],
    )
    open_rows: int = key(
        Whole(1, 1000, "rows"),
        "API",
        "Rows that a request may hold where authentication is none; more is answered with 413.",
        5,
    )
    throttle_rate: int = key(
        Whole(1, 10000, "requests a second"), "API", "Steady rate that the API lets through.", 100
    )
    throttle_burst: int = key(
        Whole(1, 5000, "requests"), "API", "Burst that the API lets through.", 200
    )
    cors_origins: tuple[str, ...] = key(
        Many(ORIGIN), "API", "Web origins whose pages may call the API.", []
    )
    custom_domain: str = key(HOST, "API", "Host name of the API.", "")
    certificate_arn: str = key(
        Text(
            r"arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+",
            "the ARN of an ACM certificate",
            empty="none",
        ),
        "API",
        "Certificate of the custom domain, in the same region.",
        "",
    )
    hosted_zone_id: str = key(
        Text(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 zone", empty="no DNS record"),
        "API",
        "Zone that gets the record of the custom domain.",
        "",
    )
    path_prefix: str = key(
        PATH,
        "API",
        "Path below which the custom domain, or whatever stands in front of the API, has the service.",
        "",
    )

    monitor_memory: int = key(
        Whole(128, 10240, "megabytes"),
        "Monitor",
        "Memory of the aggregator and the evaluator.",
        512,
    )
    monitor_timeout: int = key(
        Whole(10, 900, "seconds"),
        "Monitor",
        "Time one batch or evaluation may take; below 17 no segment of an alert is searched for.",
        60,
    )
    evaluate_minutes: int = key(
        Whole(1, 60, "minutes"), "Monitor", "How often the windows are evaluated.", 5
    )
    false_alarm_days: int = key(
        Whole(1, 3650, "days"),
        "Monitor",
        "False-alarm budget of the drift evidence, of all models and features of the stack together: one in so many days.",
        30,
    )
    learns_rhythm: bool = key(
        Flag(),
        "Monitor",
        "Learn daily and weekly cycles from two weeks of traffic, and hold it against its hour. Off with it: `reference: rolling`, the new normal, the difference from training, callers as populations of their own, dependence of requests, and silence by night.",
        True,
    )
    allows_for_repeats: bool = key(
        Flag(),
        "Monitor",
        "Let requests that repeat each other, and those of one session, count for less.",
        True,
    )
    reference: str = key(
        Choice(("rolling", "training")),
        "Monitor",
        "What traffic is held against once its rhythm is learned: rolling, the last 28 days, with the difference from training shown beside it; or training alone.",
        "rolling",
    )
    new_normal_days: int = key(
        Whole(0, 365, "days, 0 for never"),
        "Monitor",
        "Days after which a drift that still stands is taken as the new normal; the difference from training stays shown.",
        7,
    )
    watches_segments: bool = key(
        Flag(),
        "Monitor",
        "Watch the segments and the callers that a feature set names by detectors of their own: each segment, and a caller that is another population than the rest.",
        True,
    )
    minimum_effect: float = key(
        Number("0", "10"),
        "Monitor",
        "Standard deviations below which no drift is an alarm.",
        "0.1",
    )
    minimum_effects: dict[str, float] = key(
        Table(FEATURE, Number("0", "10"), "features with a minimum effect each"),
        "Monitor",
        "Another minimum effect for single features.",
        {},
    )
    muted_features: dict[str, str] = key(
        Table(
            FEATURE,
            Day(),
            "features with a day each",
        ),
        "Monitor",
        "Features whose drift is no alarm before the day, in UTC; it is shown as muted.",
        {},
    )
    left_out: dict[str, str] = key(
        Spans(),
        "Monitor",
        "Holidays and one-off events, in UTC: nothing is learned from them, and they are no evidence; the page shows them.",
        {},
    )
    psi_alarm: float = key(
        Number("0", "10"),
        "Monitor",
        "PSI above which the alarm `psi` rings, customarily 0.2, of a feature or an answer over 1,000 events; 0 for no such alarm. It is no evidence: docs/evidence.md says what it costs in false alarms.",
        "0",
    )
    prediction_log: bool = key(
        Flag(),
        "Monitor",
        "Keep every prediction in S3, to be asked with Athena and searched for the segment of an alert.",
        True,
    )
    prediction_log_days: int = key(
        Whole(1, 3650, "days"), "Monitor", "How long the prediction log is kept.", 90
    )

    alert_emails: tuple[str, ...] = key(
        Many(EMAIL), "Alerts", "Addresses that get every alarm; each must confirm once.", []
    )
    alert_webhooks: tuple[Hidden, ...] = key(
        Many(Text(HTTPS.pattern, "an https:// address, encrypted")),
        "Alerts",
        "HTTPS endpoints subscribed to the topic.",
        [],
        secret=True,
    )
    pagerduty_url: Hidden = key(
        SECRET_HTTPS,
        "Alerts",
        'PagerDuty\'s CloudWatch integration address; pages for the composite alarms only (docs/deploy.md, "Who hears what"), so another endpoint has to hear the rest.',
        "",
        secret=True,
    )
    slack_webhook: Hidden = key(
        SECRET_HTTPS,
        "Alerts",
        "A Slack-compatible incoming webhook, fed by the notifier, whose own failure another endpoint has to hear.",
        "",
        secret=True,
    )
    alarm_thresholds: dict[str, float] = key(
        Table(
            r"[a-z_]{1,40}",
            Number("0", "1000000"),
            "settings of the monitoring spec with a number each",
        ),
        "Alerts",
        "Thresholds of this stack's alarms, over those of the spec.",
        {},
    )
    silence_alarm: bool = key(
        Flag(),
        "Alerts",
        "Whether the alarm `no-data` is there: a service that is asked now and then is silent by nature.",
        True,
    )
    monthly_budget: int = key(
        Whole(0, 100000, "US dollars, 0 for no budget"),
        "Alerts",
        "Cost at which the budget alerts.",
        20,
    )
    probe_minutes: int = key(
        Whole(0, 60, "minutes, 0 for no probe"),
        "Alerts",
        "How often a normal and a drifted request test the whole chain.",
        15,
    )

    @property
    def production(self) -> bool:
        """Return whether this stack is protected."""
        return self.tier == "prod"

    @property
    def only_endpoint(self) -> str:
        """Return the key of the only kind of endpoint, "" where there are several or none."""
        kinds = {
            "alertEmails": self.alert_emails,
            "alertWebhooks": self.alert_webhooks,
            "pagerdutyUrl": self.pagerduty_url,
            "slackWebhook": self.slack_webhook,
        }
        present = [name for name, value in kinds.items() if value]
        return present[0] if len(present) == 1 else ""

    @property
    def alerts_somebody(self) -> bool:
        """Return whether an alarm reaches anyone."""
        return bool(
            self.alert_emails or self.alert_webhooks or self.pagerduty_url or self.slack_webhook
        )


KEYS = keys_of(Settings)
BY_NAME = {key.name: key for key in KEYS}
