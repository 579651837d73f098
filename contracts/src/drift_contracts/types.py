"""Types of the documents that the contracts describe: generated from the schemas.

`python -m tools.contract_checks.typed` writes this file; `nox -s contracts` checks that it is in
step.
"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class AlertV1DriftEvidence(TypedDict):
    """How sure."""

    value: float
    needed: float
    false_alarm_events: float


class AlertV1DriftChannel(TypedDict):
    """AlertV1DriftChannel."""

    name: str
    share: float


class AlertV1Drift(TypedDict):
    """AlertV1Drift."""

    channel: str
    of: list[str]
    change: str
    direction: str
    before: float | None
    after: float | None
    unit: str
    effect: float
    since: str
    events: int
    evidence: AlertV1DriftEvidence
    channels: list[AlertV1DriftChannel]


class AlertV1(TypedDict):
    """Something changed that somebody should know."""

    contract: Literal['alert.v1']
    alert_id: str
    kind: Literal['alarm', 'drift']
    state: Literal['OK', 'ALARM', 'INSUFFICIENT_DATA']
    previous_state: Literal['OK', 'ALARM', 'INSUFFICIENT_DATA']
    name: str
    severity: NotRequired[Literal['low', 'medium', 'high']]
    stack: str
    model: str
    model_version: str
    timestamp: str
    title: str
    reason: str
    next: list[str]
    links: dict[str, str]
    drift: NotRequired[AlertV1Drift]


class AlertV2DriftEvidence(TypedDict):
    """How sure."""

    value: float
    needed: float
    false_alarm_events: float


class AlertV2DriftChannel(TypedDict):
    """AlertV2DriftChannel."""

    name: str
    share: float


class AlertV2Joined(TypedDict):
    """AlertV2Joined."""

    channel: str
    of: list[str]
    words: str


class AlertV2WindowsGroup(TypedDict):
    """AlertV2WindowsGroup."""

    first: int
    windows: int
    digest: str


class AlertV2Windows(TypedDict):
    """AlertV2Windows."""

    period: int
    first: int
    last: int
    windows: int
    groups: list[AlertV2WindowsGroup]


class AlertV2DetectorBudget(TypedDict):
    """AlertV2DetectorBudget."""

    first: int
    events: float


class AlertV2DetectorCaller(TypedDict):
    """AlertV2DetectorCaller."""

    caller: str
    first: int
    last: NotRequired[int]


class AlertV2Detector(TypedDict):
    """AlertV2Detector."""

    baseline: str
    minimum_effect: float
    minimum_effects: NotRequired[dict[str, float]]
    repeats: NotRequired[Literal[False]]
    budgets: list[AlertV2DetectorBudget]
    whole_days: NotRequired[list[str]]
    rhythm: NotRequired[str]
    callers: NotRequired[list[AlertV2DetectorCaller]]
    alarms: NotRequired[list[dict[str, Any]]]


class AlertV2Drift(TypedDict):
    """AlertV2Drift."""

    channel: str
    of: list[str]
    change: str
    direction: str
    before: float | None
    after: float | None
    unit: str
    effect: float
    since: str
    events: int
    evidence: AlertV2DriftEvidence
    channels: list[AlertV2DriftChannel]
    words: str
    together: NotRequired[list[AlertV2Joined]]
    windows: NotRequired[AlertV2Windows]
    detector: NotRequired[AlertV2Detector]


class AlertV2Other(TypedDict):
    """AlertV2Other."""

    alert_id: str
    title: str
    since: str


class AlertV2Muted(TypedDict):
    """AlertV2Muted."""

    until: str
    features: NotRequired[list[str]]


class AlertV2Segment(TypedDict):
    """AlertV2Segment."""

    name: str
    value: str
    share: NotRequired[float]


class AlertV2Reference(TypedDict):
    """AlertV2Reference."""

    name: str
    words: NotRequired[str]
    first: NotRequired[str]
    last: NotRequired[str]
    rows: NotRequired[int]
    digest: NotRequired[str]


class AlertV2Harm(TypedDict):
    """AlertV2Harm."""

    metric: str
    before: float
    after: float
    low: NotRequired[float]
    high: NotRequired[float]
    unit: NotRequired[str]
    words: str


class AlertV2NewNormal(TypedDict):
    """AlertV2NewNormal."""

    who: NotRequired[str]
    why: str
    at: NotRequired[str]
    after_days: NotRequired[float]


class AlertV2(TypedDict):
    """Something changed that somebody should know."""

    contract: Literal['alert.v2']
    alert_id: str
    kind: Literal['alarm', 'drift']
    state: Literal['OK', 'ALARM', 'INSUFFICIENT_DATA']
    previous_state: Literal['OK', 'ALARM', 'INSUFFICIENT_DATA']
    name: str
    severity: NotRequired[Literal['low', 'medium', 'high']]
    stack: str
    model: str
    model_version: str
    timestamp: str
    title: str
    reason: str
    next: list[str]
    links: dict[str, str]
    drift: NotRequired[AlertV2Drift]
    standing: list[AlertV2Other]
    muted: NotRequired[AlertV2Muted]
    segment: NotRequired[AlertV2Segment]
    reference: NotRequired[AlertV2Reference]
    harm: NotRequired[AlertV2Harm]
    runbook: NotRequired[str]
    new_normal: NotRequired[AlertV2NewNormal]


class BaselineV1Summary(TypedDict):
    """BaselineV1Summary."""

    type: Literal['number', 'integer', 'boolean', 'category']
    count: int
    missing: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    edges: NotRequired[list[float]]
    counts: NotRequired[list[int]]


class BaselineV1Correlation(TypedDict):
    """Correlation of the numeric features."""

    names: list[str]
    matrix: list[list[float | None]]


class BaselineV1Channel(TypedDict):
    """BaselineV1Channel."""

    name: str
    kind: Literal['values', 'quantiles', 'categories', 'missing', 'out_of_range', 'new', 'product', 'sum_of_squares']
    of: list[str]
    edges: NotRequired[list[float]]
    values: NotRequired[list[float]]
    categories: NotRequired[list[str | bool]]
    bounds: NotRequired[list[float]]
    counts: list[int]
    scores: NotRequired[list[int]]


class BaselineV1(TypedDict):
    """What the training data looked like."""

    contract: Literal['baseline.v1']
    model: str
    rows: int
    features: dict[str, BaselineV1Summary]
    target: NotRequired[BaselineV1Summary]
    prediction: NotRequired[BaselineV1Summary]
    error: NotRequired[BaselineV1Summary]
    correlation: BaselineV1Correlation
    channels: list[BaselineV1Channel]


class BaselineV2Summary(TypedDict):
    """BaselineV2Summary."""

    type: Literal['number', 'integer', 'boolean', 'category']
    count: int
    missing: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    edges: NotRequired[list[float]]
    counts: NotRequired[list[int]]


class BaselineV2Correlation(TypedDict):
    """Correlation of the numeric features."""

    names: list[str]
    matrix: list[list[float | None]]


class BaselineV2Channel(TypedDict):
    """BaselineV2Channel."""

    name: str
    kind: Literal['values', 'quantiles', 'categories', 'missing', 'out_of_range', 'new', 'product', 'sum_of_squares', 'sum']
    of: list[str]
    edges: NotRequired[list[float]]
    values: NotRequired[list[float]]
    categories: NotRequired[list[str | bool]]
    bounds: NotRequired[list[float]]
    counts: list[int]
    scores: NotRequired[list[int]]


class BaselineV2Concordance(TypedDict):
    """Which features lie on one side of their middle at once."""

    names: list[str]
    counts: list[int]


class BaselineV2CalibrationItem(TypedDict):
    """BaselineV2CalibrationItem."""

    low: float
    high: float
    count: int
    predicted: float | None
    observed: float | None
    observed_low: float | None
    observed_high: float | None


class BaselineV2Importance(TypedDict):
    """BaselineV2Importance."""

    value: float | None
    low: float | None
    high: float | None


class BaselineV2(TypedDict):
    """What the training data of a model looked like."""

    contract: Literal['baseline.v2']
    model: str
    rows: int
    features: dict[str, BaselineV2Summary]
    target: NotRequired[BaselineV2Summary]
    prediction: NotRequired[BaselineV2Summary]
    error: NotRequired[BaselineV2Summary]
    correlation: BaselineV2Correlation
    channels: list[BaselineV2Channel]
    concordance: NotRequired[BaselineV2Concordance]
    label: NotRequired[BaselineV2Summary]
    margin: NotRequired[BaselineV2Summary]
    entropy: NotRequired[BaselineV2Summary]
    classes: NotRequired[list[str]]
    calibration: NotRequired[list[BaselineV2CalibrationItem]]
    tie_rate: NotRequired[float]
    importances: NotRequired[dict[str, BaselineV2Importance]]


class BundleManifestV1Estimator(TypedDict):
    """What was trained."""

    kind: str
    parameters: dict[str, float | bool | str | None]


class BundleManifestV1Training(TypedDict):
    """From what, and how."""

    source: str
    data_sha256: str
    rows: int
    held_out_rows: int
    seed: int
    libraries: dict[str, str]


class BundleManifestV1Score(TypedDict):
    """BundleManifestV1Score."""

    value: float | None
    low: float | None
    high: float | None


class BundleManifestV1File(TypedDict):
    """BundleManifestV1File."""

    sha256: str
    bytes: int


BundleManifestV1Files = TypedDict("BundleManifestV1Files", {"feature_set.json": "BundleManifestV1File", "baseline.json": "BundleManifestV1File", "forest.bin": "BundleManifestV1File"})


class BundleManifestV1(TypedDict):
    """What a model's folder holds, each file bound by its digest, and where the model."""

    contract: Literal['bundle.manifest.v1']
    model: str
    model_version: str
    feature_set: str
    estimator: BundleManifestV1Estimator
    training: BundleManifestV1Training
    scores: dict[str, BundleManifestV1Score]
    files: BundleManifestV1Files


