"""One verdict for headline, table, exit code, page, alert and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from drift_contracts.types import WindowReportV1

    from drift_ml.baseline import Baseline

VerdictLevel = Literal["alarm", "watch", "quiet"]

#: Effects that are named where no evidence stands behind them.
LARGE = "large"
#: Of them so many.
MOST_NAMED = 3
NO_DRIFT = "No drift found"


@dataclass(frozen=True)
class Drift:
    """A drift that an alarm was raised for."""

    #: What happened, its subject first (`Description.words`).
    words: str
    #: The features that show it.
    of: tuple[str, ...]
    #: When it began, in words; "" where that is not said.
    since: str = ""
    #: When it ended, in words; None while it stands.
    ended: str | None = None
    #: The day until which it is muted, in words; None for one that is not.
    muted_until: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What is decided, whoever asks."""

    #: `alarm` while a drift stands, `watch` where one has ended or is muted, else `quiet`.
    level: VerdictLevel
    #: The drift that leads, or that there is none.
    headline: str
    #: Whether an alarm was raised that is not muted, also one that has ended.
    is_drift: bool = False
    #: What stands or stood beside it, a sentence each.
    others: tuple[str, ...] = ()
    #: Large effects without evidence, in a sentence; "" for none.
    unproven: str = ""


def headline(words: str) -> str:
    """Return the headline of a drift.

    >>> headline("age: 92 % of the values never occurred in training")
    'Drift in age: 92 % of the values never occurred in training'
    """
    return f"Drift in {words}"


def moving_features(baseline: Baseline, channels: Iterable[str]) -> tuple[str, ...]:
    """Return the features that channels say of that they drift; `prediction` for an answer.

    The distance of all features together says it of none.

    Args:
        baseline: whose channels they are.
        channels: names of channels that drift, in order of evidence or of time.
    """
    moving: dict[str, None] = {}
    for channel in map(baseline.channel, channels):
        if channel.kind != "sum_of_squares":
            moving |= dict.fromkeys(channel.of)
    return tuple(moving)


def decide(
    drifts: Sequence[Drift],
    report: WindowReportV1 | None = None,
    moving: Collection[str] = (),
) -> Verdict:
    """Return the verdict on some traffic.

    Evidence decides alone. A large effect without evidence may be chance, a small sample or the
    hour of the day: it is named as that, and never makes a headline.

    Args:
        drifts: that alarms were raised for, in order of their evidence or of time.
        report: effect sizes of the same traffic; None where nobody computed them.
        moving: further features that move with these drifts, as the evidence says.

    >>> decide([Drift("age: 92 % of the values never occurred in training", ("age",))]).headline
    'Drift in age: 92 % of the values never occurred in training'
    >>> decide([]).headline
    'No drift found'
    """
    unproven = _unproven(drifts, report, moving)
    raised = [drift for drift in drifts if drift.muted_until is None]
    standing = [drift for drift in raised if drift.ended is None]
    leader = next(iter(standing or raised or drifts), None)
    if leader is None:
        return Verdict("quiet", NO_DRIFT, unproven=unproven)
    others = tuple(_sentence(drift) for drift in drifts if drift is not leader)
    if not raised:
        return Verdict("watch", _sentence(leader).removesuffix("."), False, others, unproven)
    level: VerdictLevel = "alarm" if standing else "watch"
    ending = _when(leader)
    return Verdict(level, f"{headline(leader.words)}{ending}", True, others, unproven)


def _when(drift: Drift) -> str:
    """Return when a drift began and ended, as it follows its words."""
    since = f", since about {drift.since}" if drift.since else ""
    return since if drift.ended is None else f"{since}, until {drift.ended}"


def _sentence(drift: Drift) -> str:
    """Return a drift beside the one of the headline."""
    if drift.muted_until is not None:
        return f"Muted until {drift.muted_until}: {drift.words}{_when(drift)}."
    verb = "Also drifting" if drift.ended is None else "Was drifting"
    return f"{verb}: {drift.words}{_when(drift)}."


def _unproven(
    drifts: Sequence[Drift],
    report: WindowReportV1 | None,
    moving: Collection[str],
) -> str:
    """Return the large effects that no drift explains, in a sentence."""
    if report is None:
        return ""
    explained = {feature for drift in drifts for feature in drift.of} | set(moving)
    large = [
        channel
        for channel in report["channels"]
        if channel["level"] == LARGE and explained.isdisjoint(channel["of"])
    ]
    if not large:
        return ""
    named = "; ".join(channel["words"] for channel in large[:MOST_NAMED])
    more = len(large) - MOST_NAMED
    ending = f"; and {more} more" if more > 0 else ""
    return f"Large effect without evidence, which may be chance: {named}{ending}."
