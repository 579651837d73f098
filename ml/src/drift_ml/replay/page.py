"""The drift report as one HTML file: a pure function of documents, which loads nothing.

The page is in `templates/report.html`; what is computed for it is here, as values with names. Every
text is escaped by Jinja2, whatever it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from drift_contracts.wording import spoken_unit
from jinja2 import Environment, PackageLoader, StrictUndefined

from drift_ml.baseline import INDICATORS
from drift_ml.replay.caller_replays import callers_in_words
from drift_ml.replay.class_plots import calibration_plot
from drift_ml.replay.plots import (
    DistributionPlot,
    Interval,
    distribution_plot,
    evidence_plot,
    interval_plot,
    odds,
)
from drift_ml.replay.texts import (
    events,
    figure,
    number,
    percent,
    place,
    signed,
    subject,
    time_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from drift_contracts.features import Target
    from drift_contracts.types import WindowReportV1, WindowReportV1Channel

    from drift_ml.baseline import Baseline
    from drift_ml.psi_blocks import PsiCheck
    from drift_ml.replay.caller_replays import CallerReplay
    from drift_ml.replay.class_plots import MixPlot
    from drift_ml.replay.differing import TrainingDifference
    from drift_ml.replay.evidence import Alarm, Replay
    from drift_ml.replay.reference_detectors import Detection
    from drift_ml.replay.training_rows import TrainingRows
    from drift_ml.verdict import Verdict

#: Kinds of channels that have a distribution of their own.
DISTRIBUTIONS = ("values", "quantiles", "categories")
TOGETHER = ("product", "sum_of_squares")
#: Standard deviations that an axis of mean shifts reaches at least.
LEAST_REACH = 0.5
#: Share of the evidence from which a channel is named.
LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Facts:
    """What the documents do not say."""

    #: The file or the store.
    source: str
    #: Which events the report is over.
    compared: str
    #: When the page is made, as text.
    made: str
    #: What is decided.
    verdict: Verdict
    #: Whether the bundle's model gave the predictions.
    predicted: bool = False
    #: Of the features, by name.
    units: Mapping[str, str] | None = None
    #: Why some detectors are missing.
    not_run: str = ""
    #: What the file has in common with the training data.
    training_rows: TrainingRows | None = None
    #: What a classifier predicts; None of a regressor.
    target: Target | None = None
    #: A classifier's classes over time; None where no label was counted.
    class_mix: MixPlot | None = None
    #: PSI against a limit; None where none was chosen.
    psi: PsiCheck | None = None
    #: What became of the segments, "" where there are none.
    segments: str = ""
    #: That were left out of all rows; empty where callers are not told apart.
    callers: tuple[CallerReplay, ...] = ()
    #: Which cycles the replay allows for, in a sentence; "" where nothing is known of it.
    rhythm: str = ""
    #: What the monitor has found to differ from training; empty where it has found nothing.
    differs: tuple[TrainingDifference, ...] = ()


@dataclass(frozen=True)
class Emphasis:
    """A text that a table shows in bold."""

    text: str


@dataclass(frozen=True)
class Level:
    """The size of a difference, which a table shows as a chip."""

    name: str


@dataclass(frozen=True)
class Banner:
    """A headline with details, in the colour of a level."""

    level: str
    headline: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A value under its name."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Card:
    """One channel's distribution."""

    name: str
    unit: str
    level: str
    plot: DistributionPlot | None
    figures: tuple[Figure, ...]


# What a cell of a table may be; the template tells them apart by tests of these types.
Cell = str | Emphasis | Level | Interval