class BundleManifestV2Estimator(TypedDict):
    """What was trained."""

    kind: str
    parameters: dict[str, float | bool | str | None]


class BundleManifestV2Training(TypedDict):
    """From what, and how."""

    source: str
    data_sha256: str
    rows: int
    held_out_rows: int
    seed: int
    libraries: dict[str, str]


class BundleManifestV2Score(TypedDict):
    """BundleManifestV2Score."""

    value: float | None
    low: float | None
    high: float | None


class BundleManifestV2Warning(TypedDict):
    """BundleManifestV2Warning."""

    kind: str
    words: str
    features: NotRequired[list[str]]
    figures: NotRequired[dict[str, float | None]]


class BundleManifestV2File(TypedDict):
    """BundleManifestV2File."""

    sha256: str
    bytes: int


BundleManifestV2Files = TypedDict("BundleManifestV2Files", {"feature_set.json": "BundleManifestV2File", "baseline.json": "BundleManifestV2File", "forest.bin": "NotRequired[BundleManifestV2File]", "model.bin": "NotRequired[BundleManifestV2File]", "model.onnx": "NotRequired[BundleManifestV2File]"})


BundleManifestV2OfflineFiles = TypedDict("BundleManifestV2OfflineFiles", {"rows.bin": "NotRequired[Any]", "rhythm.json": "NotRequired[BundleManifestV2File]", "segments.json": "NotRequired[BundleManifestV2File]"})


