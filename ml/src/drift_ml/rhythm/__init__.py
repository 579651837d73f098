"""The rhythm of traffic: which channels cycle by the hour or the week, and how events depend."""

from drift_ml.left_out import LeftOut
from drift_ml.rhythm._bases import Base, bases_from_json
from drift_ml.rhythm._bundled import add_rhythm, read_rhythm
from drift_ml.rhythm._carrying import carried
from drift_ml.rhythm._hours import Hours
from drift_ml.rhythm._learning import FEWEST_DAYS, LONGEST_STEP, enough, learn_rhythm
from drift_ml.rhythm._model import CONTRACT, Rhythm, RhythmError
from drift_ml.rhythm._rebasing import rebased
from drift_ml.rhythm._suspicion import varying_channels

__all__ = [
    "CONTRACT",
    "FEWEST_DAYS",
    "LONGEST_STEP",
    "Base",
    "Hours",
    "LeftOut",
    "Rhythm",
    "RhythmError",
    "add_rhythm",
    "bases_from_json",
    "carried",
    "enough",
    "learn_rhythm",
    "read_rhythm",
    "rebased",
    "varying_channels",
]