def render_report(
    report: WindowReportV1,
    replay: Replay,
    detections: Sequence[Detection],
    baseline: Baseline,
    facts: Facts,
) -> str:
    """Return the page: verdict, evidence, detectors, distributions, effect sizes, shares.

    Args:
        report: Over the events that `facts.compared` names.
        replay: The evidence over time.
        detections: Of the named detectors; empty where they were not run.
        baseline: The one that the report names.
        facts: What the documents do not say.

    Returns:
        One HTML document that asks nothing of the network.
    """
    channels = report["channels"]
    joint = [channel for channel in channels if channel["kind"] in TOGETHER]
    page = _templates().get_template("report.html")
    html: str = page.render(
        report=report,
        replay=replay,
        facts=facts,
        verdict=_verdict(report, replay, facts),
        training_rows=_training_rows(facts),
        figures=_figures(report, replay),
        evidence_plot=evidence_plot(replay),
        alarms=[_alarm_row(alarm) for alarm in replay.alarms],
        callers=[_caller_row(caller) for caller in facts.callers],
        caller_alarms=_caller_alarms(facts),
        differs=[_difference_row(difference) for difference in facts.differs],
        detectors=_detector_rows(replay, detections),
        class_rule=_class_rule(facts),
        calibration=calibration_plot(baseline.calibration),
        calibration_rows=list(_calibration_rows(baseline)),
        cards=list(_cards(channels, baseline, facts)),
        effects=list(_effect_rows(channels)),
        indicators=list(_indicator_rows(channels)),
        together=[_joint_row(channel) for channel in joint],
        moved_together=sum(channel["level"] != "none" for channel in joint),
    )
    return html