class BundleManifestV2ExactnessReference(TypedDict):
    """What it was compared with."""

    call: str
    library: str
    version: str


class BundleManifestV2Exactness(TypedDict):
    """How exactly the packed model answers as the library does, and how that was shown."""

    grade: Literal['exact', 'exact-link', 'nearest', 'onnx', 'unproven']
    rows: int
    hard_rows: int
    worst_ulp: float | None
    largest_difference: NotRequired[float | None]
    bound_share: NotRequired[float]
    reference: BundleManifestV2ExactnessReference


class BundleManifestV2ClassScore(TypedDict):
    """BundleManifestV2ClassScore."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


BundleManifestV2HeldOut = TypedDict("BundleManifestV2HeldOut", {"by": "Literal['random', 'time', 'caller']", "column": "NotRequired[str]", "from": "NotRequired[str]", "to": "NotRequired[str]"})


class BundleManifestV2CalibrationItem(TypedDict):
    """BundleManifestV2CalibrationItem."""

    low: float
    high: float
    count: int
    predicted: float | None
    observed: float | None
    observed_low: float | None
    observed_high: float | None


class BundleManifestV2(TypedDict):
    """What a model's folder holds, each file bound by its digest, where the model come."""

    contract: Literal['bundle.manifest.v2']
    model: str
    model_version: str
    feature_set: str
    estimator: BundleManifestV2Estimator
    training: BundleManifestV2Training
    scores: dict[str, BundleManifestV2Score]
    warnings: list[BundleManifestV2Warning]
    files: BundleManifestV2Files
    engine: NotRequired[Literal['onnx']]
    offline_files: NotRequired[BundleManifestV2OfflineFiles]
    exactness: NotRequired[BundleManifestV2Exactness]
    importances: NotRequired[dict[str, BundleManifestV2Score]]
    class_scores: NotRequired[dict[str, BundleManifestV2ClassScore]]
    held_out: NotRequired[BundleManifestV2HeldOut]
    calibration: NotRequired[list[BundleManifestV2CalibrationItem]]


class DetectorStateV1Finding(TypedDict):
    """DetectorStateV1Finding."""

    channel: str
    kind: Literal['location', 'scale', 'correlation', 'together', 'share']
    direction: str
    size: float
    effect: float
    since: float
    events: float
    evidence: float
    needed: float
    shares: dict[str, float]


class DetectorStateV1MixtureCapital(TypedDict):
    """Per chart, or empty lists before the first event; then, while an alarm stands, p."""

    log: list[float]
    age: list[float]
    ratio: list[float]
    born: list[float]


class DetectorStateV1Mixture(TypedDict):
    """DetectorStateV1Mixture."""

    contract: Literal['detector.state.v1']
    detector: Literal['mixture']
    settings: str
    events: float
    quiet: float
    alarm: None | DetectorStateV1Finding
    capital: DetectorStateV1MixtureCapital


class DetectorStateV1Named(TypedDict):
    """DetectorStateV1Named."""

    contract: Literal['detector.state.v1']
    detector: Literal['adwin', 'cusum', 'ks', 'mean-absolute-z', 'page-hinkley', 'psi']
    parameters: dict[str, Any]
    state: dict[str, Any]
    reason: str | None


DetectorStateV1: TypeAlias = "DetectorStateV1Mixture | DetectorStateV1Named"


class DetectorStateV2Finding(TypedDict):
    """DetectorStateV2Finding."""

    channel: str
    kind: Literal['location', 'scale', 'correlation', 'together', 'share']
    direction: str
    size: float
    effect: float
    since: float
    events: float
    evidence: float
    needed: float
    shares: dict[str, float]


class DetectorStateV2Capital(TypedDict):
    """Per chart, or empty lists before the first event."""

    log: list[float | None]
    age: list[float]
    ratio: list[float]
    born: list[float]


class DetectorStateV2Drift(TypedDict):
    """DetectorStateV2Drift."""

    finding: DetectorStateV2Finding
    recovery: DetectorStateV2Capital


class DetectorStateV2Alarm(TypedDict):
    """DetectorStateV2Alarm."""

    finding: DetectorStateV2Finding
    raised: float
    drifts: list[DetectorStateV2Drift]


class DetectorStateV2Day(TypedDict):
    """DetectorStateV2Day."""

    channels: list[str]
    from_s: float | None
    events: int
    counts: dict[str, list[int]]
    inflation: dict[str, float]


class DetectorStateV2Sketch(TypedDict):
    """DetectorStateV2Sketch."""

    events: int
    counters: list[int]


class DetectorStateV2RepeatsBlock(TypedDict):
    """The sketches of the block so far, as window.state.v2 has them."""

    rows: DetectorStateV2Sketch
    sessions: DetectorStateV2Sketch


