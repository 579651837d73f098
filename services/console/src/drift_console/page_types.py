"""The documents of the page's own API, as types; `static/js` reads them, nothing else does.

They are no contract: page and console come from one package, so both sides change together.
Timestamps are texts in UTC (ISO 8601) unless a name says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from drift_contracts.severity import Severity
    from drift_contracts.types import (
        BundleManifestV1Estimator,
        BundleManifestV1Score,
        BundleManifestV1Training,
        BundleManifestV2CalibrationItem,
        BundleManifestV2ClassScore,
        BundleManifestV2Exactness,
        BundleManifestV2HeldOut,
        BundleManifestV2Score,
        BundleManifestV2Warning,
    )
    from drift_monitor.acknowledgements import Acknowledgement
    from drift_monitor.alerts import Alert
    from drift_monitor.segments import SegmentEntry

#: What a feature may hold in a request.
FeatureValue = float | bool | str | None


class ModelCard(TypedDict):
    """How the served model was made and how good it is, from its bundle's manifest."""

    model_version: str
    estimator: BundleManifestV1Estimator
    training: BundleManifestV1Training
    scores: dict[str, BundleManifestV1Score]
    feature_set: str
    rows: int
    #: None for a manifest of the first version, which cannot say whether there were any.
    warnings: list[BundleManifestV2Warning] | None
    #: How the packed model agrees with the library's, where that was proven.
    exactness: NotRequired[BundleManifestV2Exactness]
    #: By class, of a classifier.
    class_scores: NotRequired[dict[str, BundleManifestV2ClassScore]]
    #: Which rows the scores are of, where that is recorded.
    held_out: NotRequired[BundleManifestV2HeldOut]
    #: By feature, the largest first: what shuffling its values adds to the error.
    importances: NotRequired[dict[str, BundleManifestV2Score]]


class Target(TypedDict):
    """What the model predicts."""

    name: str
    unit: str


class Totals(TypedDict):
    """Counts over the span shown."""

    predictions: int
    drifted: int
    errors: int
    rejected: int


class PredictionSeries(TypedDict):
    """Predictions by bucket, in the target's unit; None where there is none."""

    average: list[float | None]
    p10: list[float | None]
    p90: list[float | None]


class DriftScoreSeries(TypedDict):
    """Drift scores by bucket; None where there is none."""

    average: list[float | None]
    maximum: list[float | None]


class TrafficSeries(TypedDict):
    """The span shown, by bucket."""

    bucket_seconds: int
    #: Epoch seconds at which each bucket begins; None where only changes are compared.
    times: list[int] | None
    count: list[int]
    prediction: PredictionSeries
    drift_score: DriftScoreSeries


class BinEntry(TypedDict):
    """A bin that a feature is drawn in, with the baseline's share of it."""

    label: str
    low: float | None
    high: float | None
    share: float


class FeatureBaseline(TypedDict):
    """A feature in the training data; None where its type has no such figure."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    bins: list[BinEntry]


class LiveFeature(TypedDict):
    """A feature over the span shown; None where there are no values, or no standard deviation."""

    count: int
    mean: float | None
    #: z-score of the mean, held at 100 as in answers.
    z: float | None
    mean_abs_z: float | None
    #: Share of the values in each bin of the baseline.
    share: list[float]


class FeatureAverages(TypedDict):
    """A feature's mean by bucket."""

    average: list[float | None]


class FeatureEntry(TypedDict):
    """One feature, in the training data and live."""

    name: str
    type: str
    unit: str
    description: str
    baseline: FeatureBaseline
    live: LiveFeature
    series: FeatureAverages


class ClassMixEntry(TypedDict):
    """Shares of a classifier's labels; of many classes the largest, and the others together."""

    #: Of the classes that are drawn, in the model's order.
    names: list[str]
    #: Share of each among the held-out answers.
    baseline: list[float]
    #: Share of each over the span shown; zeros without an answer.
    live: list[float]
    #: Answers over the span shown.
    count: int
    #: Epoch seconds at which each bucket begins.
    times: list[int]
    #: Of each, its share by bucket; None where no window begins.
    course: list[list[float | None]]