@cache
def _templates() -> Environment:
    """Return the templates, compiled when they are asked for."""
    templates = Environment(
        loader=PackageLoader("drift_ml.replay"),
        autoescape=True,
        # A name that is misspelt in a template is an error, not an empty place in a report.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = number
    templates.globals.update(events=events, frame="0 0 1000 100")
    kinds = {"emphasis": Emphasis, "level": Level, "interval": Interval}
    for name, kind in kinds.items():
        templates.tests[name] = kind_test(kind)
    return templates


def kind_test(kind: type) -> Callable[[object], bool]:
    """Return a test of templates for values of a type."""
    return lambda value: isinstance(value, kind)


def _verdict(
    report: WindowReportV1,
    replay: Replay,
    facts: Facts,
) -> Banner:
    """Return what a person needs to know, if they read nothing else."""
    verdict = facts.verdict
    details = list(verdict.others)
    # The headline is of the first that stands, be it of all rows or of a caller.
    alarms = [*replay.alarms, *(alarm for caller in facts.callers for alarm in caller.alarms)]
    # Where rows are grouped, evidence reached the bar, and no alarm is of a drift.
    if any(step.crossed for step in replay.steps) and not alarms:
        pass
    elif verdict.level == "quiet":
        threshold = events(replay.budget.events)
        details.append(f"The evidence never reached the bar of {threshold} : 1.")
    elif alarms:
        standing = [alarm for alarm in alarms if alarm.recovered_row is None]
        alarm = standing[0] if standing else alarms[-1]
        details.append(f"Found at {place(alarm.row, alarm.at_ms)}.")
    if verdict.unproven:
        details.append(verdict.unproven)
    callers = callers_in_words(facts.callers)
    details += [words for words in (facts.segments, callers) if words]
    if facts.psi is not None:
        details.append(facts.psi.words)
    details.append(_sentence(report["verdict"]["words"]))
    return Banner(verdict.level, verdict.headline, tuple(details))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _training_rows(facts: Facts) -> Banner | None:
    """Return what stands beside the verdict where the file holds rows of the training data."""
    rows = facts.training_rows
    if rows is None or not rows.warns:
        return None
    return Banner("watch", "Rows of the training data", (f"{rows.words}.",))


def _figures(
    report: WindowReportV1,
    replay: Replay,
) -> list[Figure]:
    steps = replay.steps
    strongest = max((step.evidence for step in steps), default=0.0)
    span = ""
    if steps and steps[0].at_ms is not None:
        span = f"{time_text(steps[0].at_ms)} to {time_text(steps[-1].at_ms)}"
    threshold = events(replay.budget.events)
    baseline = report["baseline"]
    return [
        Figure("Events replayed", events(replay.events), span),
        Figure("Events compared", events(report["window"]["events"])),
        Figure("Baseline rows", events(baseline["rows"]), baseline["digest"][:12]),
        Figure("Strongest evidence", odds(strongest), f"alarm at {threshold} : 1"),
        Figure("Alarms", str(len(replay.alarms)), "one standing" if replay.standing else ""),
    ]


def _alarm_row(alarm: Alarm) -> list[Cell]:
    """Return what raised an alarm, since when, which channels hold the evidence, and its end."""
    finding = alarm.finding
    shares = [
        f"{subject(name)} {100 * share:.0f} %"
        for name, share in finding.shares.items()
        if share >= LEAST_SHARE
    ]
    end = "stands"
    if alarm.recovered_row is not None:
        end = place(alarm.recovered_row, alarm.recovered_ms)
    return [
        place(alarm.row, alarm.at_ms),
        _with(alarm),
        place(alarm.since_row, alarm.since_ms),
        ", ".join(shares),
        end,
    ]


def _caller_row(caller: CallerReplay) -> list[Cell]:
    """Return since when a caller is left out, and what its own detector has found."""
    begin, end, watched = caller.begin, caller.end, caller.watched
    since = place(begin.row, begin.at_ms)
    if end is not None:
        since = f"{since}, until {place(end.row, end.at_ms)}"
    return [
        Emphasis(caller.name),
        since,
        events(caller.rows),
        "not watched" if watched is None else place(watched.row, watched.at_ms),
        str(len(caller.alarms)),
    ]


def _caller_alarms(facts: Facts) -> list[list[Cell]]:
    """Return a row for each alarm of callers that are left out."""
    return [_alarm_row(alarm) for caller in facts.callers for alarm in caller.alarms]


def _difference_row(difference: TrainingDifference) -> list[Cell]:
    seen = difference.acknowledged
    acknowledged = "" if seen is None else f"by {seen.who}: {seen.why}"
    return [difference.words, Level(difference.level), acknowledged]


def _with(alarm: Alarm) -> str:
    """Return what happened, and which channels moved with it."""
    if not alarm.joined:
        return alarm.words
    return f"{alarm.words}; with it moved {', '.join(map(subject, alarm.joined))}"


def _class_rule(facts: Facts) -> str:
    """Return when which class is answered, in a sentence; "" of a regressor."""
    target = facts.target
    if target is None:
        return ""
    positive = target.positive_class
    if positive is None:
        return "The label is the class that the library names; the score is its probability."
    score = f"The score is the probability of {positive}."
    if target.threshold is None:
        return f"{score} The label follows the library's own rule, at one half."
    return f"{score} The label is {positive} from a score of {target.threshold:g} on."


def _calibration_rows(baseline: Baseline) -> Iterator[list[Cell]]:
    """Yield what was predicted and what was observed, bin by bin."""
    for filled in baseline.calibration:
        between = f"{percent(filled.observed_low)} to {percent(filled.observed_high)}"
        yield [
            f"{filled.low:g} to {filled.high:g}",
            events(filled.count),
            percent(filled.predicted),
            percent(filled.observed),
            between,
        ]


def _detector_rows(
    replay: Replay,
    detections: Sequence[Detection],
) -> list[list[Cell]]:
    """Return a row per detector, the evidence first; none where no named detector was run."""
    if not detections:
        return []
    return [_evidence_row(replay), *(_detection_row(replay, detection) for detection in detections)]


def _evidence_row(replay: Replay) -> list[Cell]:
    name = Emphasis("Evidence (this project)")
    setting = f"one false alarm in {events(replay.budget.events)} events"
    if not replay.alarms:
        return [name, "never", "", "", "", setting]
    alarm = replay.alarms[0]
    finding = alarm.finding
    return [
        name,
        place(alarm.row, alarm.at_ms),
        subject(finding.channel),
        f"{finding.kind} {finding.direction}",
        place(alarm.since_row, alarm.since_ms),
        setting,
    ]


def _detection_row(
    replay: Replay,
    detection: Detection,
) -> list[Cell]:
    name, setting = detection.detector, detection.settings
    row, since = detection.row, detection.since_row
    if row is None or since is None:
        return [name, "never", "", "", "", setting]
    return [
        name,
        place(row, replay.time_at(row)),
        detection.column or "",
        detection.direction or "",
        place(since, replay.time_at(since)),
        setting,
    ]


def _cards(
    channels: Sequence[WindowReportV1Channel],
    baseline: Baseline,
    facts: Facts,
) -> Iterator[Card]:
    """Yield the distribution of each feature and of the predictions."""
    units = facts.units or {}
    for channel in channels:
        if channel["kind"] not in DISTRIBUTIONS:
            continue
        name = channel["name"]
        plot = distribution_plot(baseline, channel) if channel["events"] else None
        shown = tuple(_card_figures(channel, channels))
        yield Card(name, spoken_unit(units.get(name, "")), channel["level"], plot, shown)


def _card_figures(
    channel: WindowReportV1Channel, channels: Sequence[WindowReportV1Channel]
) -> Iterator[Figure]:
    """Yield the sizes under a distribution, and the shares of its indicators that are not zero."""
    yield Figure("PSI", figure(channel["effects"]["psi"]))
    mean = channel.get("mean")
    if mean:
        yield Figure("mean", f"{signed(mean['shift'])} standard deviations")
    for indicator in channels:
        if indicator["kind"] not in INDICATORS or indicator["of"] != [channel["name"]]:
            continue
        share = indicator.get("share")
        if share and share["value"]:
            yield Figure(indicator["kind"].replace("_", " "), percent(share["value"]))


def _effect_rows(channels: Sequence[WindowReportV1Channel]) -> Iterator[list[Cell]]:
    """Yield the effect sizes of each distribution, their mean shifts drawn on one axis."""
    shown = [channel for channel in channels if channel["kind"] in DISTRIBUTIONS]
    reach = LEAST_REACH
    for channel in shown:
        mean = channel.get("mean")
        if mean:
            reach = max(reach, abs(mean["low"] or 0.0), abs(mean["high"] or 0.0))
    for channel in shown:
        yield _effect_row(channel, reach)


def _effect_row(
    channel: WindowReportV1Channel,
    reach: float,
) -> list[Cell]:
    effects, test = channel["effects"], channel["test"]
    mean, variance = channel.get("mean"), channel.get("variance")
    shift: Cell = figure(None)
    drawing: Cell = ""
    if mean:
        between = f"{signed(mean['low'])} to {signed(mean['high'])}"
        shift = f"{signed(mean['shift'])} ({between})"
        drawing = interval_plot(mean, reach)
    spread = figure(None)
    if variance and variance["ratio"] is not None:
        spread = f"{variance['ratio'] ** 0.5:.2f} x"
    return [
        Emphasis(channel["name"]),
        Level(channel["level"]),
        figure(effects["psi"]),
        figure(effects.get("ks")),
        figure(effects["jensen_shannon"]),
        figure(effects.get("wasserstein")),
        shift,
        drawing,
        spread,
        figure(test["p_adjusted"], 2),
        events(channel["events"]),
    ]


def _indicator_rows(channels: Sequence[WindowReportV1Channel]) -> Iterator[list[Cell]]:
    """Yield the shares of missing, out-of-range and new values."""
    for channel in channels:
        share = channel.get("share")
        if channel["kind"] not in INDICATORS or share is None:
            continue
        low, high = share["low"] or 0.0, share["high"] or 0.0
        yield [
            subject(channel["name"]),
            Level(channel["level"]),
            percent(share["value"]),
            percent(share["baseline"]),
            f"{signed(100 * low)} to {signed(100 * high)} points",
            figure(channel["test"]["p_adjusted"], 2),
        ]


def _joint_row(channel: WindowReportV1Channel) -> list[Cell]:
    size = figure(channel["effects"]["psi"])
    return [subject(channel["name"]), Level(channel["level"]), size, channel["words"]]