class DetectorStateV2Repetition(TypedDict):
    """DetectorStateV2Repetition."""

    events: float
    pairs: float
    variance: float


class DetectorStateV2Repeats(TypedDict):
    """DetectorStateV2Repeats."""

    from_s: float | None
    events: int
    block: DetectorStateV2RepeatsBlock
    rows: DetectorStateV2Repetition
    sessions: DetectorStateV2Repetition


class DetectorStateV2(TypedDict):
    """All that the mixture detector needs in order to go on as if never interrupted, w."""

    contract: Literal['detector.state.v2']
    detector: Literal['mixture']
    settings: str
    events: float
    quiet: float
    alarms: list[DetectorStateV2Alarm]
    capital: DetectorStateV2Capital
    day: NotRequired[DetectorStateV2Day]
    repeats: NotRequired[DetectorStateV2Repeats]


class FeatureSetV1Target(TypedDict):
    """What is predicted."""

    name: str
    unit: str
    description: str


class FeatureSetV1Feature(TypedDict):
    """FeatureSetV1Feature."""

    name: str
    type: Literal['number', 'integer', 'boolean', 'category']
    unit: str
    description: str
    minimum: NotRequired[float]
    maximum: NotRequired[float]
    exclusive_minimum: NotRequired[float]
    exclusive_maximum: NotRequired[float]
    usual: NotRequired[list[float]]
    categories: NotRequired[list[str]]
    other: NotRequired[bool]
    nullable: NotRequired[bool]
    example: float | bool | str | None


class FeatureSetV1(TypedDict):
    """What a model is told about each instance."""

    contract: Literal['feature-set.v1']
    name: str
    version: str
    description: str
    target: FeatureSetV1Target
    features: list[FeatureSetV1Feature]


class FeatureSetV2Output(TypedDict):
    """FeatureSetV2Output."""

    name: str
    column: NotRequired[str]
    unit: str
    description: str


class FeatureSetV2Target(TypedDict):
    """What is predicted."""

    name: str
    column: NotRequired[str]
    unit: NotRequired[str]
    description: str
    kind: NotRequired[Literal['regression', 'classification']]
    classes: NotRequired[list[str]]
    positive: NotRequired[str]
    threshold: NotRequired[float]
    outputs: NotRequired[list[FeatureSetV2Output]]


class FeatureSetV2Feature(TypedDict):
    """FeatureSetV2Feature."""

    name: str
    column: NotRequired[str]
    type: Literal['number', 'integer', 'boolean', 'category']
    unit: str
    description: str
    minimum: NotRequired[float]
    maximum: NotRequired[float]
    exclusive_minimum: NotRequired[float]
    exclusive_maximum: NotRequired[float]
    usual: NotRequired[list[float]]
    categories: NotRequired[list[str]]
    other: NotRequired[bool]
    nullable: NotRequired[bool]
    example: float | bool | str | None


class FeatureSetV2Segment(TypedDict):
    """FeatureSetV2Segment."""

    feature: str
    cuts: NotRequired[list[float]]


class FeatureSetV2Source(TypedDict):
    """FeatureSetV2Source."""

    header: NotRequired[str]
    feature: NotRequired[str]
    context: NotRequired[str]


class FeatureSetV2(TypedDict):
    """What a model is told about each instance."""

    contract: Literal['feature-set.v2']
    name: str
    version: str
    description: str
    target: FeatureSetV2Target
    features: list[FeatureSetV2Feature]
    segments: NotRequired[list[FeatureSetV2Segment]]
    session: NotRequired[FeatureSetV2Source]
    caller: NotRequired[FeatureSetV2Source]


class HealthV1Model(TypedDict):
    """HealthV1Model."""

    model_version: str
    feature_set: str
    engine: Literal['c', 'python']


class HealthV1Counters(TypedDict):
    """What this process has counted since its start."""

    predictions: int
    rejected: int
    errors: int
    lines_lost: int


class HealthV1(TypedDict):
    """Whether the service answers, and with what."""

    status: Literal['ok']
    stack: str
    default: str | None
    models: dict[str, HealthV1Model]
    counters: HealthV1Counters


class HealthV2Model(TypedDict):
    """HealthV2Model."""

    model_version: str
    feature_set: str
    engine: Literal['c', 'python', 'onnx']
    grade: Literal['exact', 'exact-link', 'nearest', 'onnx', 'unproven', None]


class HealthV2Counters(TypedDict):
    """What this process has counted since its start."""

    predictions: int
    rejected: int
    errors: int
    lines_lost: int


class HealthV2(TypedDict):
    """Whether the service answers, with what, and how exactly."""

    contract: Literal['health.v2']
    status: Literal['ok']
    stack: str
    default: str | None
    models: dict[str, HealthV2Model]
    counters: HealthV2Counters


class ModelCardV1Summary(TypedDict):
    """ModelCardV1Summary."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None


class ModelCardV1Baseline(TypedDict):
    """The training data in figures."""

    rows: int
    features: dict[str, ModelCardV1Summary]
    target: NotRequired[ModelCardV1Summary]
    prediction: NotRequired[ModelCardV1Summary]


class ModelCardV1(TypedDict):
    """What is served under a model's name."""

    model: str
    model_version: str
    threshold: float
    engine: Literal['c', 'python']
    manifest: dict[str, Any]
    feature_set: dict[str, Any]
    baseline: ModelCardV1Baseline


