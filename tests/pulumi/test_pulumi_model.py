"""T3: a new model changes the image, the version, the alias and what depends on them, in the order that loses nothing.

What happens to the events meanwhile is in tests/integration/test_integration_rollout.py.
"""

from __future__ import annotations

from .bundle import bundles
from .workspace import QUIET

CHANGED = {
    "aggregator-function",
    "evaluator-function",
    "image-image",
    "monitor-baselines",
    "predictor-alias",
    "predictor-function",
    "predictor-trial",
    "probe-function",
}


def test_t3_new_model(built):
    """A new model changes only what runs the image."""
    bundles(built.pulumi.root, "another")
    run = built.pulumi.up()
    assert run.code == 0, run.why
    changed = {step.name for step in run.steps if step.op not in QUIET}
    assert changed == CHANGED
    built.settled()


def test_t3_baseline_first(built):
    """The baseline is written before the alias moves."""
    built.account.calls.clear()
    bundles(built.pulumi.root, "another")
    assert built.pulumi.up().code == 0
    calls = [(what, kind) for what, kind, _ in built.account.calls]
    baselines = calls.index(("create", "lambda/invocation:Invocation"))
    assert baselines < calls.index(("update", "lambda/alias:Alias"))
