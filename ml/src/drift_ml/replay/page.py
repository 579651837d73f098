"""The drift report as one HTML file: a pure function of documents, with nothing loaded from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from drift_ml.baseline import PREDICTION
from drift_ml.replay.markup import Markup, tag
from drift_ml.replay.plots import distribution_plot, evidence_plot, interval_plot, odds
from drift_ml.replay.texts import change, figure, moment, percent, place, signed, subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.replay.detectors import Firing
    from drift_ml.replay.evidence import Alarm, Replay
    from drift_ml.replay.training_rows import TrainingRows

OWN = ("values", "quantiles", "categories")
INDICATORS = ("missing", "out_of_range", "new")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
LEAST_REACH = 0.5


@dataclass(frozen=True)
class Facts:
    """What the documents do not say. source: the file or store. compared: which events the report is over. not_run:
    why some detectors are missing. training_rows: what the file has in common with the training data."""

    source: str
    compared: str
    made: str
    predicted: bool = False
    units: Mapping[str, str] | None = None
    not_run: str = ""
    training_rows: TrainingRows | None = None


def render_report(
    report: Mapping[str, Any], replay: Replay, firings: Sequence[Firing], baseline: Baseline, facts: Facts
) -> str:
    """The page: verdict, evidence, detectors, distributions, effect sizes, missing and out-of-range shares.

    report: a window.report.v1 document over the events that `facts.compared` names. firings: of the named
    detectors, empty where they were not run. baseline: the one that the report names. Every text is escaped,
    whatever it holds; the page asks nothing of the network.
    """
    style = resources.files("drift_ml.replay").joinpath("report.css").read_text(encoding="utf-8")
    title = f"Drift report: {report['model']}"
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        _top(report, facts),
        tag(
            "main",
            _verdict(report, replay),
            _training_rows(facts),
            _facts(report, replay),
            _evidence(replay),
            _detectors(replay, firings, facts.not_run) if firings else None,
            _distributions(report, baseline, facts),
            _effects(report),
            _indicators(report),
            _joint(report),
            _notes(report, replay, facts),
        ),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _top(report: Mapping[str, Any], facts: Facts) -> Markup:
    version = report["model_version"]
    return tag(
        "header",
        tag("h1", str(report["model"])),
        tag(
            "p", "Drift report", tag("span", facts.source), tag("span", f"model version {version}") if version else None
        ),
    )


def _verdict(report: Mapping[str, Any], replay: Replay) -> Markup:
    """What a person needs to know, if they read nothing else."""
    alarm = replay.standing or (replay.alarms[-1] if replay.alarms else None)
    if alarm is None:
        words = f"The evidence never reached the bar of {replay.budget.events:,.0f} : 1."
        return _banner("quiet", "No drift found", words, str(report["verdict"]["words"]))
    since = f"Since about {place(alarm.since_row, alarm.since_ms)}; found at {place(alarm.row, alarm.at_ms)}."
    headline = f"Drift in {subject(alarm.finding.channel)}: {change(alarm.finding)}"
    if alarm.recovered_row is not None:
        ended = f"It was not found again and taken back at {place(alarm.recovered_row, alarm.recovered_ms)}."
        return _banner("watch", headline, f"{since} {ended}", str(report["verdict"]["words"]))
    return _banner("alarm", headline, since, str(report["verdict"]["words"]))


def _banner(level: str, headline: str, *details: str) -> Markup:
    told = [tag("p", text[:1].upper() + text[1:]) for text in details]
    return tag("section", tag("h2", headline), *told, class_=f"verdict {level}")


def _training_rows(facts: Facts) -> Markup | None:
    """Return what stands beside the verdict where the file holds rows of the training data."""
    rows = facts.training_rows
    if rows is None or not rows.warns:
        return None
    return _banner("watch", "Rows of the training data", f"{rows.words}.")


def _facts(report: Mapping[str, Any], replay: Replay) -> Markup:
    strongest = max((step.evidence for step in replay.steps), default=0.0)
    first = replay.steps[0].at_ms if replay.steps else None
    last = replay.steps[-1].at_ms if replay.steps else None
    told = [
        ("Events replayed", f"{replay.events:,}", f"{moment(first)} to {moment(last)}" if first is not None else ""),
        ("Events compared", f"{report['window']['events']:,}", ""),
        ("Baseline rows", f"{report['baseline']['rows']:,}", str(report["baseline"]["digest"])[:12]),
        ("Strongest evidence", odds(strongest), f"alarm at {replay.budget.events:,.0f} : 1"),
        ("Alarms", f"{len(replay.alarms)}", "one standing" if replay.standing else ""),
    ]
    cells = [tag("div", tag("dt", name), tag("dd", value, tag("small", note))) for name, value, note in told]
    return tag("dl", *cells, class_="facts")


def _section(title: str, about: str, *children: Markup | None) -> Markup:
    return tag("section", tag("h2", title), tag("p", about, class_="about"), *children, class_="card")


def _evidence(replay: Replay) -> Markup:
    about = (
        "Evidence that something has changed, all channels together, on a logarithmic axis. While nothing changes, the"
        f" dashed bar is reached once in {replay.budget.events:,.0f} events or more on average."
        + (" After an alarm the evidence starts anew; reaching the bar again confirms it." if replay.alarms else "")
    )
    legend = [("line", "evidence"), ("limit", "bar"), *([("band", "drift, from its onset")] if replay.alarms else [])]
    shown = tag("p", *(tag("span", tag("i", class_=kind), words) for kind, words in legend), class_="legend")
    listed = [_alarm_row(alarm) for alarm in replay.alarms]
    alarms = _table(("Alarm", "What", "Since", "Evidence held by", "Taken back"), listed, "alarms") if listed else None
    return _section("Evidence over time", about, shown, evidence_plot(replay), alarms)


def _alarm_row(alarm: Alarm) -> list[Markup | str]:
    finding = alarm.finding
    shares = [f"{subject(name)} {100 * share:.0f} %" for name, share in finding.shares.items() if share >= 0.01]  # noqa: PLR2004 - one per cent
    ended = "stands" if alarm.recovered_row is None else place(alarm.recovered_row, alarm.recovered_ms)
    what = f"{subject(finding.channel)}: {change(finding)}"
    return [place(alarm.row, alarm.at_ms), what, place(alarm.since_row, alarm.since_ms), ", ".join(shares), ended]


def _detectors(replay: Replay, firings: Sequence[Firing], not_run: str) -> Markup:
    about = (
        "When each would have fired first. The named ones are at their customary settings, which state no false-alarm"
        " rate: most of them fire sooner or later on traffic that has not changed."
        + (f" {not_run}." if not_run else "")
    )
    first = replay.alarms[0] if replay.alarms else None
    ours: list[Markup | str] = [tag("b", "Evidence (this project)"), "never", "", "", ""]
    if first is not None:
        finding = first.finding
        where = (place(first.row, first.at_ms), subject(finding.channel), f"{finding.kind} {finding.direction}")
        ours = [ours[0], *where, place(first.since_row, first.since_ms)]
    rows = [[*ours, f"one false alarm in {replay.budget.events:,.0f} events"]]
    for each in firings:
        if each.row is None or each.since_row is None:
            rows.append([each.detector, "never", "", "", "", each.settings])
            continue
        at, since = (place(row, replay.at(row)) for row in (each.row, each.since_row))
        rows.append([each.detector, at, each.column or "", each.direction or "", since, each.settings])
    return _section("Detectors", about, _table(("Detector", "Fired", "Feature", "Direction", "Since", "Setting"), rows))


def _distributions(report: Mapping[str, Any], baseline: Baseline, facts: Facts) -> Markup:
    cards = [_card(channel, report, baseline, facts) for channel in report["channels"] if channel["kind"] in OWN]
    about = f"The window, {facts.compared}, over the baseline; most different first."
    legend = tag(
        "p",
        tag("span", tag("i", class_="now"), "window"),
        tag("span", tag("i", class_="before"), "baseline"),
        class_="legend",
    )
    return _section("Distributions", about, legend, tag("div", *cards, class_="cards"))


def _card(channel: Mapping[str, Any], report: Mapping[str, Any], baseline: Baseline, facts: Facts) -> Markup:
    name = channel["name"]
    unit = (facts.units or {}).get(name)
    told = [("PSI", figure(channel["effects"]["psi"]))]
    if mean := channel.get("mean"):
        told.append(("mean", f"{signed(mean['shift'])} sd"))
    told += [
        (other["kind"].replace("_", " "), percent(other["share"]["value"]))
        for other in report["channels"]
        if other["kind"] in INDICATORS and other["of"] == [name] and other.get("share", {}).get("value")
    ]
    return tag(
        "article",
        tag("header", tag("h3", name, tag("small", f" {unit}") if unit else None), _level(channel["level"])),
        distribution_plot(baseline, channel) if channel["events"] else tag("p", "no events", class_="about"),
        tag("p", *(tag("span", f"{key} ", tag("b", value)) for key, value in told), class_="figures"),
        class_=f"feature {channel['level']}",
    )


def _level(level: str) -> Markup:
    return tag("span", "as before" if level == "none" else level, class_=f"chip {level}")


def _effects(report: Mapping[str, Any]) -> Markup:
    channels = [each for each in report["channels"] if each["kind"] in OWN]
    ends = [abs(each["mean"][end]) for each in channels if "mean" in each for end in ("low", "high")]
    reach = max([LEAST_REACH, *ends])
    rows = [_effect_row(channel, reach) for channel in channels]
    about = (
        "Largest first. PSI up to 0.1 is small, from 0.25 large; KS and JS (Jensen-Shannon) lie between 0 and 1;"
        " Wasserstein and the mean's shift are in standard deviations of the baseline, with a 95 % interval. p allows"
        " for the number of channels (Benjamini-Hochberg)."
    )
    names = ("Feature", "Size", "PSI", "KS", "JS", "Wasserstein", "Mean shift", "", "Spread", "p adjusted", "Events")
    return _section("Effect sizes", about, _table(names, rows, "numbers"))


def _effect_row(channel: Mapping[str, Any], reach: float) -> list[Markup | str]:
    effects, mean, variance = channel["effects"], channel.get("mean"), channel.get("variance")
    shift = f"{signed(mean['shift'])} ({signed(mean['low'])} to {signed(mean['high'])})" if mean else figure(None)
    drawn = interval_plot(mean["low"], mean["high"], mean["shift"], reach) if mean else ""
    spread = f"{variance['ratio'] ** 0.5:.2f} x" if variance else figure(None)
    sizes = [figure(effects.get(name)) for name in ("psi", "ks", "jensen_shannon", "wasserstein")]
    return [
        tag("b", channel["name"]),
        _level(channel["level"]),
        *sizes,
        shift,
        drawn,
        spread,
        figure(channel["test"]["p_adjusted"], 2),
        f"{channel['events']:,}",
    ]


def _indicators(report: Mapping[str, Any]) -> Markup | None:
    listed = [each for each in report["channels"] if each["kind"] in INDICATORS and "share" in each]
    if not listed:
        return None
    rows: list[list[Markup | str]] = []
    for channel in listed:
        share = channel["share"]
        between = f"{100 * share['low']:+.2g} to {100 * share['high']:+.2g} points"
        adjusted = figure(channel["test"]["p_adjusted"], 2)
        now, before = percent(share["value"]), percent(share["baseline"])
        rows.append([subject(channel["name"]), _level(channel["level"]), now, before, between, adjusted])
    about = (
        "Share of events whose value is missing, outside the range of the training data, or a category or listed value"
        " that it does not have."
    )
    return _section(
        "Missing, out of range, new",
        about,
        _table(("", "Size", "Window", "Baseline", "Difference (95 %)", "p adjusted"), rows, "numbers"),
    )


def _joint(report: Mapping[str, Any]) -> Markup | None:
    listed = [each for each in report["channels"] if each["kind"] in ("product", "sum_of_squares")]
    if not listed:
        return None
    rows: list[list[Markup | str]] = [
        [subject(each["name"]), _level(each["level"]), figure(each["effects"]["psi"]), each["words"]] for each in listed
    ]
    table = _table(("Features", "Size", "PSI", ""), rows)
    moved = sum(each["level"] != "none" for each in listed)
    summary = tag("summary", f"{len(listed)} pairs and sums, {moved} different from the baseline")
    about = "How features go together: pairs by the product of their scores, and all of them at once."
    return _section("Together", about, tag("details", summary, table))


def _notes(report: Mapping[str, Any], replay: Replay, facts: Facts) -> Markup:
    told = [
        f"Made {facts.made} from {facts.source}; effect sizes are over {facts.compared}.",
        f"Model {report['model']} {report['model_version'] or ''}, baseline of {report['baseline']['rows']:,} rows"
        f" ({report['baseline']['digest']}).",
        f"An alarm needs evidence of {replay.budget.events:,.0f} : 1 and an effect of"
        f" {replay.minimum_effect:g} standard deviations or its like.",
    ]
    if facts.predicted:
        told.append(f"There was no column of predictions: {PREDICTION} is what the bundle's forest answers.")
    if facts.training_rows is not None and not facts.training_rows.warns:
        told.append(f"{facts.training_rows.words}.")
    return tag("footer", *(tag("p", text) for text in told))


def _table(names: Sequence[str], rows: Sequence[Sequence[Markup | str]], kind: str | None = None) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    table = tag("table", head, body, class_=kind)
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=names[0] or "table")