class ModelCardV2Summary(TypedDict):
    """ModelCardV2Summary."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None


class ModelCardV2Baseline(TypedDict):
    """The training data in figures."""

    rows: int
    features: dict[str, ModelCardV2Summary]
    target: NotRequired[ModelCardV2Summary]
    prediction: NotRequired[ModelCardV2Summary]


class ModelCardV2(TypedDict):
    """What is served under a model's name."""

    contract: Literal['model.card.v2']
    model: str
    model_version: str
    threshold: float
    engine: Literal['c', 'python', 'onnx']
    task: Literal['regression', 'classification']
    answers: Literal['prediction.response.v1', 'prediction.response.v2']
    manifest: dict[str, Any]
    feature_set: dict[str, Any]
    baseline: ModelCardV2Baseline


class MonitoringSpecV1Setting(TypedDict):
    """MonitoringSpecV1Setting."""

    default: float
    stacks: NotRequired[dict[str, float]]
    description: str


MonitoringSpecV1Metric = TypedDict("MonitoringSpecV1Metric", {"name": "str", "unit": "Literal['None', 'Count', 'Percent', 'Seconds', 'Milliseconds', 'Microseconds', 'Bytes']", "from": "Literal['predictor', 'monitor', 'probe']", "each": "NotRequired[Literal['feature']]", "description": "str"})


class MonitoringSpecV1Query(TypedDict):
    """MonitoringSpecV1Query."""

    metric: str
    statistic: str


class MonitoringSpecV1Threshold(TypedDict):
    """A number, or the setting that holds it."""

    setting: str


class MonitoringSpecV1Alarm(TypedDict):
    """MonitoringSpecV1Alarm."""

    name: str
    title: str
    severity: Literal['low', 'medium', 'high']
    tells: NotRequired[Literal['people', 'pager', 'nobody']]
    next: list[str]
    metric: NotRequired[str]
    statistic: NotRequired[str]
    expression: NotRequired[str]
    metrics: NotRequired[dict[str, MonitoringSpecV1Query]]
    rule: NotRequired[str]
    period: NotRequired[int]
    evaluation_periods: NotRequired[int]
    datapoints_to_alarm: NotRequired[int]
    comparison: NotRequired[Literal['GreaterThanThreshold', 'GreaterThanOrEqualToThreshold', 'LessThanThreshold', 'LessThanOrEqualToThreshold']]
    threshold: NotRequired[float | MonitoringSpecV1Threshold]
    missing_data: NotRequired[Literal['missing', 'ignore', 'breaching', 'notBreaching']]


class MonitoringSpecV1Widget(TypedDict):
    """MonitoringSpecV1Widget."""

    title: str
    metrics: list[str]
    statistics: list[str]
    threshold: NotRequired[MonitoringSpecV1Threshold]


class MonitoringSpecV1(TypedDict):
    """What is measured, what raises an alarm and what dashboards show."""

    contract: Literal['monitoring.spec.v1']
    namespace: str
    dimensions: list[str]
    settings: dict[str, MonitoringSpecV1Setting]
    metrics: list[MonitoringSpecV1Metric]
    alarms: list[MonitoringSpecV1Alarm]
    dashboard: list[MonitoringSpecV1Widget]


class MonitoringSpecV2Setting(TypedDict):
    """MonitoringSpecV2Setting."""

    default: float
    stacks: NotRequired[dict[str, float]]
    description: str


class MonitoringSpecV2Metric(TypedDict):
    """MonitoringSpecV2Metric."""

    name: str
    unit: Literal['None', 'Count', 'Percent', 'Seconds', 'Milliseconds', 'Microseconds', 'Bytes']
    source: Literal['predictor', 'monitor', 'probe']
    each: NotRequired[Literal['feature']]
    only: NotRequired[Literal['two-classes']]
    description: str


MonitoringSpecV2Expression: TypeAlias = "float | str | MonitoringSpecV2ExpressionObject"


MonitoringSpecV2Pair: TypeAlias = "list[MonitoringSpecV2Expression]"


MonitoringSpecV2Several: TypeAlias = "list[MonitoringSpecV2Expression]"


MonitoringSpecV2ExpressionObject = TypedDict("MonitoringSpecV2ExpressionObject", {"or": "NotRequired[MonitoringSpecV2Pair]", "and": "NotRequired[MonitoringSpecV2Pair]", "less": "NotRequired[MonitoringSpecV2Pair]", "at_most": "NotRequired[MonitoringSpecV2Pair]", "greater": "NotRequired[MonitoringSpecV2Pair]", "at_least": "NotRequired[MonitoringSpecV2Pair]", "equal": "NotRequired[MonitoringSpecV2Pair]", "unequal": "NotRequired[MonitoringSpecV2Pair]", "add": "NotRequired[MonitoringSpecV2Pair]", "subtract": "NotRequired[MonitoringSpecV2Pair]", "multiply": "NotRequired[MonitoringSpecV2Pair]", "divide": "NotRequired[MonitoringSpecV2Pair]", "power": "NotRequired[MonitoringSpecV2Pair]", "absolute": "NotRequired[MonitoringSpecV2Expression]", "ceiling": "NotRequired[MonitoringSpecV2Expression]", "floor": "NotRequired[MonitoringSpecV2Expression]", "fill": "NotRequired[MonitoringSpecV2Pair]", "if": "NotRequired[list[MonitoringSpecV2Expression]]", "average": "NotRequired[MonitoringSpecV2Several]", "maximum": "NotRequired[MonitoringSpecV2Several]", "minimum": "NotRequired[MonitoringSpecV2Several]", "sum": "NotRequired[MonitoringSpecV2Several]"})