class AnswersEntry(TypedDict):
    """What a classifier answers."""

    #: In the model's order.
    classes: list[str]
    #: The one of two classes whose probability is the score; None of more.
    positive: str | None
    #: The score from which on the label is the positive class; None for the library's own rule.
    threshold: float | None
    #: Predicted against observed on the held-out rows; empty where nobody measured.
    calibration: list[BundleManifestV2CalibrationItem]
    #: None for a model that is not monitored.
    mix: ClassMixEntry | None
    #: The score in the baseline and live; None where no row was held out.
    score: FeatureEntry | None


class AlarmEntry(TypedDict):
    """One alarm; what its kind does not have is None."""

    name: str
    title: str
    severity: str
    state: str
    since: str | None
    reason: str
    next: list[str]
    threshold: float | None
    comparison: str | None
    statistic: str | None
    metric: str | None
    period: int | None
    evaluation_periods: int | None
    datapoints_to_alarm: int | None
    rule: str | None


#: A change of an alarm's state. Written so because `from` is a keyword.
HistoryEntry = TypedDict(
    "HistoryEntry",
    {"timestamp": str, "alarm": str, "from": str, "to": str, "reason": str},
)


class RecentPrediction(TypedDict):
    """One answered prediction."""

    timestamp: str
    prediction_id: str
    prediction: float
    #: The class that was answered, of a classifier.
    label: NotRequired[str]
    #: The largest of a classifier, by class.
    probabilities: NotRequired[dict[str, float]]
    #: By output, of a model of several.
    predictions: NotRequired[dict[str, float]]
    drift_score: float
    severity: Severity
    drifted: list[str]
    features: dict[str, FeatureValue]


class ScenarioEntry(TypedDict):
    """A scenario that the page can send."""

    name: str
    title: str
    requests: int


class FindingEntry(TypedDict):
    """A drift as the page shows it."""

    channel: str
    kind: str
    direction: str
    size: float
    effect: float
    since: str
    events: float
    evidence: float
    needed: float
    shares: dict[str, float]
    #: The features that the channel is counted of.
    of: list[str]


class LeadingChannel(TypedDict):
    """A channel that holds a part of the evidence."""

    channel: str
    feature: str | None
    direction: str | None
    share: float


class MeanShift(TypedDict):
    """How far a feature's mean moved, in standard deviations, with its confidence interval."""

    value: float | None
    low: float | None
    high: float | None


class EffectEntry(TypedDict):
    """How much a feature differs from its baseline over the span shown."""

    feature: str
    level: str
    words: str
    psi: float | None
    ks: float | None
    wasserstein: float | None
    mean_shift: MeanShift | None
    p_adjusted: float | None
    labels: list[str]
    baseline: list[float]
    window: list[float]


class WindowEntry(TypedDict):
    """The events that the effects are computed from, and the verdict in words."""

    events: int
    first: str | None
    last: str | None
    words: str


class VerdictEntry(TypedDict):
    """What is decided of the traffic, in words."""

    level: str
    headline: str
    others: list[str]
    #: Large effects without evidence; "" for none.
    unproven: str
    #: What happened, by each drift that stands or is muted, in the order of their detection.
    drifts: list[DriftEntry]


class DriftEntry(TypedDict):
    """A drift that stands, or would if it were not muted."""

    alert_id: str
    words: str
    #: Features that show it.
    of: list[str]
    since: str
    #: When the muting ends; None for a drift that is heard.
    muted_until: str | None


class EffectsDocument(TypedDict):
    """The part of the evidence that is computed from the windows of the span shown."""

    window: WindowEntry
    effects: list[EffectEntry]


class DifferenceEntry(TypedDict):
    """A channel whose traffic differs from training, over the last whole days."""

    channel: str
    #: The features of the channel.
    of: list[str]
    #: In a line, with size, interval and since when.
    words: str
    #: The alerts of its features since then.
    alerts: list[str]


