"""The rhythm of traffic: which channels cycle by the hour or the week, and how events depend."""

from drift_ml.left_out import LeftOut
from drift_ml.rhythm._bases import Base, bases_from_json
from drift_ml.rhythm._bundled import add_rhythm, read_rhythm
from drift_ml.rhythm._carrying import carried
from drift_ml.rhythm._dependence import dependence_so_far, is_like
from drift_ml.rhythm._hours import Hours, has_ten_minutes
from drift_ml.rhythm._learning import learn_rhythm
from drift_ml.rhythm._model import CONTRACT, Rhythm, RhythmError
from drift_ml.rhythm._rebasing import rebased
from drift_ml.rhythm._suspicion import FEWEST_HOURS, varying_channels
from drift_ml.rhythm._traffic import FEWEST_DAYS, RETRIED_HOURS, enough

__all__ = [
    "CONTRACT",
    "FEWEST_DAYS",
    "FEWEST_HOURS",
    "RETRIED_HOURS",
    "Base",
    "Hours",
    "LeftOut",
    "Rhythm",
    "RhythmError",
    "add_rhythm",
    "bases_from_json",
    "carried",
    "dependence_so_far",
    "enough",
    "has_ten_minutes",
    "is_like",
    "learn_rhythm",
    "read_rhythm",
    "rebased",
    "varying_channels",
]