class MonitoringSpecV2Query(TypedDict):
    """MonitoringSpecV2Query."""

    metric: str
    statistic: str


MonitoringSpecV2Rule: TypeAlias = "MonitoringSpecV2RuleObject"


MonitoringSpecV2Rules: TypeAlias = "list[MonitoringSpecV2Rule]"


MonitoringSpecV2RuleObject = TypedDict("MonitoringSpecV2RuleObject", {"alarm": "NotRequired[str]", "ok": "NotRequired[str]", "insufficient_data": "NotRequired[str]", "any": "NotRequired[MonitoringSpecV2Rules]", "all": "NotRequired[MonitoringSpecV2Rules]", "not": "NotRequired[MonitoringSpecV2Rule]"})


class MonitoringSpecV2Threshold(TypedDict):
    """A number, or the setting that holds it."""

    setting: str


class MonitoringSpecV2Alarm(TypedDict):
    """MonitoringSpecV2Alarm."""

    name: str
    title: str
    severity: Literal['low', 'medium', 'high']
    notify: NotRequired[Literal['people', 'pager', 'nobody']]
    runbook: list[str]
    metric: NotRequired[str]
    statistic: NotRequired[str]
    expression: NotRequired[MonitoringSpecV2Expression]
    metrics: NotRequired[dict[str, MonitoringSpecV2Query]]
    rule: NotRequired[MonitoringSpecV2Rule]
    period: NotRequired[int]
    evaluation_periods: NotRequired[int]
    datapoints_to_alarm: NotRequired[int]
    comparison: NotRequired[Literal['GreaterThanThreshold', 'GreaterThanOrEqualToThreshold', 'LessThanThreshold', 'LessThanOrEqualToThreshold']]
    threshold: NotRequired[float | MonitoringSpecV2Threshold]
    missing_data: NotRequired[Literal['missing', 'ignore', 'breaching', 'notBreaching']]
    optional: NotRequired[Literal[True]]


class MonitoringSpecV2Widget(TypedDict):
    """MonitoringSpecV2Widget."""

    title: str
    metrics: list[str]
    statistics: list[str]
    threshold: NotRequired[MonitoringSpecV2Threshold]


class MonitoringSpecV2(TypedDict):
    """What is measured, what raises an alarm and what dashboards show."""

    contract: Literal['monitoring.spec.v2']
    namespace: str
    dimensions: list[str]
    settings: dict[str, MonitoringSpecV2Setting]
    metrics: list[MonitoringSpecV2Metric]
    alarms: list[MonitoringSpecV2Alarm]
    dashboard: list[MonitoringSpecV2Widget]


class PredictionBatchRequestV1(TypedDict):
    """Up to 1,000 instances."""

    instances: list[Any]


class PredictionBatchResponseV1Drift(TypedDict):
    """PredictionBatchResponseV1Drift."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionBatchResponseV1Answer(TypedDict):
    """PredictionBatchResponseV1Answer."""

    index: int
    prediction: float
    drift_score: float
    prediction_id: str
    drift: PredictionBatchResponseV1Drift


class PredictionBatchResponseV1Error(TypedDict):
    """PredictionBatchResponseV1Error."""

    index: int
    pointer: str
    rule: str
    expected: str


class PredictionBatchResponseV1(TypedDict):
    """Answers to the good instances of a batch and the violations of the bad ones, eac."""

    predictions: list[PredictionBatchResponseV1Answer]
    errors: list[PredictionBatchResponseV1Error]
    timestamp: str
    model: str
    model_version: str


class PredictionBatchResponseV2Drift(TypedDict):
    """PredictionBatchResponseV2Drift."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionBatchResponseV2AnswerExplanation(TypedDict):
    """Where the prediction comes from."""

    base: float
    features: dict[str, float]


class PredictionBatchResponseV2Answer(TypedDict):
    """PredictionBatchResponseV2Answer."""

    index: int
    prediction: float
    label: NotRequired[str]
    probabilities: NotRequired[dict[str, float]]
    threshold: NotRequired[float]
    predictions: NotRequired[dict[str, float]]
    drift_score: float
    prediction_id: str
    drift: PredictionBatchResponseV2Drift
    expected_error: NotRequired[float]
    explanation: NotRequired[PredictionBatchResponseV2AnswerExplanation]
    outcome: NotRequired[float | str]
    caller: NotRequired[str]
    session: NotRequired[str]


class PredictionBatchResponseV2Error(TypedDict):
    """PredictionBatchResponseV2Error."""

    index: int
    pointer: str
    rule: str
    expected: str


class PredictionBatchResponseV2(TypedDict):
    """Answers of a classifier, or of a model of several outputs, to the good instances."""

    contract: Literal['prediction.batch.response.v2']
    predictions: list[PredictionBatchResponseV2Answer]
    errors: list[PredictionBatchResponseV2Error]
    timestamp: str
    model: str
    model_version: str


class PredictionEventV1AwsCloudWatchMetricMetric(TypedDict):
    """PredictionEventV1AwsCloudWatchMetricMetric."""

    Name: str
    Unit: NotRequired[str]
    StorageResolution: NotRequired[Literal[1, 60]]


