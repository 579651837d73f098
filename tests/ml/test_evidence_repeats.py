"""Repeats of rows and of sessions in the evidence: what they cost, what they hide, and what they must not."""

from dataclasses import replace

import numpy as np
import pytest
from drift_ml.evidence import Budget, MixtureDetector, Seasonality, Settings, observe_window
from drift_ml.evidence._repeats import MOST_INFLATION, Repeats
from drift_ml.sketches import Sketches
from drift_ml.window import Window

from tests.ml.test_sketches import baseline

__all__ = ["baseline"]


def settings_of(baseline, **options):
    """Return settings of a small budget over a baseline."""
    return Settings(baseline.channels, Budget(20_000), tie_rate=baseline.tie_rate, **options)


def windows(baseline, count, *, times=1, named=False, shift=0.0, jitter=0.0, seed=3, rows=60):
    """Yield windows of rows that come so many times each, in sessions that are named or not."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        middles = rng.normal(size=(3, rows // times))
        middles[0] += shift
        values = np.repeat(middles, times, axis=1)
        values += jitter * rng.normal(size=values.shape)
        levels = rng.choice(["a", "b"], rows // times).repeat(times)
        sessions = [f"{seed} {each}" for each in rng.random(rows // times).repeat(times)] if named else ()
        window = Window.empty(baseline)
        window.observe_rows({**dict(zip("xzw", values, strict=True)), "kind": levels}, sessions=sessions)
        yield window


def watched(detector, of):
    """Return the detector after windows a minute apart."""
    for minute, window in enumerate(of):
        counts = window.channel_counts()
        observe_window(detector, counts, events=window.events, timestamp_s=60.0 * minute, sketches=window.sketches)
    return detector


@pytest.mark.parametrize("way", [{}, {"named": True, "jitter": 0.1}], ids=["alike", "named"])
def test_sessions_of_five(baseline, way):
    """Sessions of five raise no alarm from the first minute on, which they do where they count in full."""
    allowing = watched(MixtureDetector(settings_of(baseline)), windows(baseline, 60, times=5, **way))
    assert allowing.alarm is None
    assert allowing.repetition == pytest.approx(5, rel=0.15)
    full = watched(MixtureDetector(settings_of(baseline, repeats=False)), windows(baseline, 60, times=5, **way))
    assert full.alarm is not None


def test_independent_rows(baseline):
    """Rows that do not repeat count in full, so that evidence and state are the same to the last bit."""
    allowing, plain = (
        watched(MixtureDetector(settings_of(baseline, repeats=on)), windows(baseline, 40)) for on in (True, False)
    )
    assert allowing.repetition == 1
    assert allowing.evidence == plain.evidence


def test_a_drift_among_repeats(baseline):
    """A shift is found among repeats, after as many more events."""
    moved = watched(MixtureDetector(settings_of(baseline)), windows(baseline, 40, times=5, shift=1.0))
    assert moved.alarm.channel == "x"


def test_the_end_among_repeats(baseline):
    """Repeats end no alarm sooner: the test of its end counts them once too."""
    standing = watched(MixtureDetector(settings_of(baseline)), windows(baseline, 40, times=5, shift=2.0))
    early = list(windows(baseline, 6, times=5, seed=4))
    assert watched(standing, early).alarm is not None
    assert watched(standing, windows(baseline, 60, times=5, seed=5)).alarm is None


def test_ties_of_few_values():
    """Rows of few values, which chance makes equal, count in full."""
    repeats = Repeats(tie_rate=0.05)
    rng = np.random.default_rng(2)
    for minute in range(60):
        sketches = Sketches()
        sketches.rows.add_many(rng.integers(0, 20, 60).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        repeats.take(sketches, 60, 60.0 * minute)
    assert repeats.rows == 1.0


def test_what_repeats_cost_at_most(baseline):
    """One row that comes again and again counts as a part that is stated."""
    frozen = watched(MixtureDetector(settings_of(baseline)), windows(baseline, 3, times=60))
    assert frozen.repetition == MOST_INFLATION


def test_what_is_learned_goes_before(baseline):
    """A learned inflation includes the sessions of its time, so that the two do not multiply."""
    counts = {channel.name: channel.counts for channel in baseline.channels}
    learned = Seasonality(86_400.0, (counts,), {"x": 4.0, "z": 40.0})
    detector = MixtureDetector(settings_of(baseline, seasonality=learned))
    named = watched(detector, windows(baseline, 10, times=5, named=True, jitter=0.1))
    assert named.repetition == 1.0
    assert not named.is_by_sessions
    early = replace(learned, is_early=True)
    assert Seasonality.from_json(early.to_json()) == early
    detector = MixtureDetector(settings_of(baseline, seasonality=early))
    # The first days do not know of every channel how alike sessions are.
    assert watched(detector, windows(baseline, 10, times=5, named=True, jitter=0.1)).repetition == pytest.approx(
        5, abs=0.5
    )
    alike = watched(detector, windows(baseline, 120, times=5))
    assert alike.inflation_of("z") == 40
    assert alike.inflation_of("x") == pytest.approx(alike.repetition)


def test_a_state_goes_on(baseline):
    """A detector that is read back continues as if never interrupted, over the end of a block too."""
    settings = settings_of(baseline)
    first, rest = [*windows(baseline, 30, times=2)], [*windows(baseline, 70, times=2, seed=9)]
    whole = watched(watched(MixtureDetector(settings), first), rest)
    halved = MixtureDetector.from_json(watched(MixtureDetector(settings), first).to_json(), settings)
    assert watched(halved, rest).to_json() == whole.to_json()
    whole.forget_evidence()
    assert whole.repetition == 1.0
    assert "repeats" not in whole.to_json()


def test_settings_of_earlier_states(baseline):
    """States go on where repeats are allowed for, and begin anew where that is switched off."""
    plain = Settings(baseline.channels)
    assert replace(plain, tie_rate=0.5).digest == plain.digest
    assert replace(plain, repeats=False).digest != plain.digest