class EvidenceDocument(TypedDict):
    """What speaks for drift, over the span shown and by now."""

    threshold: float
    #: Epoch seconds at which each bucket begins.
    times: list[int]
    #: Evidence by bucket, as a share of what an alarm needs; None where nothing was decided.
    value: list[float | None]
    alarm: bool
    since: str | None
    finding: FindingEntry | None
    #: What raised each alarm that is on, the oldest first.
    standing: list[FindingEntry]
    top: list[LeadingChannel]
    #: Events to one false alarm at most; None before the first evaluation.
    budget: float | None
    window: WindowEntry
    effects: list[EffectEntry]
    alerts: list[Alert]
    #: What is known of the traffic's rhythm, in words; None where it is not learned.
    rhythm: str | None
    #: What is known of requests that repeat each other, in words; None before an evaluation.
    repeats: str | None
    #: Of each segment, watched or not; empty where the traffic is not cut.
    segments: list[SegmentEntry]
    #: What differs from training, the largest first.
    differs: list[DifferenceEntry]
    #: Who has seen which alert, by its id; of a difference by `training:` and the feature.
    acknowledged: dict[str, Acknowledgement]
    #: What is decided, by the one function that decides it everywhere.
    verdict: VerdictEntry


class ReplayEntry(TypedDict):
    """Past traffic that a console plays in place of live traffic."""

    #: As people call it.
    file: str
    #: Seconds of traffic a second; None for as fast as it goes.
    speed: float | None
    #: The time that it has reached, and that of its first and last row.
    now: str
    first: str
    last: str
    #: In all, and up to now.
    rows: int
    played: int
    #: Seconds of traffic that are evaluated together.
    step_seconds: int
    #: Whether the last row was played; the page stays as it is then.
    ended: bool


class ServiceHealth(TypedDict):
    """How the console itself fares."""

    lines_lost: int
    #: Seconds of traffic that no evaluation has seen; None before the first one.
    lag_seconds: int | None
    #: Names of the threads that died.
    dead: list[str]
    #: Of a console that shows past traffic.
    replay: NotRequired[ReplayEntry]


class StateDocument(TypedDict):
    """The answer of `GET /console/api/state` and `/console/api/stream`."""

    #: None where only changes are compared.
    now: str | None
    stack: str
    fast: bool
    model: str
    models: list[str]
    target: Target
    threshold: float
    totals: Totals
    series: TrafficSeries
    features: list[FeatureEntry]
    alarms: list[AlarmEntry]
    history: list[HistoryEntry]
    recent: list[RecentPrediction]
    model_card: ModelCard
    scenarios: list[ScenarioEntry]
    evidence: EvidenceDocument | None
    #: Of a classifier.
    answers: NotRequired[AnswersEntry]
    #: Added by the running console, which knows its threads.
    service: NotRequired[ServiceHealth]


class ScenarioResult(TypedDict):
    """The answer of `POST /console/api/scenarios/NAME`."""

    scenario: str
    sent: int
    average_drift_score: float
    severity: Severity
    #: How often each class was answered, by class; of a classifier.
    labels: NotRequired[dict[str, int]]


class WhatIfAlarm(TypedDict):
    """An alarm that the detector would have raised."""

    channel: str
    kind: str
    direction: str
    size: float
    effect: float
    of: list[str]
    #: What happened.
    words: str
    #: Whether all its features are muted.
    muted: bool
    events: int
    since: str
    at: str | None
    #: When it would have ended; None if it lasted to the end.
    over: str | None


#: The answer of `GET /console/api/replay`. Written so because `from` is a keyword.
WhatIfDocument = TypedDict(
    "WhatIfDocument",
    {
        "model": str,
        # In events, also where it was asked for in days.
        "budget": float,
        "false_alarm_days": float | None,
        "minimum_effect": float,
        "threshold": float,
        # Epoch seconds at which each bucket begins.
        "times": list[int],
        # Evidence by bucket, as a share of what an alarm needs.
        "value": list[float | None],
        "alarms": list[WhatIfAlarm],
        "windows": int,
        "events": int,
        # What the windows were held against, in a sentence without a full stop.
        "held": str,
        # What an alarm of PSI would have said; None where it was not asked for.
        "psi": str | None,
        "from": str | None,
    },
)