class PredictionEventV1AwsCloudWatchMetric(TypedDict):
    """PredictionEventV1AwsCloudWatchMetric."""

    Namespace: str
    Dimensions: list[list[str]]
    Metrics: list[PredictionEventV1AwsCloudWatchMetricMetric]


class PredictionEventV1Aws(TypedDict):
    """The embedded metric format's directions."""

    Timestamp: int
    CloudWatchMetrics: list[PredictionEventV1AwsCloudWatchMetric]


class PredictionEventV1Drift(TypedDict):
    """Where the score comes from."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionEventV1(TypedDict):
    """One prediction as one log line."""

    contract: Literal['prediction.event.v1']
    _aws: PredictionEventV1Aws
    Stack: str
    Model: str
    Prediction: float
    DriftScore: float
    Latency: float
    LinesLost: NotRequired[float]
    timestamp: str
    prediction_id: str
    model_version: str
    features: dict[str, float | bool | str | None]
    drift: PredictionEventV1Drift


class PredictionEventV2AwsCloudWatchMetricMetric(TypedDict):
    """PredictionEventV2AwsCloudWatchMetricMetric."""

    Name: str
    Unit: NotRequired[str]
    StorageResolution: NotRequired[Literal[1, 60]]


class PredictionEventV2AwsCloudWatchMetric(TypedDict):
    """PredictionEventV2AwsCloudWatchMetric."""

    Namespace: str
    Dimensions: list[list[str]]
    Metrics: list[PredictionEventV2AwsCloudWatchMetricMetric]


class PredictionEventV2Aws(TypedDict):
    """The embedded metric format's directions."""

    Timestamp: int
    CloudWatchMetrics: list[PredictionEventV2AwsCloudWatchMetric]


class PredictionEventV2Drift(TypedDict):
    """Where the score comes from."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionEventV2Explanation(TypedDict):
    """Where the prediction comes from."""

    base: float
    features: dict[str, float]


class PredictionEventV2(TypedDict):
    """One prediction of a classifier, or of a model of several outputs, as one log lin."""

    contract: Literal['prediction.event.v2']
    _aws: PredictionEventV2Aws
    Stack: str
    Model: str
    Prediction: float
    DriftScore: float
    Latency: float
    Positive: NotRequired[Literal[0, 1]]
    LinesLost: NotRequired[float]
    timestamp: str
    prediction_id: str
    model_version: str
    features: dict[str, float | bool | str | None]
    drift: PredictionEventV2Drift
    label: NotRequired[str]
    margin: NotRequired[float]
    entropy: NotRequired[float]
    probabilities: NotRequired[dict[str, float]]
    predictions: NotRequired[dict[str, float]]
    expected_error: NotRequired[float]
    explanation: NotRequired[PredictionEventV2Explanation]
    outcome: NotRequired[float | str]
    caller: NotRequired[str]
    session: NotRequired[str]


class PredictionRequestV1(TypedDict):
    """One instance to predict."""

    features: dict[str, float | bool | str | None]
    prediction_id: NotRequired[str]
    synthetic: NotRequired[bool]


class PredictionResponseV1Drift(TypedDict):
    """PredictionResponseV1Drift."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionResponseV1(TypedDict):
    """The answer to one instance."""

    prediction: float
    drift_score: float
    timestamp: str
    features_received: dict[str, float | bool | str | None]
    prediction_id: str
    model: str
    model_version: str
    drift: PredictionResponseV1Drift


class PredictionResponseV2Drift(TypedDict):
    """PredictionResponseV2Drift."""

    z: dict[str, float | None]
    drifted: list[str]
    severity: Literal['normal', 'moderate', 'high']


class PredictionResponseV2Explanation(TypedDict):
    """Where the prediction comes from."""

    base: float
    features: dict[str, float]


class PredictionResponseV2(TypedDict):
    """The answer to one instance of a classifier or of a model of several outputs."""

    contract: Literal['prediction.response.v2']
    prediction: float
    label: NotRequired[str]
    probabilities: NotRequired[dict[str, float]]
    threshold: NotRequired[float]
    predictions: NotRequired[dict[str, float]]
    drift_score: float
    timestamp: str
    features_received: dict[str, float | bool | str | None]
    prediction_id: str
    model: str
    model_version: str
    drift: PredictionResponseV2Drift
    expected_error: NotRequired[float]
    explanation: NotRequired[PredictionResponseV2Explanation]
    outcome: NotRequired[float | str]
    caller: NotRequired[str]
    session: NotRequired[str]


class ProblemV1Error(TypedDict):
    """ProblemV1Error."""

    pointer: str
    rule: str
    expected: str


class ProblemV1(TypedDict):
    """Why a request was not answered (RFC 9457), sent as application/problem+json."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    instance: NotRequired[str]
    request_id: NotRequired[str]
    errors: NotRequired[list[ProblemV1Error]]


class RhythmV1LeftOutItem(TypedDict):
    """RhythmV1LeftOutItem."""

    from_s: float
    to_s: float
    why: str


class RhythmV1Base(TypedDict):
    """RhythmV1Base."""

    from_s: float
    to_s: float
    counts: list[int]


class RhythmV1Day(TypedDict):
    """RhythmV1Day."""

    variance: float
    inflation: float
    events: float


class RhythmV1(TypedDict):
    """The time structure of one model's traffic, learned from traffic."""

    contract: Literal['rhythm.v1']
    baseline: str
    from_s: float
    to_s: float
    events: int
    cycles: dict[str, list[list[int]]]
    variance_inflation: dict[str, float]
    bounded: list[str]
    left_out: list[RhythmV1LeftOutItem]
    bases: NotRequired[dict[str, RhythmV1Base]]
    days: NotRequired[dict[str, RhythmV1Day]]


