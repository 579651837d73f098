"""The stack's own state is read again while the engine is still writing it."""

from __future__ import annotations

from types import SimpleNamespace

import pulumi
import pytest
from drift_infra import deployed

HALF_WRITTEN = Exception("invocation returned an error: failed to load checkpoint: EOF")


@pytest.fixture
def engine(monkeypatch):
    """An engine whose answers are taken from a list, exceptions raised."""
    answers = []

    def invoke(_question, _about):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(value=answer)

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
    monkeypatch.setattr(deployed, "WAIT", 0)
    return answers


def test_a_half_written_state_is_read_again(engine):
    engine += [HALF_WRITTEN, HALF_WRITTEN, {"outputs": {}}]
    assert deployed.read_deployed() == deployed.Deployed()
    assert engine == []


def test_a_state_that_stays_unreadable_is_an_error(engine):
    engine += [HALF_WRITTEN] * deployed.TRIES
    with pytest.raises(Exception, match="checkpoint"):
        deployed.read_deployed()
    assert engine == []


def test_another_error_is_not_tried_again(engine):
    engine += [Exception("no such backend"), {"outputs": {}}]
    with pytest.raises(Exception, match="no such backend"):
        deployed.read_deployed()
    assert len(engine) == 1
