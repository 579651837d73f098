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


def test_half_written_state(engine):
    """A state that is half written is read again."""
    engine += [HALF_WRITTEN, HALF_WRITTEN, {"outputs": {}}]
    assert deployed.read_deployed() == deployed.Deployed()
    assert engine == []


def test_unreadable_state(engine):
    """A state that stays unreadable is an error."""
    engine += [HALF_WRITTEN] * deployed.TRIES
    with pytest.raises(Exception, match="checkpoint"):
        deployed.read_deployed()
    assert engine == []


def test_other_error(engine):
    """Another error is not tried again."""
    engine += [Exception("no such backend"), {"outputs": {}}]
    with pytest.raises(Exception, match="no such backend"):
        deployed.read_deployed()
    assert len(engine) == 1