class ScenarioSuiteV1ScenarioExpect(TypedDict):
    """What must hold of the answers."""

    average_below: NotRequired[float]
    average_from: NotRequired[float]
    average_to: NotRequired[float]
    average_above: NotRequired[float]
    alerts: NotRequired[int]
    drifted: NotRequired[list[str]]


class ScenarioSuiteV1Scenario(TypedDict):
    """ScenarioSuiteV1Scenario."""

    name: str
    title: str
    expect: ScenarioSuiteV1ScenarioExpect
    requests: list[dict[str, float | bool | str | None]]


class ScenarioSuiteV1(TypedDict):
    """Requests and what detection must make of them, to be sent to a running deploymen."""

    contract: Literal['scenario.suite.v1']
    model: str
    threshold: float
    scenarios: list[ScenarioSuiteV1Scenario]


class SegmentsV1Segment(TypedDict):
    """SegmentsV1Segment."""

    value: str
    rows: int
    baseline: NotRequired[dict[str, Any]]


class SegmentsV1Cut(TypedDict):
    """SegmentsV1Cut."""

    feature: str
    cuts: NotRequired[list[float]]
    segments: list[SegmentsV1Segment]


class SegmentsV1(TypedDict):
    """What each segment of one model's training rows looked like, so that the same seg."""

    contract: Literal['segments.v1']
    baseline: str
    cuts: list[SegmentsV1Cut]


class WindowReportV1Baseline(TypedDict):
    """What it is held against."""

    digest: str
    rows: int


class WindowReportV1Window(TypedDict):
    """What was observed."""

    events: int
    first: str | None
    last: str | None


class WindowReportV1Verdict(TypedDict):
    """The finding."""

    level: Literal['none', 'small', 'moderate', 'large']
    words: str
    drifted: list[str]


class WindowReportV1ChannelEffects(TypedDict):
    """Sizes of the difference; psi_excess is PSI above what chance gives, wasserstein."""

    psi: float | None
    psi_excess: float | None
    jensen_shannon: float | None
    ks: NotRequired[float | None]
    wasserstein: NotRequired[float | None]


class WindowReportV1ChannelTest(TypedDict):
    """Test of no difference; p_adjusted allows for the number of channels (Benjamini-H."""

    name: str
    statistic: float | None
    degrees: int | None
    p: float | None
    p_adjusted: float | None


class WindowReportV1ChannelMean(TypedDict):
    """Shift of the mean in standard deviations."""

    shift: float | None
    low: float | None
    high: float | None


class WindowReportV1ChannelVariance(TypedDict):
    """Ratio of the variances."""

    ratio: float | None
    low: float | None
    high: float | None


class WindowReportV1ChannelShare(TypedDict):
    """Share of events for which an indicator is set."""

    value: float | None
    baseline: float | None
    difference: float | None
    low: float | None
    high: float | None


class WindowReportV1Channel(TypedDict):
    """WindowReportV1Channel."""

    name: str
    kind: Literal['values', 'quantiles', 'categories', 'missing', 'out_of_range', 'new', 'product', 'sum_of_squares']
    of: list[str]
    rank: int
    level: Literal['none', 'small', 'moderate', 'large']
    words: str
    events: int
    reference: int
    effects: WindowReportV1ChannelEffects
    test: WindowReportV1ChannelTest
    mean: NotRequired[WindowReportV1ChannelMean]
    variance: NotRequired[WindowReportV1ChannelVariance]
    share: NotRequired[WindowReportV1ChannelShare]
    labels: list[str]
    baseline: list[float]
    window: list[float]


class WindowReportV1(TypedDict):
    """A window of traffic held against the baseline."""

    contract: Literal['window.report.v1']
    model: str
    model_version: str | None
    baseline: WindowReportV1Baseline
    window: WindowReportV1Window
    verdict: WindowReportV1Verdict
    channels: list[WindowReportV1Channel]


class WindowStateV1(TypedDict):
    """Counts of a window of traffic on the baseline's frozen bins."""

    contract: Literal['window.state.v1']
    model: str
    model_version: str | None
    baseline: str
    events: int
    first_ms: int | None
    last_ms: int | None
    moments: dict[str, list[int]]
    counts: dict[str, list[int]]


class WindowStateV2Sketch(TypedDict):
    """WindowStateV2Sketch."""

    events: int
    counters: list[int]


class WindowStateV2Sketches(TypedDict):
    """How often rows and sessions repeat; absent where neither was counted."""

    rows: WindowStateV2Sketch
    sessions: WindowStateV2Sketch


class WindowStateV2(TypedDict):
    """Counts of a window of traffic on the baseline's frozen bins."""

    contract: Literal['window.state.v2']
    model: str
    model_version: str | None
    baseline: str
    events: int
    first_ms: int | None
    last_ms: int | None
    moments: dict[str, list[int]]
    counts: dict[str, list[int]]
    sketches: NotRequired[WindowStateV2Sketches]
